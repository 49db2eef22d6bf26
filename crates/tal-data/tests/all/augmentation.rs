//! Random changes to training recordings: actions keep their content, and the same key gives the same sample.

use std::sync::Arc;

use tal_core::config::{
    AugmentationConfig, DatasetConfig, FeatureFormat, SignalConfig, SwapConfig, TimeMaskConfig,
    TruncationConfig,
};
use tal_data::{
    Dataset, Loader, LoaderConfig, Position, SampleKey, SampleSource, SignalWindows,
    TrainingSample, features::npy, rescaled,
};

use crate::common::{config, corpus};

/// Frames of the recordings of [`marked`].
const NUM_FRAMES: usize = 600;

/// Two recordings of a raw signal at 10 Hz whose second channel is 1 within actions of class 0, 2 within those of class 1, and 0
/// elsewhere; windows of 8 samples, stride 4. The first channel counts time.
fn marked(folder: &std::path::Path) -> DatasetConfig {
    let actions: [&[(usize, usize, u32)]; 2] = [
        &[(60, 140, 0), (200, 260, 1), (400, 480, 0)],
        &[(100, 200, 0), (300, 350, 1)],
    ];
    let config = DatasetConfig {
        input_dim: 16,
        num_classes: 2,
        fps: Some(10.0),
        feat_stride: Some(4.0),
        num_frames: 8.0,
        max_seq_len: 400,
        truncation: TruncationConfig {
            crop_ratio: None,
            ..TruncationConfig::default()
        },
        ..config(folder, 16)
    };
    let mut recordings = Vec::new();
    for (number, actions) in actions.iter().enumerate() {
        let class_at = |frame: usize| {
            let inside = actions
                .iter()
                .find(|(start, end, _)| (*start..*end).contains(&frame));
            inside.map_or(0.0, |(.., class)| *class as f32 + 1.0)
        };
        let data: Vec<f32> = (0..NUM_FRAMES)
            .flat_map(|t| [t as f32, class_at(t)])
            .collect();
        npy::write(
            &config.features.dir.join(format!("r{number}.npy")),
            &data,
            &[NUM_FRAMES, 2],
        )
        .unwrap();
        let rows: Vec<String> = actions
            .iter()
            .map(|(start, end, class)| {
                let (start, end) = (*start as f64 / 10.0, *end as f64 / 10.0);
                format!(
                    r#"{{"segment": [{start}, {end}], "label": "c{class}", "label_id": {class}}}"#
                )
            })
            .collect();
        recordings.push(format!(
            r#""r{number}": {{"subset": "training", "annotations": [{}]}}"#,
            rows.join(", ")
        ));
    }
    std::fs::write(
        &config.annotations,
        format!(r#"{{"database": {{{}}}}}"#, recordings.join(", ")),
    )
    .unwrap();
    let mut config = config;
    config.features.format = FeatureFormat::Inertial {
        window: 8,
        stride: 4,
        channels: None,
    };
    config
}

fn with(config: &DatasetConfig, augmentation: AugmentationConfig) -> Dataset {
    let config = DatasetConfig {
        augmentation,
        ..config.clone()
    };
    Dataset::open(&config, &["training".to_owned()]).unwrap()
}

fn sample(dataset: &Dataset, epoch: usize, index: usize) -> TrainingSample {
    dataset
        .sample(SampleKey {
            seed: 5,
            epoch,
            index,
        })
        .unwrap()
}

/// The mark (second channel of the middle of a window) is that of the class inside actions and 0 outside, apart from `margin`
/// features at their ends.
fn assert_marked(sample: &TrainingSample, margin: f32) {
    // Values are time-major: channel 1 of the fifth sample, which lies next to the window's middle.
    let marks = sample.features.channel(2 * 4 + 1);
    for (time, mark) in marks.iter().enumerate() {
        let place = time as f32;
        let mut near = false;
        let mut expected = 0.0;
        for (segment, label) in sample.segments.iter().zip(&sample.labels) {
            near |= (segment.start - place).abs() < margin || (segment.end - place).abs() < margin;
            if segment.start <= place && place < segment.end {
                expected = *label as f32 + 1.0;
            }
        }
        assert!(
            near || (mark - expected).abs() < 0.51,
            "feature {time}: {mark}, expected {expected}"
        );
    }
}

fn all_on() -> AugmentationConfig {
    AugmentationConfig {
        scale: Some([0.7, 1.4]),
        channel_mask: 0.1,
        time_mask: Some(TimeMaskConfig::default()),
        swap: Some(SwapConfig {
            probability: 0.5,
            fade: 1.0,
        }),
        signal: None,
    }
}

#[test]
fn without_changes_the_sample_is_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let config = marked(folder.path());
    let plain = with(&config, AugmentationConfig::default());
    for index in 0..2 {
        let sample = sample(&plain, 0, index);
        assert_eq!(*sample.features, *plain.features(index).unwrap().array);
        assert_marked(&sample, 1.0);
    }
}

#[test]
fn actions_stay_where_their_features_are() {
    let folder = tempfile::tempdir().unwrap();
    let config = marked(folder.path());
    let offset = SignalConfig {
        offset: true,
        ..SignalConfig::default()
    };
    for augmentation in [
        AugmentationConfig {
            scale: Some([0.6, 1.6]),
            ..AugmentationConfig::default()
        },
        AugmentationConfig {
            signal: Some(offset.clone()),
            ..AugmentationConfig::default()
        },
        AugmentationConfig {
            swap: Some(SwapConfig {
                probability: 1.0,
                fade: 0.0,
            }),
            ..AugmentationConfig::default()
        },
        AugmentationConfig {
            scale: Some([0.6, 1.6]),
            signal: Some(offset),
            swap: Some(SwapConfig {
                probability: 0.5,
                fade: 0.5,
            }),
            ..AugmentationConfig::default()
        },
    ] {
        let dataset = with(&config, augmentation.clone());
        let mut distinct = 0;
        let plain = with(&config, AugmentationConfig::default());
        for epoch in 0..20 {
            for index in 0..2 {
                let sample = sample(&dataset, epoch, index);
                assert_eq!(sample.labels.len(), [3, 2][index]);
                assert_marked(&sample, 1.6);
                distinct += usize::from(*sample.features != *plain.features(index).unwrap().array);
            }
        }
        assert!(
            distinct > 20,
            "{augmentation:?} changes {distinct} of 40 samples"
        );
    }
}

#[test]
fn an_action_takes_the_place_of_another_one_of_its_class() {
    let folder = tempfile::tempdir().unwrap();
    let config = marked(folder.path());
    let dataset = with(
        &config,
        AugmentationConfig {
            swap: Some(SwapConfig {
                probability: 1.0,
                fade: 0.0,
            }),
            ..AugmentationConfig::default()
        },
    );
    // Class 1 of the first recording lasts from 20 to 26 s, that of the second from 30 to 35 s.
    let sample = sample(&dataset, 0, 0);
    let middle = sample.segments[1].center().round() as usize;
    let time = sample.features.channel(2 * 4)[middle];
    assert!((300.0..350.0).contains(&time), "{time}");
    let outside = sample.features.channel(2 * 4)[(sample.segments[1].start - 4.0) as usize];
    assert!(outside < 200.0, "{outside}");
}

#[test]
fn changes_are_repeatable_in_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let dataset: Arc<dyn SampleSource> = Arc::new(with(&corpus(folder.path()), all_on()));
    let samples = |num_threads, first: Position| -> Vec<TrainingSample> {
        let config = LoaderConfig {
            seed: 3,
            batch_size: 2,
            share: tal_core::Share::WHOLE,
            num_threads,
            prefetch: 4,
        };
        let batches = Loader::new(dataset.clone(), config, first, 3).unwrap();
        batches.flat_map(|batch| batch.unwrap().samples).collect()
    };
    let whole = samples(0, Position::default());
    assert_eq!(whole, samples(3, Position::default()));
    // The last epoch alone, as after an interruption.
    let rest = samples(2, Position { epoch: 2, batch: 0 });
    assert_eq!(whole[whole.len() - rest.len()..], rest[..]);
    assert!(whole.iter().all(|sample| sample.features.len() <= 40));
}

#[test]
fn one_change_does_not_move_the_draws_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let config = marked(folder.path());
    let scale = AugmentationConfig {
        scale: Some([0.7, 1.4]),
        ..AugmentationConfig::default()
    };
    let masked = AugmentationConfig {
        channel_mask: 0.5,
        ..scale.clone()
    };
    let (scale, masked) = (with(&config, scale), with(&config, masked));
    for epoch in 0..10 {
        let (a, b) = (sample(&scale, epoch, 0), sample(&masked, epoch, 0));
        assert_eq!(a.segments, b.segments);
        assert_eq!(a.features.len(), b.features.len());
    }
}

#[test]
fn a_recording_at_another_tempo_keeps_its_clock() {
    let folder = tempfile::tempdir().unwrap();
    let config = marked(folder.path());
    let dataset = with(&config, AugmentationConfig::default());
    let features = dataset.features(0).unwrap();
    let windows = SignalWindows::of(&config);
    assert_eq!(rescaled(&features, windows, 1.0), features);
    for factor in [0.5, 0.8, 1.3, 2.0] {
        let scaled = rescaled(&features, windows, factor);
        for (index, frame) in scaled.array.channel(2 * 4).iter().enumerate() {
            // The first channel counts frames; the sample lies half a sample behind the window's middle.
            let second = scaled.grid.to_seconds(index as f32);
            assert!(
                (second - frame / 10.0).abs() < 0.21,
                "{factor}: {second} s is frame {frame}"
            );
        }
    }
}

#[test]
fn changes_that_the_features_do_not_permit_are_refused() {
    let base = "
dataset:
  annotations: /a.json
  features: { dir: /f, format: { type: npy } }
  num_classes: 3
  input_dim: 8
  feat_stride: 4
  num_frames: 16
  max_seq_len: 64
";
    let inertial = "dataset.features.format={ type: inertial, window: 4, stride: 2 }";
    for (changes, expected) in [
        (
            vec!["dataset.augmentation.scale=[1.2, 0.8]"],
            "two factors in ascending order",
        ),
        (
            vec![
                "dataset.augmentation.scale=[0.8, 1.2]",
                "dataset.resize=true",
            ],
            "null if resize is true",
        ),
        (
            vec!["dataset.augmentation.signal={rotation: 0, scaling: 0, jitter: 1, offset: false}"],
            "null unless features.format is inertial",
        ),
        (
            vec![
                inertial,
                "dataset.feat_stride=2",
                "dataset.num_frames=4",
                "dataset.augmentation.signal={rotation: 10, scaling: 0, jitter: 1, offset: false}",
            ],
            "come in threes",
        ),
        (vec!["dataset.truncation.balanced=1.5"], "0 to 1"),
        (vec!["inference.scales=[]"], "at least one entry"),
        (
            vec!["inference.scales=[1.0, 1.2]", "dataset.resize=true"],
            "[1] if dataset.resize is true",
        ),
    ] {
        let changes: Vec<String> = changes.into_iter().map(str::to_owned).collect();
        let error =
            tal_config::from_yaml(base, "test", std::path::Path::new("/"), &changes).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
