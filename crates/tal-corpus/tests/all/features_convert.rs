//! Features of several files, parts of them, and in folders that the subset names; and their conversion.

use std::path::Path;

use crate::common::config;
use tal_core::Recording;
use tal_core::config::{AppendedFeatures, FeatureFormat, FeatureLayout};
use tal_corpus::features::{self, Target};

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
fn features_are_converted_as_a_detector_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), 3);
    let recordings: Vec<Recording> = ["a", "b/c", "d"]
        .map(|id| Recording {
            id: id.into(),
            subset: "training".into(),
            duration: None,
            fps: Some(30.0),
            instances: Vec::new(),
        })
        .into();
    std::fs::create_dir(config.features.dir.join("b")).unwrap();
    for (index, recording) in recordings.iter().enumerate() {
        let data: Vec<f32> = (0..20).map(|v| (v * (index + 1)) as f32 / 3.0).collect();
        let path = config.features.dir.join(format!("{}.npy", recording.id));
        tal_data::features::npy::write(&path, &data, &[5, 4]).unwrap();
    }
    config.features.columns = Some([0, 2]);
    config.features.append = vec![appended(&config.features.dir, ".npy", Some([3, 4]))];
    config.downsample_rate = 2;
    for (num_threads, format) in [
        (
            0,
            FeatureFormat::Npz {
                key: "feats".into(),
                layout: TIME,
            },
        ),
        (
            1,
            FeatureFormat::Torch {
                keys: vec!["x".into(), "y".into()],
                layout: FeatureLayout::ChannelFirst,
            },
        ),
        (
            3,
            FeatureFormat::Hdf5 {
                file: None,
                key: None,
                layout: TIME,
            },
        ),
    ] {
        let out = tempfile::tempdir().unwrap();
        let target = Target {
            dir: out.path().to_owned(),
            suffix: ".x".into(),
            format: format.clone(),
        };
        let mut told = Vec::new();
        let count = features::convert(&config, recordings.clone(), &target, num_threads, |id| {
            told.push(id.to_owned());
        });
        assert_eq!(count.unwrap(), 3);
        assert_eq!(told, ["a", "b/c", "d"]);
        let mut converted = config.clone();
        converted.features.dir = target.dir.clone();
        converted.features.suffix = target.suffix.clone();
        converted.features.format = format;
        converted.features.columns = None;
        converted.features.append.clear();
        for recording in &recordings {
            let array = tal_data::features::open(&converted)
                .load(recording.into())
                .unwrap();
            let original = tal_data::features::open(&config)
                .load(recording.into())
                .unwrap();
            assert_eq!(array, original);
        }
    }
}
