//! Synthetic data in the layout of a configuration: what is written reads back as that configuration expects it.

use std::collections::BTreeSet;
use std::path::Path;

use tal_core::config::{AppendedFeatures, DatasetConfig, FeatureFormat, FeatureLayout};
use tal_data::{Dataset, class_scores};
use tal_synth::{LikeOptions, LikeReport, write_like};

fn config(folder: &Path) -> DatasetConfig {
    let mut config = crate::common::config(folder, 12);
    config.num_classes = 4;
    config.max_seq_len = 64;
    config.features.prefix = "v_".into();
    config
}

fn options(count: usize) -> LikeOptions {
    LikeOptions {
        count,
        seed: 3,
        class_scores: None,
    }
}

fn make(config: &DatasetConfig, count: usize) -> LikeReport {
    write_like(config, &options(count)).unwrap()
}

/// Opens both subsets and checks what every configuration expects.
fn check(config: &DatasetConfig, count: usize) -> Vec<usize> {
    let mut lengths = Vec::new();
    for subsets in [&config.train_subsets, &config.test_subsets] {
        let dataset = Dataset::open(config, subsets).unwrap();
        assert_eq!(dataset.num_recordings(), count);
        for index in 0..count {
            let features = dataset.features(index).unwrap();
            assert_eq!(features.array.num_channels(), config.input_dim);
            let len = features.array.len();
            lengths.push(len);
            let (segments, labels) = dataset.training_targets(index, &features);
            assert!(!segments.is_empty());
            assert!(
                labels
                    .iter()
                    .all(|label| (*label as usize) < config.num_classes)
            );
            // Inside the recording: at least a feature from either end.
            assert!(
                segments
                    .iter()
                    .all(|s| s.start >= -0.5 && s.end <= len as f32)
            );
            let duration = features.duration.unwrap();
            let room = features.grid.num_features(duration);
            assert!(room.abs_diff(len) <= 1, "{room} {len}");
        }
    }
    lengths
}

fn npy(layout: FeatureLayout) -> FeatureFormat {
    FeatureFormat::Npy { layout }
}

#[test]
fn lengths_lie_on_both_sides_of_max_seq_len_and_every_class_occurs() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let report = make(&config, 4);
    assert_eq!((report.num_used_classes, report.num_classes), (4, 4));
    let lengths = check(&config, 4);
    for subset in lengths.chunks(4) {
        assert!(subset.iter().any(|len| *len < 64) && subset.iter().any(|len| *len > 64));
    }
    let (least, most) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
    assert_eq!(report.lengths, (*least, *most));
    assert!(*least >= 32 && *most <= 96);
    assert_eq!(
        report.subsets,
        [("training".to_owned(), 4), ("test".to_owned(), 4)]
    );

    // Nothing is overwritten.
    let error = write_like(&config, &options(1)).unwrap_err().to_string();
    assert!(
        error.contains("annotations.json is there already"),
        "{error}"
    );
    std::fs::remove_file(&config.annotations).unwrap();
    let error = write_like(&config, &options(1)).unwrap_err().to_string();
    assert!(error.contains("features is not empty"), "{error}");
}

#[test]
fn the_same_seed_gives_the_same_files() {
    let files = |seed| {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let options = LikeOptions { seed, ..options(1) };
        write_like(&config, &options).unwrap();
        (
            std::fs::read(&config.annotations).unwrap(),
            std::fs::read(config.features.dir.join("v_synth_train_0001.npy")).unwrap(),
        )
    };
    assert_eq!(files(1), files(1));
    assert_ne!(files(1).0, files(2).0);
}

#[test]
fn every_format_reads_back() {
    let layout = FeatureLayout::ChannelFirst;
    let keys = || vec!["slow_feature".to_owned(), "fast_feature".to_owned()];
    let formats = [
        (".npy", npy(layout)),
        (
            ".npz",
            FeatureFormat::Npz {
                key: "feats".into(),
                layout,
            },
        ),
        (
            ".safetensors",
            FeatureFormat::Safetensors { key: None, layout },
        ),
        (
            "_spatial_feature.pt",
            FeatureFormat::Torch {
                keys: Vec::new(),
                layout,
            },
        ),
        (
            ".pth",
            FeatureFormat::Torch {
                keys: keys(),
                layout,
            },
        ),
        (
            ".pkl",
            FeatureFormat::Pickle {
                keys: keys(),
                layout,
            },
        ),
        (".csv", FeatureFormat::Csv { header: true }),
        (
            ".h5",
            FeatureFormat::Hdf5 {
                file: None,
                key: Some("x".into()),
                layout,
            },
        ),
        (
            "",
            FeatureFormat::Hdf5 {
                file: Some("all.h5".into()),
                key: None,
                layout,
            },
        ),
    ];
    for (suffix, format) in formats {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        config.features.dir = folder.path().join("i3d/{subset}");
        config.features.suffix = suffix.into();
        if matches!(format, FeatureFormat::Hdf5 { file: Some(_), .. }) {
            config.features.dir = folder.path().join("i3d");
        }
        config.features.format = format;
        make(&config, 2);
        check(&config, 2);
    }
}

#[test]
fn channels_are_shared_among_files_and_columns() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    let flow = |columns| AppendedFeatures {
        dir: folder.path().join("flow"),
        prefix: String::new(),
        suffix: ".npy".into(),
        format: npy(FeatureLayout::ChannelFirst),
        columns,
    };
    // 4 of 8 columns, then two parts of one file, then what is left.
    config.features.columns = Some([0, 4]);
    config.features.append = vec![flow(Some([1, 3])), flow(Some([5, 8])), flow(None)];
    config.features.append[2].dir = folder.path().join("audio");
    make(&config, 2);
    check(&config, 2);
    let width = |dir: &str, axis: usize| {
        let name = if dir == "features" {
            "v_synth_test_0002.npy"
        } else {
            "synth_test_0002.npy"
        };
        tal_data::features::npy::read(&folder.path().join(dir).join(name))
            .unwrap()
            .shape[axis]
    };
    assert_eq!(
        [width("features", 1), width("flow", 0), width("audio", 0)],
        [8, 8, 3]
    );

    config.features.append.pop();
    config.annotations = folder.path().join("other.json");
    config.features.dir = folder.path().join("other");
    std::fs::remove_dir_all(folder.path().join("flow")).unwrap();
    let error = write_like(&config, &options(1)).unwrap_err().to_string();
    assert_eq!(
        error,
        "dataset.input_dim is 12; expected 9, the columns of all feature files"
    );
}

#[test]
fn fixed_length_resizing_and_down_sampling_fit() {
    for (fixed, resize, rate) in [
        (true, false, 1),
        (true, true, 1),
        (false, true, 1),
        (false, false, 2),
        (true, false, 2),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        if fixed {
            config.feat_stride = None;
        }
        (config.resize, config.downsample_rate) = (resize, rate);
        make(&config, 2);
        let lengths = check(&config, 2);
        if fixed || resize {
            assert_eq!(lengths, [64; 4]);
        } else {
            assert!(lengths[0] < 64 && lengths[1] > 64, "{lengths:?}");
        }
    }
}

#[test]
fn raw_signals_are_written_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.features.format = FeatureFormat::Inertial {
        window: 8,
        stride: 4,
        channels: Some(vec![0, 2]),
    };
    (config.input_dim, config.feat_stride, config.num_frames) = (16, Some(4.0), 8.0);
    config.fps = Some(50.0);
    make(&config, 2);
    let lengths = check(&config, 2);
    assert!(lengths[0] < 64 && lengths[1] > 64, "{lengths:?}");
    let signal = config.features.dir.join("v_synth_train_0001.npy");
    assert_eq!(tal_data::features::npy::read(&signal).unwrap().shape[1], 3);
}

#[test]
fn class_agnostic_data_have_classes_and_scores_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    (config.class_agnostic, config.num_classes) = (true, 1);
    let options = LikeOptions {
        class_scores: Some(folder.path().join("scores/cuhk.json")),
        ..options(2)
    };
    let report = write_like(&config, &options).unwrap();
    check(&config, 2);
    let dataset = Dataset::open(&config, &config.test_subsets).unwrap();
    let truth = dataset.labelled_truth();
    // Numbered without gaps.
    assert_eq!(truth.classes.id_bound() as usize, report.num_used_classes);
    assert!(report.num_used_classes > 1);
    let scores =
        class_scores::read(options.class_scores.as_deref().unwrap(), &truth.classes).unwrap();
    for recording in &truth.recordings {
        let scores = &scores[&recording.id];
        assert!((scores.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let best = (0..scores.len())
            .max_by(|a, b| scores[*a].total_cmp(&scores[*b]))
            .unwrap();
        let present: BTreeSet<u32> = recording.instances.iter().map(|i| i.label).collect();
        assert!(present.contains(&(best as u32)));
    }
}

#[test]
fn as_many_classes_as_there_is_room_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    (config.num_classes, config.max_seq_len) = (300, 64);
    let report = make(&config, 1);
    assert!(
        report.num_used_classes < 300 && report.num_used_classes > 10,
        "{report:?}"
    );
    check(&config, 1);

    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::common::config(folder.path(), 8);
    (config.num_classes, config.max_seq_len) = (60, 512);
    let report = make(&config, 3);
    assert_eq!(report.num_used_classes, 60);
}

#[test]
fn a_few_channels_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.input_dim = 3;
    make(&config, 1);
    check(&config, 1);
}
