//! The text format against recordings of the real data set, where they are at hand (environment variable `TAL_DATA`).

use std::io::Write;
use std::path::PathBuf;

use tal_core::config::{
    AugmentationConfig, BeyondFeatures, DatasetConfig, FeatureFormat, FeaturesConfig,
    TruncationConfig,
};
use tal_corpus::sbhar_text;
use tal_data::features::npy;
use tal_data::{Dataset, annotations};

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("TAL_DATA").map(|data| PathBuf::from(data).join("sbhar"));
    if folder.is_none() {
        // Not `eprintln!`: the test harness would swallow it.
        let _ = writeln!(std::io::stderr(), "SKIPPED real_sbhar: TAL_DATA is not set");
    }
    folder
}

#[test]
fn text_files_give_the_converted_signals_and_annotations() {
    let Some(folder) = data() else { return };
    let corpus = sbhar_text::read(&folder.join("original"), &sbhar_text::TEST_USERS).unwrap();
    let truth = annotations::read(&folder.join("annotations.json"), Some(12)).unwrap();
    assert_eq!(corpus.truth.classes, truth.classes);
    assert!(!corpus.signals.is_empty());
    for (signal, recording) in corpus.signals.iter().zip(&corpus.truth.recordings) {
        let expected = truth
            .recordings
            .iter()
            .find(|r| r.id == recording.id)
            .unwrap();
        assert_eq!(recording, expected);
        let raw = npy::read(&folder.join(format!("raw/{}.npy", signal.id))).unwrap();
        assert_eq!(raw.shape, [signal.num_samples(), sbhar_text::NUM_CHANNELS]);
        assert_eq!(raw.data, signal.data);
    }
}

#[test]
fn the_published_subjects_make_the_test_subset() {
    let Some(folder) = data() else { return };
    let truth = annotations::read(&folder.join("annotations.json"), Some(12)).unwrap();
    for recording in &truth.recordings {
        let (_, user) = recording.id.split_once("_user").unwrap();
        let test = sbhar_text::TEST_USERS.contains(&user.parse().unwrap());
        assert_eq!(recording.subset, if test { "test" } else { "training" });
    }
}

#[test]
fn windows_have_the_published_size() {
    let Some(folder) = data() else { return };
    let config = DatasetConfig {
        annotations: folder.join("annotations.json"),
        features: FeaturesConfig {
            dir: folder.join("raw"),
            prefix: String::new(),
            suffix: ".npy".into(),
            format: FeatureFormat::Inertial {
                window: 50,
                stride: 25,
                channels: Some(vec![0, 1, 2]),
            },
            columns: None,
            append: Vec::new(),
        },
        train_subsets: vec!["training".into()],
        test_subsets: vec!["test".into()],
        num_classes: 12,
        input_dim: 150,
        fps: Some(50.0),
        feat_stride: Some(25.0),
        num_frames: 50.0,
        downsample_rate: 1,
        max_seq_len: 1152,
        truncation: TruncationConfig {
            trunc_thresh: 0.3,
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
    };
    for (subsets, count) in [(&config.train_subsets, 42), (&config.test_subsets, 19)] {
        let dataset = Dataset::open(&config, subsets).unwrap();
        assert_eq!(dataset.num_recordings(), count);
        for index in 0..count {
            let features = dataset.features(index).unwrap();
            let duration = features.duration.unwrap();
            assert_eq!(features.array.num_channels(), 150);
            assert_eq!(features.array.len(), features.grid.num_features(duration));
        }
    }
}
