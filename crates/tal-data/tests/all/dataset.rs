//! Opening subsets, and what is said where they cannot be opened.

use std::sync::Arc;

use crate::common::{TRAINING, corpus};
use tal_core::config::{DatasetConfig, FeatureFormat};
use tal_core::{Segment, TimeGrid};
use tal_data::SampleKey;
use tal_data::{Dataset, SampleSource, read_features};

fn open(config: &DatasetConfig) -> Dataset {
    Dataset::open(config, &config.train_subsets).unwrap()
}

fn targets(dataset: &Dataset, index: usize) -> (Vec<Segment<f32>>, Vec<u32>) {
    dataset.training_targets(index, &dataset.features(index).unwrap())
}

/// The error of opening the training subset, without the folder's name.
fn error_of(config: &DatasetConfig, subset: &str) -> String {
    let folder = config.annotations.parent().unwrap();
    let error = Dataset::open(config, &[subset.to_owned()])
        .err()
        .unwrap()
        .to_string();
    error.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn recordings_come_in_the_order_of_the_file_with_their_grid() {
    let folder = tempfile::tempdir().unwrap();
    let config = corpus(folder.path());
    let training = open(&config);
    let ids: Vec<&str> = (0..training.num_recordings())
        .map(|i| training.recording(i).id.as_str())
        .collect();
    assert_eq!(ids, TRAINING);
    let test = Dataset::open(&config, &config.test_subsets).unwrap();
    let features = test.features(0).unwrap();
    assert_eq!((features.id.as_str(), features.duration), ("t", Some(4.0)));
    assert_eq!(
        features.grid,
        TimeGrid {
            fps: 25.0,
            feat_stride: 4.0,
            num_frames: 16.0
        }
    );
    assert_eq!(
        (features.array.num_channels(), features.array.len()),
        (2, 20)
    );
    assert_eq!(test.ground_truth().recordings.len(), 1);
    assert_eq!(test.classes().len(), 3);
}

#[test]
fn seconds_become_grid_units_in_single_precision() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = corpus(folder.path());
    let (segments, labels) = targets(&open(&config), 0);
    assert_eq!(labels, [0, 0, 1]);
    assert_eq!(segments[0].start, (0.5f32 * 30.0 - 0.5 * 16.0) / 4.0);
    assert_eq!(segments[1].end, (1.5004f32 * 30.0 - 0.5 * 16.0) / 4.0);

    config.remove_duplicates = true;
    assert_eq!(targets(&open(&config), 0).1, [0, 1]);
    // Evaluation sees the file as it is.
    assert_eq!(
        open(&config).ground_truth().recordings[0].instances.len(),
        3
    );

    // The configured frame rate wins; every second feature doubles the stride and keeps the window.
    config.fps = Some(10.0);
    config.downsample_rate = 2;
    let dataset = open(&config);
    assert_eq!(
        dataset.grid(0, 30),
        TimeGrid {
            fps: 10.0,
            feat_stride: 8.0,
            num_frames: 16.0
        }
    );
    assert_eq!(targets(&dataset, 0).0[0].start, (0.5f32 * 10.0 - 8.0) / 8.0);
    let array = dataset.features(0).unwrap().array;
    assert_eq!(array.len(), 15);
    assert_eq!(array.channel(0)[..3], [1000.0 * 0.0, 4.0, 8.0]);
}

#[test]
fn recordings_without_annotations_are_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = open(&corpus(folder.path()));
    let key = SampleKey {
        seed: 0,
        epoch: 0,
        index: 4,
    };
    let sample = dataset.sample(key).unwrap();
    assert_eq!((sample.id.as_str(), sample.features.len()), ("empty", 40));
    assert!(sample.segments.is_empty() && sample.labels.is_empty());
}

#[test]
fn the_cache_changes_nothing_but_the_reading() {
    let folder = tempfile::tempdir().unwrap();
    let config = corpus(folder.path());
    let plain = open(&config);
    // Room for the first two recordings: (30 + 40) features of 2 values of 4 bytes.
    let cached = open(&config).with_cache(560);
    for _ in 0..2 {
        for index in 0..5 {
            let (a, b) = (
                plain.features(index).unwrap(),
                cached.features(index).unwrap(),
            );
            assert_eq!(a, b);
        }
    }
    std::fs::remove_dir_all(&config.features.dir).unwrap();
    let readable: Vec<bool> = (0..5).map(|index| cached.features(index).is_ok()).collect();
    assert_eq!(readable, [true, true, false, false, false]);
}

#[test]
fn features_in_order_are_the_same_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = Arc::new(open(&corpus(folder.path())));
    for num_threads in [0, 1, 4] {
        let all: Vec<_> = dataset
            .features_in_order(num_threads, 2)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let ids: Vec<&str> = all.iter().map(|features| features.id.as_str()).collect();
        assert_eq!(ids, TRAINING);
    }
}

#[test]
fn an_unknown_subset_lists_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = corpus(folder.path());
    assert_eq!(
        error_of(&config, "validation"),
        "annotations.json: no recording in \"validation\"; the file has the subsets \"Test\", \"training\", \"Training\""
    );
}

#[test]
fn labels_must_be_classes() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = corpus(folder.path());
    config.num_classes = 2;
    assert_eq!(
        error_of(&config, "training"),
        "annotations.json: recording \"b\", annotation 0: label \"fall\" has label_id 2; expected 0 to 1 (num_classes is 2)"
    );
    config.num_classes = 4;
    assert_eq!(open(&config).classes().unnamed_below(4), [3]);
}

#[test]
fn missing_features_stop_or_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = corpus(folder.path());
    std::fs::remove_file(config.features.dir.join("b.npy")).unwrap();
    std::fs::remove_file(config.features.dir.join("long.npy")).unwrap();
    let error = error_of(&config, "training");
    assert!(
        error.starts_with("2 of 5 recordings have no feature file, first features/b.npy (recording \"b\"); check features.dir"),
        "{error}"
    );
    config.skip_missing_features = true;
    let dataset = open(&config);
    assert_eq!(dataset.num_recordings(), 3);
    assert_eq!(dataset.skipped(), ["b", "long"]);
    // What cannot be detected still counts.
    assert_eq!(dataset.ground_truth().recordings.len(), 5);

    config.features.suffix = ".npz".into();
    assert!(error_of(&config, "training").starts_with("5 of 5 recordings have no feature file"));
}

#[test]
fn a_recording_needs_a_frame_rate() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = corpus(folder.path());
    let text = std::fs::read_to_string(&config.annotations).unwrap();
    std::fs::write(
        &config.annotations,
        text.replace("\"duration\": 5.0, \"fps\": 30", "\"duration\": 5.0"),
    )
    .unwrap();
    assert!(
        error_of(&config, "training")
            .starts_with("recording \"a\" has no frame rate; set dataset.fps")
    );
    config.fps = Some(30.0);
    assert_eq!(open(&config).grid(0, 30).fps, 30.0);
}

#[test]
fn windows_of_a_signal_are_the_grid() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = corpus(folder.path());
    config.features.format = FeatureFormat::Inertial {
        window: 16,
        stride: 8,
        channels: None,
    };
    assert_eq!(
        error_of(&config, "training"),
        "dataset.feat_stride is 4, but features are cut with 8; expected feat_stride = stride and num_frames = window"
    );
    config.feat_stride = Some(8.0);
    assert_eq!(open(&config).num_recordings(), 5);
}

#[test]
fn single_files_are_read_for_prediction() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = corpus(folder.path());
    config.features.prefix = "video_".into();
    let path = folder.path().join("video_new.npy");
    std::fs::copy(config.features.dir.join("a.npy"), &path).unwrap();
    let error = read_features(&config, &path, None, None).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("recording \"new\" has no frame rate")
    );
    let features = read_features(&config, &path, Some(30.0), Some(5.0)).unwrap();
    assert_eq!(
        (
            features.id.as_str(),
            features.array.len(),
            features.grid.fps
        ),
        ("new", 30, 30.0)
    );
}
