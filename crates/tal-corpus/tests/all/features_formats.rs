//! Features through every format: what is written is read back.

use std::path::{Path, PathBuf};

use crate::common::config;
use tal_core::config::{DatasetConfig, FeatureFormat, FeatureLayout};
use tal_corpus::features;
use tal_data::FeatureArray;
use tal_data::features::open;

const TIME: FeatureLayout = FeatureLayout::TimeFirst;
const CHANNEL: FeatureLayout = FeatureLayout::ChannelFirst;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tal-data/tests/fixtures/features")
}

/// The matrix of all fixtures.
fn expected() -> FeatureArray {
    let values: Vec<f32> = (0..30).map(|v| v as f32 * 0.25 - 2.0).collect();
    FeatureArray::from_time_first(&values, 5, 6)
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

fn bits(array: &FeatureArray) -> Vec<u32> {
    array.data().iter().map(|value| value.to_bits()).collect()
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
        let read = open(&config).load("r".into()).unwrap();
        assert_eq!(bits(&read), bits(&array), "{format:?}");
    }
    // The axis of the batch is there, as in the files of SlowFast.
    let format = pickle(&["slow", "fast"], CHANNEL);
    let path = config.features.dir.join("r.x");
    features::write(&format, &path, &array).unwrap();
    let arrays = tal_data::features::tensors::read(&path, &owned(&["slow", "fast"])).unwrap();
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
        let array = open(config).load(id.into()).unwrap();
        let values: Vec<f32> = expected().data().iter().map(|v| v + add).collect();
        assert_eq!(array.data(), values);
    };
    let (mut config, _) = fixture("all.h5", hdf5(Some("all.h5"), None));
    config.features.prefix = "v_".into();
    check(&config, "00", 0.0);
    check(&config, "19", 19.0);
    let store = open(&config);
    assert_eq!(store.missing("07".into()).unwrap(), None);
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
    assert_eq!(open(&config).missing("s".into()).unwrap(), None);
    let error = open(&config).load("s".into()).unwrap_err().to_string();
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
