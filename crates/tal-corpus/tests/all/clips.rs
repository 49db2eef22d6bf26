//! Recordings cut into clips.

use std::collections::BTreeMap;
use std::path::Path;

use tal_core::config::{DatasetConfig, FeatureFormat};
use tal_core::{Recording, Segment};
use tal_corpus::clips::{self, ClipConfig, SubsetReport};
use tal_data::clicks::Clicks;
use tal_data::features::npy;
use tal_data::{Dataset, annotations};

const BOTH: [&str; 2] = ["training", "test"];

fn settings() -> ClipConfig {
    ClipConfig {
        length: 4.0,
        stride: 4.0,
        min_share: 0.5,
        keep_empty: false,
    }
}

fn cut(
    config: &DatasetConfig,
    out: &Path,
    settings: &ClipConfig,
    clicks: Option<&Clicks>,
) -> Result<Vec<SubsetReport>, String> {
    let subsets = BOTH.map(str::to_owned);
    let clicks = clicks.map(|clicks| (clicks, Path::new("clicks.json")));
    clips::cut(config, &subsets, clicks, out, settings).map_err(|error| error.to_string())
}

/// The configuration of the clips, as the overlay changes it.
fn of_clips(config: &DatasetConfig, out: &Path, dir: &str) -> DatasetConfig {
    let mut clips = config.clone();
    clips.annotations = out.join("annotations.json");
    clips.features.dir = out.join(dir);
    clips.features.suffix = ".npy".into();
    clips
}

fn recordings(path: &Path) -> BTreeMap<String, Recording> {
    let truth = annotations::read(path, None).unwrap();
    let recordings = truth.recordings.into_iter();
    recordings.map(|r| (r.id.clone(), r)).collect()
}

/// Begin and end of a clip in its recording, by its id.
fn bounds(id: &str) -> (&str, f64, f64) {
    let (recording, bounds) = id.rsplit_once('@').unwrap();
    let (start, end) = bounds.split_once('-').unwrap();
    (recording, start.parse().unwrap(), end.parse().unwrap())
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn clips_are_a_data_set_in_their_own_time() {
    let folder = tempfile::tempdir().unwrap();
    let config = crate::common::corpus(folder.path());
    let out = folder.path().join("clips");
    // Features every 4 of 30 frames, windows of 16: 30 features in 4 s, whose windows reach to 4.4 s.
    let reports = cut(&config, &out, &settings(), None).unwrap();
    assert_eq!(
        files(&out),
        ["annotations.json", "dataset.yaml", "features"]
    );
    let clips = recordings(&out.join("annotations.json"));
    let ids: Vec<&str> = clips.keys().map(String::as_str).collect();
    assert_eq!(
        ids,
        [
            "a@0.00-4.40",
            // The ten features that are left belong to the clip before them.
            "b@0.00-5.73",
            "c@0.00-0.53",
            "long@0.00-4.40",
            // Nothing happens from 4 to 8 s, nor in the recording "empty".
            "long@8.00-12.40",
            "t@0.00-3.68",
        ]
    );
    assert_eq!(files(&out.join("features")).len(), ids.len());
    let late = &clips["long@8.00-12.40"];
    assert_eq!(late.subset, "training");
    assert!((late.duration.unwrap() - 4.4).abs() < 1e-9);
    let action = late.instances[0].segment;
    assert!((action.start - 1.0).abs() < 1e-9 && (action.end - 3.0).abs() < 1e-9);

    let [training, test] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!((test.num_recordings, test.num_clips), (1, 1));
    assert_eq!((training.num_recordings, training.num_clips), (5, 5));
    assert_eq!((training.num_left_out, training.max_len), (3, 40));
    assert_eq!((training.num_actions, training.num_cut_off), (7, 0));
    assert_eq!((training.num_recording_labels, training.num_labels), (6, 6));

    // Each clip has the features of its place, and they say the same about time.
    let whole = Dataset::open(&config, &config.train_subsets).unwrap();
    let config = of_clips(&config, &out, "features");
    let cut = Dataset::open(&config, &config.train_subsets).unwrap();
    for index in 0..cut.num_recordings() {
        let clip = cut.features(index).unwrap();
        let (id, start, _) = bounds(&clip.id);
        let origin = (0..whole.num_recordings()).find(|i| whole.recording(*i).id == id);
        let all = whole.features(origin.unwrap()).unwrap();
        let from = all.grid.to_grid(start + 8.0 / 30.0).round() as usize;
        assert_eq!(*clip.array, all.array.window(from, clip.array.len()));
        for step in 0..clip.array.len() {
            let there = all.grid.to_seconds((from + step) as f32);
            let here = clip.grid.to_seconds(step as f32);
            assert!((f64::from(there) - start - f64::from(here)).abs() < 1e-4);
        }
    }
}

#[test]
fn clips_without_action_are_kept_where_wanted_and_to_test_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::common::corpus(folder.path());
    let all = ClipConfig {
        keep_empty: true,
        ..settings()
    };
    let reports = cut(&config, &folder.path().join("all"), &all, None).unwrap();
    assert_eq!((reports[0].num_clips, reports[0].num_left_out), (8, 0));
    config.train_subsets = vec!["none".into()];
    let reports = cut(&config, &folder.path().join("test"), &settings(), None).unwrap();
    assert_eq!((reports[0].num_clips, reports[0].num_left_out), (8, 0));
}

#[test]
fn remainders_are_no_annotations_and_no_background() {
    let folder = tempfile::tempdir().unwrap();
    let config = crate::common::corpus(folder.path());
    let out = folder.path().join("clips");
    // Clips from 0 to 2.4, from 2 to 4.4 and from 4 to 5.73 s. The action from 1 to 4 s fills more than half of the first two.
    let short = ClipConfig {
        length: 2.0,
        stride: 2.0,
        ..settings()
    };
    cut(&config, &out, &short, None).unwrap();
    let path = out.join("annotations.json");
    let clips = recordings(&path);
    for (id, start, end) in [("b@0.00-2.40", 1.0, 2.4), ("b@2.00-4.40", 0.0, 2.0)] {
        let action = clips[id].instances[0].segment;
        assert!((action.start - start).abs() < 1e-9 && (action.end - end).abs() < 1e-9);
    }
    assert!(!clips.contains_key("b@4.00-5.73"));
    // Of that from 2 to 3.25 s, 0.4 s.
    let extra = annotations::extra::read(&path).unwrap();
    let [remainder] = extra.cut_off["a@0.00-2.40"][..] else {
        panic!("{extra:?}");
    };
    assert!((remainder.start - 2.0).abs() < 1e-9 && (remainder.end - 2.4).abs() < 1e-9);
    let background = tal_data::clicks::background_stretches(
        2.4,
        clips["a@0.00-2.40"]
            .instances
            .iter()
            .map(|action| action.segment)
            .chain([remainder]),
    );
    assert!(background.iter().all(|stretch| stretch.end <= 2.0));
}

#[test]
fn raw_signals_are_cut_between_samples() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::common::config(folder.path(), 4);
    config.features.format = FeatureFormat::Inertial {
        window: 2,
        stride: 1,
        channels: Some(vec![2, 0]),
    };
    (config.feat_stride, config.num_frames) = (Some(1.0), 2.0);
    config.fps = Some(10.0);
    // 25 samples of three channels: clips of 10, 10 and 5.
    let signal: Vec<f32> = (0..75).map(|v| v as f32).collect();
    npy::write(&config.features.dir.join("r.npy"), &signal, &[25, 3]).unwrap();
    std::fs::write(
        &config.annotations,
        r#"{"database": {"r": {"subset": "test", "duration": 2.5, "annotations": [
            {"segment": [0.8, 1.4], "label": "run"}, {"segment": [1.8, 2.3], "label": "jump"}]}}}"#,
    )
    .unwrap();
    let out = folder.path().join("clips");
    let one = ClipConfig {
        length: 1.0,
        stride: 1.0,
        ..settings()
    };
    let reports = cut(&config, &out, &one, None).unwrap();
    assert_eq!((reports[0].num_clips, reports[0].num_cut_off), (3, 2));
    let clips = recordings(&out.join("annotations.json"));
    let ids: Vec<&str> = clips.keys().map(String::as_str).collect();
    assert_eq!(ids, ["r@0.00-1.00", "r@1.00-2.00", "r@2.00-2.50"]);
    let ends = |id: &str| clips[id].instances[0].segment;
    assert!(clips["r@0.00-1.00"].instances.is_empty());
    assert_eq!(ends("r@1.00-2.00").start, 0.0);
    assert!((ends("r@2.00-2.50").end - 0.3).abs() < 1e-9);
    let second = npy::read(&out.join("raw/r@1.00-2.00.npy")).unwrap();
    assert_eq!(second.shape, [10, 3]);
    assert_eq!(second.data, signal[30..60]);
    let config = of_clips(&config, &out, "raw");
    let cut = Dataset::open(&config, &config.test_subsets).unwrap();
    assert_eq!(cut.features(0).unwrap().array.len(), 9);
    assert_eq!(cut.features(2).unwrap().array.len(), 4);
}

#[test]
fn clicks_are_cut_along() {
    let folder = tempfile::tempdir().unwrap();
    let config = crate::common::corpus(folder.path());
    let path = Path::new("clicks.json");
    let text = r#"{"version": 1, "clicks": {"a": [0, 4.2, 4.9], "long": [0.5, 6, 8.25, 12.1]}}"#;
    let clicks = Clicks::parse(text.as_bytes(), path).unwrap();
    let out = folder.path().join("clips");
    let reports = cut(&config, &out, &settings(), Some(&clicks)).unwrap();
    let own = Clicks::read(&out.join("clicks.json")).unwrap();
    // The recording lasts longer than its features: the last click is held at their end.
    let last = own.of("a@0.00-4.40");
    assert_eq!(last[..2], [0.0, 4.2]);
    assert!((last[2] - 4.4).abs() < 1e-6);
    assert_eq!(own.of("long@0.00-4.40"), [0.5]);
    let late = own.of("long@8.00-12.40");
    assert!((late[0] - 0.25).abs() < 1e-9 && (late[1] - 4.1).abs() < 1e-9);
    // Each clip is listed, also the one to test on.
    assert_eq!((own.len(), own.iter().count()), (6, 6));
    assert_eq!(reports[0].num_clicks, 6);
    let text = r#"{"version": 1, "clicks": {"a": [5.5]}}"#;
    let clicks = Clicks::parse(text.as_bytes(), path).unwrap();
    let error = cut(
        &config,
        &folder.path().join("x"),
        &settings(),
        Some(&clicks),
    )
    .unwrap_err();
    assert!(
        error.contains("recording \"a\": a click at 5.5 s"),
        "{error}"
    );
}

/// Puts fields into the entry of a recording.
fn insert(config: &DatasetConfig, id: &str, fields: &str) {
    let text = std::fs::read_to_string(&config.annotations).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let serde_json::Value::Object(fields) = serde_json::from_str(fields).unwrap() else {
        panic!("an object")
    };
    let entry = document["database"][id].as_object_mut().unwrap();
    entry.extend(fields);
    std::fs::write(&config.annotations, document.to_string()).unwrap();
}

#[test]
fn what_cutting_would_lose_is_refused() {
    for (fields, expected) in [
        (
            r#"{"annotations": [], "labels": ["run"]}"#,
            "annotations.json: recording \"a\" has \"labels\", but no annotated action",
        ),
        (
            r#"{"cut_off": [{"segment": [0, 0.5], "label": "run"}]}"#,
            "annotations.json: recording \"a\" is a clip with \"cut_off\"",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config = crate::common::corpus(folder.path());
        insert(&config, "a", fields);
        let out = folder.path().join("clips");
        let error = cut(&config, &out, &settings(), None).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!out.exists());
    }
}

#[test]
fn after_an_error_there_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::common::corpus(folder.path());
    let out = folder.path().join("clips");
    // The last of the file.
    std::fs::write(config.features.dir.join("empty.npy"), b"no array").unwrap();
    let error = cut(&config, &out, &settings(), None).unwrap_err();
    assert!(error.contains("empty.npy"), "{error}");
    assert!(!out.exists());
    std::fs::create_dir(&out).unwrap();
    cut(&config, &out, &settings(), None).unwrap_err();
    assert!(files(&out).is_empty());
    std::fs::write(out.join("mine"), "x").unwrap();
    let error = cut(&config, &out, &settings(), None).unwrap_err();
    assert!(error.contains("is not empty"), "{error}");
    assert_eq!(files(&out), ["mine"]);

    // A missing file is an error or a warning, as configured.
    std::fs::remove_file(config.features.dir.join("empty.npy")).unwrap();
    let out = folder.path().join("more");
    let error = cut(&config, &out, &settings(), None).unwrap_err();
    assert!(error.contains("empty"), "{error}");
    config.skip_missing_features = true;
    let reports = cut(&config, &out, &settings(), None).unwrap();
    assert_eq!(reports[0].num_recordings, 4);
}

#[test]
fn settings_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::common::corpus(folder.path());
    let out = folder.path().join("clips");
    let wrong = |change: fn(&mut ClipConfig)| {
        let mut settings = settings();
        change(&mut settings);
        cut(&config, &out, &settings, None).unwrap_err()
    };
    for (error, expected) in [
        (
            wrong(|s| s.length = 0.0),
            "length is 0; expected at least 0.01 seconds",
        ),
        (
            wrong(|s| s.stride = 5.0),
            "stride is 5; expected at most the length, 4",
        ),
        (
            wrong(|s| s.min_share = f64::NAN),
            "min_share is NaN; expected a share from 0 to 1",
        ),
    ] {
        assert!(error.contains(expected), "{error}");
    }
    config.features.format = FeatureFormat::Inertial {
        window: 16,
        stride: 4,
        channels: None,
    };
    config.input_dim = 32;
    let short = ClipConfig {
        length: 0.5,
        stride: 0.5,
        ..settings()
    };
    let error = cut(&config, &out, &short, None).unwrap_err();
    assert!(error.contains("two windows of 16 samples"), "{error}");
    config.features.columns = Some([0, 1]);
    let error = cut(&config, &out, &settings(), None).unwrap_err();
    assert!(error.contains("features.columns"), "{error}");
    let subsets = vec!["validation".to_owned()];
    let error = clips::cut(&config, &subsets, None, &out, &settings());
    assert!(error.is_err());
    assert!(!out.exists());
}

#[test]
fn features_of_fixed_length_share_out_the_duration() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::common::config(folder.path(), 2);
    config.feat_stride = None;
    crate::common::write_counted(&config, "r", 20, 0.0);
    std::fs::write(
        &config.annotations,
        r#"{"database": {"r": {"subset": "training", "duration": 10.0, "annotations": [
            {"segment": [4.5, 6.5], "label": "run"}]}}}"#,
    )
    .unwrap();
    let out = folder.path().join("clips");
    let five = ClipConfig {
        length: 5.0,
        stride: 5.0,
        ..settings()
    };
    cut(&config, &out, &five, None).unwrap();
    let clips = recordings(&out.join("annotations.json"));
    let ids: Vec<&str> = clips.keys().map(String::as_str).collect();
    assert_eq!(ids, ["r@5.00-10.00"]);
    let clip = &clips["r@5.00-10.00"];
    assert_eq!(clip.duration, Some(5.0));
    assert_eq!(clip.instances[0].segment, Segment::new(0.0, 1.5));
}
