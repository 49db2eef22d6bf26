//! A small data set in a temporary folder.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::Path;

use tal_core::config::{
    AugmentationConfig, BeyondFeatures, DatasetConfig, FeatureFormat, FeatureLayout,
    FeaturesConfig, TruncationConfig,
};
use tal_data::features::npy;

/// The configuration of `folder/annotations.json` and `folder/features/ID.npy`; makes the latter folder.
pub(crate) fn config(folder: &Path, input_dim: usize) -> DatasetConfig {
    let dir = folder.join("features");
    std::fs::create_dir_all(&dir).unwrap();
    DatasetConfig {
        annotations: folder.join("annotations.json"),
        features: FeaturesConfig {
            dir,
            prefix: String::new(),
            suffix: ".npy".into(),
            format: FeatureFormat::Npy {
                layout: FeatureLayout::TimeFirst,
            },
            columns: None,
            append: Vec::new(),
        },
        train_subsets: vec!["training".into()],
        test_subsets: vec!["test".into()],
        num_classes: 3,
        input_dim,
        fps: None,
        feat_stride: Some(4.0),
        num_frames: 16.0,
        downsample_rate: 1,
        max_seq_len: 40,
        truncation: TruncationConfig {
            trunc_thresh: 0.5,
            crop_ratio: Some([0.9, 1.0]),
            max_tries: 200,
            keep_whole: false,
            balanced: 0.0,
        },
        augmentation: AugmentationConfig::default(),
        remove_duplicates: false,
        skip_missing_features: false,
        extract: None,
        resize: false,
        class_agnostic: false,
        beyond_features: BeyondFeatures::Keep,
    }
}

/// Writes the feature file of a recording.
pub(crate) fn write(config: &DatasetConfig, id: &str, bytes: &[u8]) {
    let name = format!("{id}{}", config.features.suffix);
    std::fs::write(config.features.dir.join(name), bytes).unwrap();
}

/// Writes features (T, C) that count up from `first`.
pub(crate) fn write_counted(config: &DatasetConfig, id: &str, len: usize, first: f32) {
    let data: Vec<f32> = (0..len * config.input_dim)
        .map(|v| first + v as f32)
        .collect();
    let path = config.features.dir.join(format!("{id}.npy"));
    npy::write(&path, &data, &[len, config.input_dim]).unwrap();
}

/// Ids of the training recordings of [`corpus`].
pub(crate) const TRAINING: [&str; 5] = ["a", "b", "c", "long", "empty"];

/// Five training recordings (one longer than `max_seq_len`, one without annotations) and one test recording.
pub(crate) fn corpus(folder: &Path) -> DatasetConfig {
    let config = config(folder, 2);
    for (index, (id, len)) in [
        ("a", 30),
        ("b", 40),
        ("c", 1),
        ("long", 90),
        ("empty", 55),
        ("t", 20),
    ]
    .into_iter()
    .enumerate()
    {
        write_counted(&config, id, len, 1000.0 * index as f32);
    }
    std::fs::write(
        &config.annotations,
        r#"{"database": {
        "t": {"subset": "Test", "duration": 4.0, "fps": 25, "annotations": [{"segment": [0.5, 1.5], "label": "run", "label_id": 0}]},
        "a": {"subset": "training", "duration": 5.0, "fps": 30, "annotations": [
            {"segment": [0.5, 1.5], "label": "run", "label_id": 0},
            {"segment": [0.5004, 1.5004], "label": "run", "label_id": 0},
            {"segment": [2.0, 3.25], "label": "jump", "label_id": 1}]},
        "b": {"subset": "Training", "fps": 30, "annotations": [{"segment": [1.0, 4.0], "label": "fall", "label_id": 2}]},
        "c": {"subset": "training", "fps": 30, "annotations": [{"segment": [0.1, 0.4], "label": "run", "label_id": 0}]},
        "long": {"subset": "training", "fps": 30, "annotations": [
            {"segment": [1.0, 2.0], "label": "run", "label_id": 0},
            {"segment": [9.0, 11.0], "label": "jump", "label_id": 1}]},
        "empty": {"subset": "training", "fps": 30, "annotations": []}}}"#,
    )
    .unwrap();
    config
}
