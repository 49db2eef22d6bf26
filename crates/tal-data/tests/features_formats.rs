//! The same features through every format: files of the tools that people use (`fixtures/features/make.py`) and our own.

mod common;

use std::path::{Path, PathBuf};

use common::config;
use tal_core::config::{DatasetConfig, FeatureFormat, FeatureLayout};
use tal_data::FeatureArray;
use tal_data::features;

const TIME: FeatureLayout = FeatureLayout::TimeFirst;
const CHANNEL: FeatureLayout = FeatureLayout::ChannelFirst;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/features")
}

/// The matrix of all fixtures.
fn expected() -> FeatureArray {
    let values: Vec<f32> = (0..30).map(|v| v as f32 * 0.25 - 2.0).collect();
    FeatureArray::from_time_first(&values, 5, 6)
}

fn npz(key: &str) -> FeatureFormat {
    FeatureFormat::Npz {
        key: key.into(),
        layout: TIME,
    }
}

fn safetensors(key: Option<&str>) -> FeatureFormat {
    FeatureFormat::Safetensors {
        key: key.map(str::to_owned),
        layout: TIME,
    }
}

fn hdf5(file: Option<&str>, key: Option<&str>) -> FeatureFormat {
    FeatureFormat::Hdf5 {
        file: file.map(str::to_owned),
        key: key.map(str::to_owned),
        layout: TIME,
    }
}

fn owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

fn torch(keys: &[&str], layout: FeatureLayout) -> FeatureFormat {
    FeatureFormat::Torch {
        keys: owned(keys),
        layout,
    }
}

fn pickle(keys: &[&str], layout: FeatureLayout) -> FeatureFormat {
    FeatureFormat::Pickle {
        keys: owned(keys),
        layout,
    }
}

/// A configuration whose recording `name` without extension is the fixture.
fn fixture(name: &str, format: FeatureFormat) -> (DatasetConfig, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), 5);
    let (id, extension) = name.rsplit_once('.').unwrap();
    config.features.dir = fixtures();
    config.features.suffix = format!(".{extension}");
    config.features.format = format;
    (config, id.to_owned())
}

fn load(name: &str, format: FeatureFormat) -> Result<FeatureArray, String> {
    let (config, id) = fixture(name, format);
    features::open(&config)
        .load(id.as_str().into())
        .map_err(|error| {
            error
                .to_string()
                .replace(&format!("{}/", fixtures().display()), "")
        })
}

fn bits(array: &FeatureArray) -> Vec<u32> {
    array.data().iter().map(|value| value.to_bits()).collect()
}

#[test]
fn the_files_of_other_tools_hold_the_same_features() {
    let npy = || FeatureFormat::Npy { layout: TIME };
    let slow_fast = ["slow_feature", "fast_feature"];
    let mut cases = vec![
        ("f4.npy", npy()),
        ("f2_fortran.npy", npy()),
        ("f8_big_endian.npy", npy()),
        ("batch.npy", npy()),
        ("stored.npz", npz("feats")),
        ("deflated.npz", npz("feats")),
        ("f4.safetensors", safetensors(None)),
        ("f2.safetensors", safetensors(Some("feats"))),
        ("plain.csv", FeatureFormat::Csv { header: false }),
        ("header.csv", FeatureFormat::Csv { header: true }),
        ("tensor.pt", torch(&[], TIME)),
        ("dict.pt", torch(&["feats"], TIME)),
        ("strided.pt", torch(&[], TIME)),
        ("array.pt", torch(&["feats"], TIME)),
        ("tensor_legacy.pt", torch(&[], TIME)),
        ("dict_legacy.pt", torch(&["a", "b"], TIME)),
        ("slowfast_legacy_p4.pt", torch(&slow_fast, CHANNEL)),
        ("array_view_p5.pkl", pickle(&[], TIME)),
        ("array_fortran_big_endian.pkl", pickle(&["feats"], TIME)),
        ("array_fortran_big_endian.pkl", pickle(&["half"], TIME)),
    ];
    for name in [
        "array_p2.pkl",
        "array_p3.pkl",
        "array_p4.pkl",
        "array_p5.pkl",
    ] {
        cases.push((name, pickle(&[], TIME)));
    }
    for name in [
        "slowfast_p2.pkl",
        "slowfast_p3.pkl",
        "slowfast_p4.pkl",
        "slowfast_p5.pkl",
    ] {
        cases.push((name, pickle(&slow_fast, CHANNEL)));
    }
    for name in [
        "contiguous.h5",
        "half_latest.h5",
        "double_big_endian.h5",
        "chunked.h5",
        "gzip_shuffle.h5",
        "gzip_latest.h5",
        "growing.h5",
        "growing_latest.h5",
    ] {
        cases.push((name, hdf5(None, None)));
        cases.push((name, hdf5(None, Some("feats"))));
    }
    for (name, format) in cases {
        let array = load(name, format).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(bits(&array), bits(&expected()), "{name}");
        assert_eq!((array.num_channels(), array.len()), (5, 6), "{name}");
    }
    let error = load("lzf.h5", hdf5(None, None)).unwrap_err();
    assert!(
        error.starts_with("lzf.h5: not a valid hdf5 file: "),
        "{error}"
    );
}

#[test]
fn what_a_format_writes_is_read_back_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), 7);
    config.features.suffix = ".x".into();
    // All kinds of numbers: subnormal, negative zero, largest, and digits without end.
    let mut values: Vec<f32> = (0..77).map(|v| (v as f32 - 38.0) / 7.0 * 1.7e-3).collect();
    values[..5].copy_from_slice(&[f32::MIN_POSITIVE / 8.0, -0.0, f32::MAX, f32::MIN, 1e-45]);
    let array = FeatureArray::from_channel_first(values, 7, 11);
    let mut formats = vec![
        FeatureFormat::Csv { header: false },
        FeatureFormat::Csv { header: true },
    ];
    for layout in [TIME, CHANNEL] {
        formats.extend([
            FeatureFormat::Npy { layout },
            FeatureFormat::Npz {
                key: "feats".into(),
                layout,
            },
            FeatureFormat::Safetensors { key: None, layout },
            FeatureFormat::Safetensors {
                key: Some("x".into()),
                layout,
            },
            FeatureFormat::Hdf5 {
                file: None,
                key: None,
                layout,
            },
            FeatureFormat::Hdf5 {
                file: None,
                key: Some("a/b".into()),
                layout,
            },
        ]);
        for keys in [&[][..], &["feats"], &["slow", "fast", "third"]] {
            formats.extend([torch(keys, layout), pickle(keys, layout)]);
        }
    }
    for format in formats {
        config.features.format = format.clone();
        features::write(&format, &config.features.dir.join("r.x"), &array).unwrap();
        let read = features::open(&config).load("r".into()).unwrap();
        assert_eq!(bits(&read), bits(&array), "{format:?}");
    }
    // The axis of the batch is there, as in the files of SlowFast.
    let format = pickle(&["slow", "fast"], CHANNEL);
    let path = config.features.dir.join("r.x");
    features::write(&format, &path, &array).unwrap();
    let arrays = features::pickle::read(&path, &owned(&["slow", "fast"])).unwrap();
    assert_eq!(
        (&arrays[0].shape[..], &arrays[1].shape[..]),
        (&[1, 4, 11][..], &[1, 3, 11][..])
    );
}

#[test]
fn what_cannot_be_written_says_why() {
    let array = FeatureArray::from_channel_first(vec![0.0; 2], 1, 2);
    let error = |format| {
        features::write(&format, Path::new("r.x"), &array)
            .unwrap_err()
            .to_string()
    };
    assert!(error(hdf5(Some("all.h5"), None)).contains("cannot write r.x: one HDF5 file for all"));
    assert!(error(torch(&["a", "b"], TIME)).contains("1 channels for 2 keys"));
    let inertial = FeatureFormat::Inertial {
        window: 2,
        stride: 1,
        channels: None,
    };
    assert!(error(inertial).contains("raw signals cannot be had from features"));
}

#[test]
fn one_hdf5_file_holds_all_recordings() {
    let check = |config: &DatasetConfig, id: &str, add: f32| {
        let array = features::open(config).load(id.into()).unwrap();
        let values: Vec<f32> = expected().data().iter().map(|v| v + add).collect();
        assert_eq!(array.data(), values);
    };
    let (mut config, _) = fixture("all.h5", hdf5(Some("all.h5"), None));
    config.features.prefix = "v_".into();
    check(&config, "00", 0.0);
    check(&config, "19", 19.0);
    let store = features::open(&config);
    assert!(store.exists("07".into()).unwrap());
    assert_eq!(
        store.missing("20".into()).unwrap(),
        Some(fixtures().join("all.h5/v_20"))
    );
    let error = store.load("20".into()).unwrap_err().to_string();
    assert!(
        error.contains("no array named \"v_20\"; the file holds \"v_00\", \"v_01\""),
        "{error}"
    );
    assert!(error.ends_with("and 10 more"), "{error}");

    config.features.format = hdf5(Some("all_groups.h5"), Some("c3d_features"));
    check(&config, "r", 0.0);
    check(&config, "s", 1.0);
    // Without the key, the error says what is below the recording's name.
    config.features.format = hdf5(Some("all_groups.h5"), None);
    assert!(features::open(&config).exists("s".into()).unwrap());
    let error = features::open(&config)
        .load("s".into())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no array named \"v_s\"; the file holds \"v_s/c3d_features\""),
        "{error}"
    );

    // And what we write ourselves, in folders and at the top.
    let folder = tempfile::tempdir().unwrap();
    config.features.dir = folder.path().to_owned();
    for key in [None, Some("feats")] {
        let recordings = [
            ("v_a".to_owned(), expected()),
            ("v_b/c".to_owned(), expected()),
        ];
        let path = folder.path().join("all_groups.h5");
        features::write_all(&path, key, TIME, &recordings).unwrap();
        config.features.format = hdf5(Some("all_groups.h5"), key);
        check(&config, "a", 0.0);
        check(&config, "b/c", 0.0);
    }
}

#[test]
fn wrong_names_are_answered_with_what_is_there() {
    for (name, format, expected) in [
        (
            "stored.npz",
            npz("feat"),
            "no array named \"feat\"; the file holds \"feats\", \"other\"",
        ),
        (
            "f2.safetensors",
            safetensors(None),
            "which array? The file holds \"feats\", \"other\"; name one in features.format (key or keys)",
        ),
        (
            "f2.safetensors",
            safetensors(Some("x")),
            "no array named \"x\"; the file holds \"feats\", \"other\"",
        ),
        (
            "contiguous.h5",
            hdf5(None, Some("x")),
            "no array named \"x\"; the file holds \"feats\"",
        ),
        (
            "dict.pt",
            torch(&[], TIME),
            "which array? The file holds \"feats\"; name one",
        ),
        (
            "dict.pt",
            torch(&["fps"], TIME),
            "\"fps\" is a float; expected a tensor or an array",
        ),
        (
            "tensor.pt",
            torch(&["feats"], TIME),
            "it holds a tensor [6, 5], so that there is no \"feats\"; leave out features.format.keys",
        ),
        (
            "slowfast_p4.pkl",
            pickle(&["slow"], CHANNEL),
            "no array named \"slow\"; the file holds \"fast_feature\", \"slow_feature\"",
        ),
        (
            "slowfast_p4.pkl",
            pickle(&["slow_feature"], CHANNEL),
            "3 channels per feature (array of shape [3, 6]); expected 5 (dataset.input_dim)",
        ),
        (
            "header.csv",
            FeatureFormat::Csv { header: false },
            "line 1, column 1: \"a\" is no finite number; does the first line name the columns (header: true)?",
        ),
        (
            "f4.npy",
            FeatureFormat::Npy { layout: CHANNEL },
            "6 channels per feature (array of shape [6, 5]); expected 5 (dataset.input_dim); the other axis fits, \
             is the layout time_first?",
        ),
    ] {
        let error = load(name, format).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn text_is_checked_line_by_line() {
    let parse = |text: &str| {
        features::csv::parse(text.as_bytes(), Path::new("r.csv"), false)
            .map(|array| array.shape)
            .map_err(|error| error.to_string())
    };
    assert_eq!(parse("1,2\n\n3 , 4e-1\r\n").unwrap(), [2, 2]);
    assert_eq!(
        parse("1,2\n3,4,5\n").unwrap_err(),
        "r.csv: not a valid csv file: line 2: 3 values, the first line has 2"
    );
    for bad in ["nan", "inf", "1e99", "", "1.2.3", "0x10"] {
        let error = parse(&format!("1,2\n3,{bad}\n")).unwrap_err();
        assert_eq!(
            error,
            format!("r.csv: not a valid csv file: line 2, column 2: {bad:?} is no finite number")
        );
    }
}
