//! GTEA and 50 Salads, where they are at hand (environment variable `TAL_DATA`): half-precision features at the frame rate.

mod common;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use tal_data::{Dataset, Loader, LoaderConfig, Position};

#[test]
fn all_recordings_load_and_lie_within_their_duration() {
    let Some(data) = std::env::var_os("TAL_DATA").map(PathBuf::from) else {
        // Not `eprintln!`: the test harness would swallow it.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED real_videos: TAL_DATA is not set"
        );
        return;
    };
    for (name, num_classes, training, test) in [
        ("gtea/split1", 10, 21, 7),
        ("gtea/split4", 10, 21, 7),
        ("50salads/split1", 17, 40, 10),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let mut config = common::config(scratch.path(), 128);
        config.annotations = data.join(name).join("annotations.json");
        config.features.dir = data.join(name).join("features");
        config.num_classes = num_classes;
        (config.feat_stride, config.num_frames) = (Some(1.0), 1.0);
        config.max_seq_len = 1152;
        for (subsets, count) in [
            (&config.train_subsets, training),
            (&config.test_subsets, test),
        ] {
            let dataset = Dataset::open(&config, subsets).unwrap();
            assert_eq!(dataset.num_recordings(), count, "{name}");
            for index in 0..count {
                let features = dataset.features(index).unwrap();
                let frames = features.duration.unwrap() * f64::from(features.grid.fps);
                assert!(
                    (frames - features.array.len() as f64).abs() <= 1.0,
                    "{name}: {frames}"
                );
                let (segments, _) = dataset.training_targets(index, &features);
                let len = features.array.len() as f32;
                assert!(
                    segments.iter().all(|s| s.start >= -0.5 && s.end <= len),
                    "{name}"
                );
            }
        }
        let dataset = Arc::new(Dataset::open(&config, &config.train_subsets).unwrap());
        let loader = LoaderConfig {
            seed: 1,
            batch_size: 2,
            share: tal_core::Share::WHOLE,
            num_threads: 2,
            prefetch: 4,
        };
        let batches = Loader::new(dataset, loader, Position::default(), 3).unwrap();
        let mut num_batches = 0;
        for batch in batches {
            for sample in batch.unwrap().samples {
                assert!(sample.features.len() <= 1152 && !sample.labels.is_empty());
            }
            num_batches += 1;
        }
        assert_eq!(num_batches, 3 * (training / 2));
    }
}
