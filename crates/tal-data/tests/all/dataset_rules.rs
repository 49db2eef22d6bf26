//! The rules that ActivityNet, HACS and EPIC-Kitchens bring: fixed length, resizing, cut-offs, one class for all.

use crate::common::{config, write_counted};
use proptest::prelude::*;
use tal_core::config::{BeyondFeatures, DatasetConfig};
use tal_core::{Segment, TimeGrid};
use tal_data::SampleKey;
use tal_data::{Dataset, SampleSource, read_features};

/// One training recording "a" of 16 seconds at 15 frames per second, `len` features that count up.
fn one(folder: &std::path::Path, len: usize, annotations: &str) -> DatasetConfig {
    let mut config = config(folder, 2);
    config.truncation.crop_ratio = None;
    write_counted(&config, "a", len, 0.0);
    let text = format!(
        r#"{{"database": {{"a": {{"subset": "training", "duration": 16.0, "fps": 15, "annotations": [{annotations}]}}}}}}"#
    );
    std::fs::write(&config.annotations, text).unwrap();
    config
}

const THREE: &str = r#"
    {"segment": [2.0, 4.0], "label": "run", "label_id": 1},
    {"segment": [2.0, 4.0], "label": "jump", "label_id": 2},
    {"segment": [2.0005, 4.0], "label": "run", "label_id": 1}"#;

fn open(config: &DatasetConfig) -> Dataset {
    Dataset::open(config, &config.train_subsets).unwrap()
}

fn error_of(config: &DatasetConfig) -> String {
    Dataset::open(config, &config.train_subsets)
        .err()
        .unwrap()
        .to_string()
}

fn targets(dataset: &Dataset) -> (Vec<Segment<f32>>, Vec<u32>) {
    dataset.training_targets(0, &dataset.features(0).unwrap())
}

fn square(feat_stride: f32) -> TimeGrid {
    TimeGrid {
        fps: 15.0,
        feat_stride,
        num_frames: feat_stride,
    }
}

#[test]
fn fixed_length_features_share_out_the_duration() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = one(folder.path(), 32, THREE);
    config.feat_stride = None;
    let dataset = open(&config);
    let features = dataset.features(0).unwrap();
    // 16 s · 15 frames per second / 32.
    assert_eq!(features.grid, square(7.5));
    assert_eq!(features.array.len(), 32);
    // Two features per second, each in the middle of its half second.
    let (segments, _) = targets(&dataset);
    assert_eq!(segments[0], Segment::new(2.0 * 2.0 - 0.5, 4.0 * 2.0 - 0.5));

    config.downsample_rate = 4;
    assert_eq!(open(&config).features(0).unwrap().grid, square(30.0));
    assert_eq!(targets(&open(&config)).0[0], Segment::new(0.5, 1.5));
}

#[test]
fn fixed_length_needs_a_duration_but_no_frame_rate() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = one(folder.path(), 32, THREE);
    config.feat_stride = None;
    let text = std::fs::read_to_string(&config.annotations).unwrap();
    std::fs::write(&config.annotations, text.replace("\"fps\": 15,", "")).unwrap();
    assert_eq!(
        targets(&open(&config)).0[0],
        Segment::new(2.0 * 2.0 - 0.5, 4.0 * 2.0 - 0.5)
    );
    std::fs::write(&config.annotations, text.replace("\"duration\": 16.0,", "")).unwrap();
    let error = error_of(&config);
    assert!(
        error.starts_with("recording \"a\" has no duration, and without dataset.feat_stride"),
        "{error}"
    );
    // Where the stride is known a recording without duration is fine.
    config.feat_stride = Some(4.0);
    assert_eq!(open(&config).features(0).unwrap().duration, None);

    config.feat_stride = None;
    let path = config.features.dir.join("a.npy");
    let error = read_features(&config, &path, Some(15.0), None).unwrap_err();
    assert!(error.to_string().contains("\"a\" has no duration"));
    let features = read_features(&config, &path, Some(15.0), Some(16.0)).unwrap();
    assert_eq!(features.grid, square(7.5));
}

#[test]
fn resized_recordings_have_the_length_and_grid_of_max_seq_len() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = one(folder.path(), 20, THREE);
    (config.resize, config.max_seq_len) = (true, 40);
    // ((20 − 1) · 4 + 16) / 40 = 2.3
    let dataset = open(&config).with_cache(1 << 20);
    for _ in 0..2 {
        // The second time from the cache, with the grid of the features as they were stored.
        let features = dataset.features(0).unwrap();
        assert_eq!(features.grid, square(2.3));
        assert_eq!(features.array.len(), 40);
        // Values 0, 2, 4, … of the first channel, doubled in number.
        assert_eq!(features.array.channel(0)[..5], [0.0, 0.5, 1.5, 2.5, 3.5]);
        assert_eq!(features.array.channel(0)[39], 38.0);
    }
    assert_eq!(dataset.grid(0, 20), square(2.3));
    let (segments, _) = targets(&dataset);
    let half = 0.5 * 2.3f32;
    assert_eq!(segments[0].start, (2.0f32 * 15.0 - half) / 2.3);

    // Every second feature first: ((10 − 1) · 8 + 16) / 40.
    config.downsample_rate = 2;
    assert_eq!(open(&config).features(0).unwrap().grid, square(2.2));
    config.downsample_rate = 1;
    // Fixed length: 16 · 15 / 40.
    config.feat_stride = None;
    let features = open(&config).features(0).unwrap();
    assert_eq!((features.grid, features.array.len()), (square(6.0), 40));

    let path = config.features.dir.join("a.npy");
    let single = read_features(&config, &path, None, Some(16.0)).unwrap();
    assert_eq!(single.array, features.array);
    // Without a frame rate one frame is a second; seconds come out the same.
    assert_eq!(single.grid.to_seconds(7.0), features.grid.to_seconds(7.0));
}

#[test]
fn one_feature_without_window_still_has_an_extent() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = one(folder.path(), 1, THREE);
    (config.resize, config.max_seq_len, config.num_frames) = (true, 8, 0.0);
    let features = open(&config).features(0).unwrap();
    assert_eq!(features.grid, square(0.5));
    assert_eq!(features.array.len(), 8);
}

#[test]
fn one_class_for_all_in_training_and_evaluation() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = one(folder.path(), 60, THREE);
    (config.class_agnostic, config.num_classes) = (true, 1);
    config.remove_duplicates = true;
    let dataset = open(&config);
    // Duplicates are told before the labels go.
    assert_eq!(targets(&dataset).1, [0, 0]);
    let truth = dataset.ground_truth();
    assert_eq!(truth.recordings[0].instances.len(), 3);
    assert!(truth.recordings[0].instances.iter().all(|i| i.label == 0));
    assert_eq!(
        dataset.classes().iter().collect::<Vec<_>>(),
        [(0, "action")]
    );
    assert!(dataset.recording(0).instances.iter().all(|i| i.label == 0));
    // What external class scores are compared with.
    let labelled = dataset.labelled_truth();
    let labels: Vec<u32> = labelled.recordings[0]
        .instances
        .iter()
        .map(|i| i.label)
        .collect();
    assert_eq!(labels, [1, 2, 1]);
    assert_eq!(labelled.classes.name(2), Some("jump"));

    config.class_agnostic = false;
    assert!(error_of(&config).contains("num_classes is 1"));
    config.num_classes = 3;
    let dataset = open(&config);
    assert_eq!(dataset.labelled_truth(), dataset.ground_truth());
    assert_eq!(targets(&dataset).1, [1, 2]);
}

#[test]
fn labels_without_ids_are_numbered_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let config = one(
        folder.path(),
        60,
        r#"{"segment": [2.0, 4.0], "label": "run"}, {"segment": [2.0, 4.0], "label": "jump"}"#,
    );
    let dataset = open(&config);
    assert_eq!(targets(&dataset).1, [1, 0]);
    assert_eq!(dataset.classes().unnamed_below(3), [2]);
}

#[test]
fn annotations_beyond_the_features_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    // 30 features of stride 4 end at grid position 30; v = 30 + ½ · 16/4 = 32 is second (32 · 4 + 8) / 15.
    let mut config = one(
        folder.path(),
        30,
        r#"{"segment": [8.0, 9.0], "label": "run", "label_id": 0},
           {"segment": [8.0, 12.0], "label": "run", "label_id": 0},
           {"segment": [8.6, 9.0], "label": "run", "label_id": 0},
           {"segment": [12.0, 14.0], "label": "run", "label_id": 0}"#,
    );
    let grid = |second: f32| (second * 15.0 - 8.0) / 4.0;
    assert_eq!(targets(&open(&config)).0.len(), 4);

    config.beyond_features = BeyondFeatures::DropAndClip;
    // 8 s is at 28, 12 s at 43: 4 of 15 are covered.
    let kept = targets(&open(&config)).0;
    assert_eq!(kept[0], Segment::new(grid(8.0), grid(9.0)));
    assert_eq!(kept[1], Segment::new(grid(8.6), grid(9.0)));
    assert_eq!(kept.len(), 2);
    config.truncation.trunc_thresh = 0.25;
    assert_eq!(targets(&open(&config)).0[1], Segment::new(28.0, 32.0));

    config.beyond_features = BeyondFeatures::Clip;
    let kept = targets(&open(&config)).0;
    // 8.6 s is at 30.25.
    assert_eq!(kept, [Segment::new(28.0, 30.0), Segment::new(28.0, 30.0)]);
}

#[test]
fn a_recording_whose_annotations_all_lie_outside_is_still_a_sample() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = one(
        folder.path(),
        30,
        r#"{"segment": [12.0, 14.0], "label": "run", "label_id": 0}"#,
    );
    let key = SampleKey {
        seed: 0,
        epoch: 0,
        index: 0,
    };
    let mut labels = |rule| {
        config.beyond_features = rule;
        open(&config).sample(key).unwrap().labels
    };
    assert!(labels(BeyondFeatures::DropAndClip).is_empty());
    assert_eq!(labels(BeyondFeatures::Clip), [0]);
    assert_eq!(labels(BeyondFeatures::Keep), [0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Where the grid follows from the recording, its features cover exactly the recording.
    #[test]
    fn grids_cover_what_they_should(
        len in 1..90usize, resize: bool, fixed: bool, rate in 1..4usize, max_seq_len in 1..90usize,
    ) {
        prop_assume!(resize || fixed);
        let folder = tempfile::tempdir().unwrap();
        let mut config = one(folder.path(), len, THREE);
        (config.resize, config.max_seq_len, config.downsample_rate) = (resize, max_seq_len, rate);
        config.feat_stride = (!fixed).then_some(4.0);
        let dataset = open(&config);
        let features = dataset.features(0).unwrap();
        let left = len.div_ceil(rate);
        prop_assert_eq!(features.array.len(), if resize { max_seq_len } else { left });
        prop_assert_eq!(features.grid, dataset.grid(0, len));
        prop_assert_eq!(features.grid.feat_stride, features.grid.num_frames);
        let covered = features.grid.to_seconds(features.array.len() as f32 - 0.5);
        let expected = if fixed { 16.0 } else { ((left - 1) as f32 * 4.0 * rate as f32 + 16.0) / 15.0 };
        prop_assert!((covered - expected).abs() < 1e-4 * expected, "{covered} {expected}");
        prop_assert!(features.grid.to_seconds(-0.5).abs() < 1e-5);
    }

    /// Resizing moves the features, not the actions: a feature near a second shows what was there before.
    #[test]
    fn resizing_keeps_features_and_seconds_together(len in 2..80usize, max_seq_len in 2..80usize, at in 0.1..0.9f64) {
        let folder = tempfile::tempdir().unwrap();
        let mut config = one(folder.path(), len, THREE);
        // Windows as long as their stride, so that both grids cover the same seconds.
        (config.feat_stride, config.num_frames) = (Some(4.0), 4.0);
        let plain = open(&config).features(0).unwrap();
        (config.resize, config.max_seq_len) = (true, max_seq_len);
        let resized = open(&config).features(0).unwrap();
        // The first channel counts 0, 2, 4, …: its value is twice the position in the plain grid.
        let index = ((max_seq_len - 1) as f64 * at).round() as usize;
        let seconds = f64::from(resized.grid.to_seconds(index as f32));
        let position = plain.grid.to_grid(seconds).clamp(0.0, len as f32 - 1.0);
        let value = resized.array.channel(0)[index];
        prop_assert!((value - 2.0 * position).abs() < 1e-3 * len as f32, "{value} {position}");
    }
}
