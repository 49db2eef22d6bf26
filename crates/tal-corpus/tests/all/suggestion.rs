//! Suggested configurations: valid for any data set, and following its numbers.

use std::path::Path;

use tal_config::from_yaml;
use tal_core::config::{Config, FeatureFormat, Preset, RefinedScore};
use tal_corpus::audit::{Watch, statistics};
use tal_corpus::suggestion::{FeatureTiming, suggest};
use tal_data::features::npy;

/// A data set: recordings of `seconds`, features at `rate` per second, actions of `action` seconds one after another with equal
/// pauses.
struct Made {
    seconds: f64,
    rate: f64,
    num_channels: usize,
    action: f64,
    fps: Option<f64>,
    channel_first: bool,
}

const FEATURES: Made = Made {
    seconds: 120.0,
    rate: 15.0,
    num_channels: 64,
    action: 2.0,
    fps: Some(15.0),
    channel_first: false,
};

fn write(folder: &Path, made: &Made) {
    let mut recordings = Vec::new();
    std::fs::create_dir_all(folder.join("features")).unwrap();
    for number in 0..8 {
        let seconds = made.seconds * (1.0 + 0.05 * f64::from(number));
        let len = (seconds * made.rate) as usize;
        let shape = match made.channel_first {
            true => [made.num_channels, len],
            false => [len, made.num_channels],
        };
        let data = vec![0.5; len * made.num_channels];
        npy::write(
            &folder.join(format!("features/r{number}.npy")),
            &data,
            &shape,
        )
        .unwrap();
        let count = (seconds / (2.0 * made.action)) as usize;
        let actions: Vec<String> = (0..count)
            .map(|index| {
                let start = 2.0 * made.action * index as f64;
                let (end, label) = (start + made.action, index % 3);
                format!(
                    r#"{{"segment": [{start}, {end}], "label": "c{label}", "label_id": {label}}}"#
                )
            })
            .collect();
        let subset = if number < 6 { "Train" } else { "validation" };
        let fps = made
            .fps
            .map_or_else(String::new, |fps| format!(r#""fps": {fps}, "#));
        recordings.push(format!(
            r#""r{number}": {{"subset": "{subset}", "duration": {seconds}, {fps}"annotations": [{}]}}"#,
            actions.join(", ")
        ));
    }
    let text = format!(r#"{{"database": {{{}}}}}"#, recordings.join(", "));
    std::fs::write(folder.join("annotations.json"), text).unwrap();
}

fn suggested(made: &Made, known: &FeatureTiming) -> (Config, String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), made);
    let (truth, features) = (
        folder.path().join("annotations.json"),
        folder.path().join("features"),
    );
    let text = suggest(&truth, &features, known).unwrap().to_yaml();
    let config = from_yaml(&text, "suggested", Path::new("/"), &[])
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    (config, text, folder)
}

/// Training needs every action on a level, and the files as the configuration describes them.
fn assert_usable(config: &Config) {
    let watch = Watch {
        progress: &|_, _| {},
        stop: &false.into(),
    };
    let statistics = statistics(config, false, &watch).unwrap();
    assert_eq!(statistics.subsets[0].num_lengths_read, 6);
    assert_eq!(statistics.levels.num_without_level, 0);
    assert_eq!(
        (config.preset, config.decoder.refinement.score),
        (Preset::Compact, RefinedScore::ProbabilityRoot)
    );
    let dataset = tal_data::Dataset::open(&config.dataset, &config.dataset.train_subsets).unwrap();
    assert_eq!(
        dataset.features(0).unwrap().array.num_channels(),
        config.dataset.input_dim
    );
}

#[test]
fn features_of_videos() {
    let (config, text, _folder) = suggested(&FEATURES, &FeatureTiming::default());
    assert_usable(&config);
    let data = &config.dataset;
    assert_eq!(
        (data.fps, data.feat_stride, data.num_frames),
        (None, Some(1.0), 1.0)
    );
    assert_eq!((data.num_classes, data.input_dim), (3, 64));
    assert_eq!(data.train_subsets, ["Train"]);
    assert_eq!(data.test_subsets, ["validation"]);
    // 120 to 150 s, 15 features a second.
    assert!(
        (2250..=2304).contains(&data.max_seq_len),
        "{}",
        data.max_seq_len
    );
    assert_eq!((config.encoder.num_levels, config.encoder.dim), (6, 128));
    assert!(
        text.contains("# 95 % of the actions are up to 30.0 features long"),
        "{text}"
    );
}

#[test]
fn longer_actions_get_more_levels() {
    let levels = |action: f64, seconds: f64| {
        let made = Made {
            action,
            seconds,
            ..FEATURES
        };
        let (config, _, _folder) = suggested(&made, &FeatureTiming::default());
        assert_usable(&config);
        assert!(config.dataset.max_seq_len <= 2304);
        config.encoder.num_levels
    };
    // 15 features a second: 30, 300 and 1500 features.
    assert_eq!(levels(2.0, 120.0), 6);
    assert_eq!(levels(20.0, 240.0), 8);
    assert_eq!(levels(100.0, 1200.0), 8);
    // Short recordings have no room for so many.
    assert_eq!(levels(0.5, 4.0), 4);
}

#[test]
fn raw_signals_are_cut_into_windows() {
    let raw = Made {
        rate: 50.0,
        num_channels: 6,
        action: 3.0,
        fps: Some(50.0),
        ..FEATURES
    };
    let (config, _, _folder) = suggested(&raw, &FeatureTiming::default());
    assert_usable(&config);
    let expected = FeatureFormat::Inertial {
        window: 50,
        stride: 25,
        channels: None,
    };
    assert_eq!(config.dataset.features.format, expected);
    assert_eq!(
        (config.dataset.fps, config.dataset.input_dim),
        (Some(50.0), 300)
    );
    // Shorter actions, shorter windows.
    let (config, _, _folder) = suggested(
        &Made {
            action: 0.96,
            ..raw
        },
        &FeatureTiming::default(),
    );
    assert_usable(&config);
    let expected = FeatureFormat::Inertial {
        window: 16,
        stride: 8,
        channels: None,
    };
    assert_eq!(config.dataset.features.format, expected);
}

#[test]
fn strides_and_layouts_are_found() {
    let made = Made {
        rate: 30.0 / 4.0,
        fps: Some(30.0),
        channel_first: true,
        ..FEATURES
    };
    let (config, _, _folder) = suggested(&made, &FeatureTiming::default());
    assert_usable(&config);
    assert_eq!(
        (config.dataset.feat_stride, config.dataset.num_frames),
        (Some(4.0), 4.0)
    );
    let known = FeatureTiming {
        num_frames: Some(16.0),
        ..FeatureTiming::default()
    };
    let (config, _, _folder) = suggested(&made, &known);
    assert_eq!(
        (config.dataset.feat_stride, config.dataset.num_frames),
        (Some(4.0), 16.0)
    );
    // Without a frame rate, time is counted in features.
    let (config, _, _folder) = suggested(
        &Made {
            rate: 2.5,
            fps: None,
            ..FEATURES
        },
        &FeatureTiming::default(),
    );
    assert_usable(&config);
    assert_eq!(
        (config.dataset.fps, config.dataset.feat_stride),
        (Some(2.5), Some(1.0))
    );
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &FEATURES);
    let truth = folder.path().join("annotations.json");
    let message = |truth: &Path, features: &Path| {
        suggest(truth, features, &FeatureTiming::default())
            .unwrap_err()
            .to_string()
    };
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert!(
        message(&truth, &empty).contains("no feature file of a training recording such as \"r0\"")
    );
    std::fs::write(empty.join("r0.mp4"), "").unwrap();
    assert!(message(&truth, &empty).contains("only \"r0.mp4\""));
    let text = std::fs::read_to_string(&truth)
        .unwrap()
        .replace("\"Train\"", "\"part\"");
    let other = folder.path().join("other.json");
    std::fs::write(&other, text).unwrap();
    let message = message(&other, &folder.path().join("features"));
    assert!(
        message.contains("no training subset, only part, validation"),
        "{message}"
    );
}
