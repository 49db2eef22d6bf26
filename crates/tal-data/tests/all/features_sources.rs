//! Features of several files, parts of them, and in folders that the subset names; and their conversion.

use std::path::Path;

use crate::common::config;
use tal_core::config::{AppendedFeatures, DatasetConfig, FeatureFormat, FeatureLayout};
use tal_data::features::{self, RecordingKey};

const TIME: FeatureLayout = FeatureLayout::TimeFirst;

fn appended(dir: &Path, suffix: &str, columns: Option<[usize; 2]>) -> AppendedFeatures {
    AppendedFeatures {
        dir: dir.to_owned(),
        prefix: String::new(),
        suffix: suffix.to_owned(),
        format: FeatureFormat::Npy { layout: TIME },
        columns,
    }
}

#[test]
fn columns_and_further_files_make_the_channels() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), 3);
    let dir = config.features.dir.clone();
    let write = |name: &str, len: usize, channels: usize, first: f32| {
        let data: Vec<f32> = (0..len * channels).map(|v| first + v as f32).collect();
        features::npy::write(&dir.join(name), &data, &[len, channels]).unwrap();
    };
    write("r.npy", 4, 4, 0.0);
    write("r_flow.npy", 3, 2, 100.0);
    config.features.columns = Some([1, 3]);
    config.features.append = vec![appended(&dir, "_flow.npy", Some([1, 2]))];
    let array = features::open(&config).load("r".into()).unwrap();
    assert_eq!((array.num_channels(), array.len()), (3, 3));
    assert_eq!(array.data(), [1., 5., 9., 2., 6., 10., 101., 103., 105.]);
    // The file of a recording may be named, the rest follows from its id.
    let store = features::open(&config);
    let same = store.load_file(&dir.join("r.npy"), "r".into()).unwrap();
    assert_eq!(array, same);
    assert_eq!(
        store.paths("r".into()).unwrap(),
        [dir.join("r.npy"), dir.join("r_flow.npy")]
    );

    config.features.append[0].columns = None;
    let error = |config: &DatasetConfig| {
        let error = features::open(config)
            .load("r".into())
            .unwrap_err()
            .to_string();
        error.replace(&format!("{}/", dir.display()), "")
    };
    assert_eq!(
        error(&config),
        "r.npy: 2, r_flow.npy: 2 give 4 channels per feature; expected 3 (dataset.input_dim)"
    );
    write("r_flow.npy", 2, 2, 0.0);
    assert_eq!(
        error(&config),
        "r.npy has 4 features and r_flow.npy has 2; expected the same number, or one more"
    );
    config.features.columns = Some([2, 5]);
    assert_eq!(
        error(&config),
        "r.npy: columns 2 to 5 are wanted, but there are 4 channels (array of shape [4, 4])"
    );
    config.features.columns = Some([2, 4]);
    config.features.append[0].suffix = "_none.npy".into();
    assert!(error(&config).contains("r_none.npy does not exist (recording \"r\")"));
    let missing = features::open(&config).missing("r".into()).unwrap();
    assert_eq!(missing, Some(dir.join("r_none.npy")));
    // Columns that are not used may hold anything; those that are used are named as stored.
    config.features.append.clear();
    config.input_dim = 2;
    let mut data = vec![0.0; 8];
    data[4] = f32::NAN;
    features::npy::write(&dir.join("r.npy"), &data, &[2, 4]).unwrap();
    assert!(features::open(&config).load("r".into()).is_ok());
    data[7] = f32::NAN;
    features::npy::write(&dir.join("r.npy"), &data, &[2, 4]).unwrap();
    assert_eq!(
        error(&config),
        "r.npy: value NaN at time step 1, channel 3; expected finite numbers"
    );
}

#[test]
fn the_subset_chooses_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), 1);
    config.features.dir = folder.path().join("{subset}");
    std::fs::create_dir(folder.path().join("training")).unwrap();
    features::npy::write(&folder.path().join("training/r.npy"), &[1.0], &[1, 1]).unwrap();
    let store = features::open(&config);
    let key = |subset| RecordingKey { id: "r", subset };
    assert!(store.load(key(Some("Training"))).is_ok());
    assert!(store.missing(key(Some("test"))).unwrap().is_some());
    let error = store.load(key(None)).unwrap_err().to_string();
    assert!(
        error.contains("{subset} stands for the subset of a recording"),
        "{error}"
    );
}
