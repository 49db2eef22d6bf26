//! GTEA and SBHAR cut into clips, where they are at hand (environment variable `TAL_DATA`).

#[path = "../../tal-data/tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use tal_core::config::{DatasetConfig, FeatureFormat};
use tal_corpus::clips::{self, ClipConfig};
use tal_corpus::simulation::{SimulationConfig, simulate};
use tal_data::annotations::{self, extra};
use tal_data::{Dataset, WeakDataset, WeakOptions};

#[test]
fn clips_and_clicks_of_real_recordings_fit_together() {
    let Some(data) = std::env::var_os("TAL_DATA").map(PathBuf::from) else {
        // Not `eprintln!`: the test harness would swallow it.
        let _ = writeln!(std::io::stderr(), "SKIPPED real_clips: TAL_DATA is not set");
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let mut gtea = common::config(scratch.path(), 128);
    gtea.annotations = data.join("gtea/split1/annotations.json");
    gtea.features.dir = data.join("gtea/split1/features");
    gtea.num_classes = 10;
    (gtea.feat_stride, gtea.num_frames) = (Some(1.0), 1.0);
    let mut sbhar = common::config(scratch.path(), 150);
    sbhar.annotations = data.join("sbhar/annotations.json");
    sbhar.features.dir = data.join("sbhar/raw");
    sbhar.features.format = FeatureFormat::Inertial {
        window: 50,
        stride: 25,
        channels: Some(vec![0, 1, 2]),
    };
    sbhar.num_classes = 12;
    (sbhar.feat_stride, sbhar.num_frames) = (Some(25.0), 50.0);
    for (name, folder, config, length) in [
        ("gtea", "features", gtea, 15.0),
        ("sbhar", "raw", sbhar, 30.0),
    ] {
        let out = scratch.path().join(name);
        let settings = ClipConfig {
            length,
            stride: length,
            min_share: 0.25,
            keep_empty: false,
        };
        let subsets = ["training".to_owned(), "test".to_owned()];
        let reports = clips::cut(&config, &subsets, None, &out, &settings).unwrap();
        assert_eq!(reports.len(), 2);
        let whole = annotations::read(&config.annotations, None).unwrap();
        let seconds: f64 = whole.subset(&subsets[1..]).filter_map(|r| r.duration).sum();
        // Nothing is left out of what is tested on.
        assert!((reports[1].seconds - seconds).abs() < 0.1, "{reports:?}");
        let mut clipped = config;
        clipped.annotations = out.join("annotations.json");
        clipped.features.dir = out.join(folder);
        check(&clipped, length);
    }
}

/// Draws clicks for the clips to train on and looks at every sample.
fn check(config: &DatasetConfig, length: f64) {
    let truth = annotations::read(&config.annotations, Some(config.num_classes)).unwrap();
    let extra = extra::read(&config.annotations).unwrap();
    let all = truth.recordings.iter().enumerate();
    let drawn = simulate(all, &extra, &SimulationConfig::default()).unwrap();
    assert!(drawn.clicks.in_actions(&truth.recordings).is_empty());
    let path = config.annotations.with_file_name("clicks.json");
    drawn.clicks.write(&path).unwrap();
    let dataset = Dataset::open(config, &config.train_subsets).unwrap();
    let options = WeakOptions {
        num_snippets: 100,
        clicks: Some(path),
        require_labels: true,
    };
    let weak = WeakDataset::new(Arc::new(dataset), &options).unwrap();
    let durations: BTreeMap<&str, f64> = truth
        .recordings
        .iter()
        .filter_map(|r| Some((r.id.as_str(), r.duration?)))
        .collect();
    for index in 0..weak.num_recordings() {
        let sample = weak.sample(index).unwrap();
        assert_eq!(sample.features.len(), 100);
        assert!(!sample.labels.is_empty() && sample.labels.is_sorted());
        assert!(sample.clicks.iter().all(|snippet| *snippet < 100));
        assert!(sample.clicks.len() <= weak.clicks(index).len());
        assert!((0.5 * length - 0.1..1.5 * length + 0.1).contains(&sample.duration));
        // Half a window of a raw signal may be left at the end.
        assert!((sample.duration - durations[sample.id.as_str()]).abs() < 0.6);
    }
}
