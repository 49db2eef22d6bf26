//! The same features through every format: files of the tools that people use (`fixtures/features/make.py`) and our own.

use std::path::{Path, PathBuf};

use crate::common::config;
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
            "line 1, column 1: \"a\" is not a finite number; does the first line name the columns (header: true)?",
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
            format!(
                "r.csv: not a valid csv file: line 2, column 2: {bad:?} is not a finite number"
            )
        );
    }
}
