//! Samples with labels and clicks in place of segments.

use std::path::Path;
use std::sync::Arc;

use tal_core::config::DatasetConfig;
use tal_data::{
    Batch, Dataset, Loader, LoaderConfig, Position, SampleSource, WeakDataset, WeakOptions,
    WeakSample, annotations,
};

const NUM_SNIPPETS: usize = 20;

fn options(clicks: Option<&Path>) -> WeakOptions {
    WeakOptions {
        num_snippets: NUM_SNIPPETS,
        clicks: clicks.map(Path::to_owned),
        require_labels: false,
    }
}

fn open(config: &DatasetConfig, options: &WeakOptions) -> Result<WeakDataset, String> {
    Dataset::open(config, &config.train_subsets)
        .and_then(|dataset| WeakDataset::new(Arc::new(dataset), options))
        .map_err(|error| error.to_string())
}

/// The corpus with clicks, and the label lists that `labels` gives for its recordings.
fn corpus(folder: &Path, clicks: &str) -> (DatasetConfig, WeakOptions) {
    let config = crate::common::corpus(folder);
    let path = folder.join("clicks.json");
    std::fs::write(&path, format!(r#"{{"version": 1, "clicks": {clicks}}}"#)).unwrap();
    (config, options(Some(&path)))
}

/// Puts a field in front of those of a recording.
fn insert(config: &DatasetConfig, id: &str, field: &str) {
    let text = std::fs::read_to_string(&config.annotations).unwrap();
    let from = format!("\"{id}\": {{");
    assert!(text.contains(&from));
    let text = text.replacen(&from, &format!("{from}{field}, "), 1);
    std::fs::write(&config.annotations, text).unwrap();
}

#[test]
fn samples_have_labels_clicks_and_one_length() {
    let folder = tempfile::tempdir().unwrap();
    // 30 features of 16 frames, 4 apart, at 30 per second: 4.4 s in 20 snippets of 0.22 s.
    let (config, options) = corpus(folder.path(), r#"{"a": [0.1, 0.21, 4.3, 4.9], "t": [3.9]}"#);
    let weak = open(&config, &options).unwrap();
    assert_eq!((weak.num_recordings(), weak.num_snippets()), (5, 20));
    let sample = weak.sample(0).unwrap();
    assert_eq!(sample.id, "a");
    assert_eq!(sample.labels, [0, 1]);
    assert_eq!(sample.clicks, [0, 19]);
    assert!((sample.duration - 4.4).abs() < 1e-9, "{}", sample.duration);
    assert_eq!(
        (sample.features.num_channels(), sample.features.len()),
        (2, 20)
    );
    // A straight line stays one: feature t has 2t in channel 0, and 30 become 20.
    for (to, value) in sample.features.channel(0).iter().enumerate() {
        let middle = (to as f32 + 0.5) * 1.5 - 0.5;
        assert!((value - 2.0 * middle).abs() < 1e-4, "{to}: {value}");
    }
    assert_eq!(weak.clicks(0), [0.1, 0.21, 4.3, 4.9]);
    assert_eq!(weak.num_clicks(), 4);
    // Neither clicks nor labels, and one feature alone.
    let empty = weak.sample(4).unwrap();
    assert_eq!((empty.labels.len(), empty.clicks.len()), (0, 0));
    assert_eq!(weak.sample(2).unwrap().features.len(), 20);
    assert!(weak.sample(2).unwrap().clicks.is_empty());
    assert_eq!(weak.labels(1), [2]);
    let names: Vec<_> = weak.classes().iter().collect();
    assert_eq!(names, [(0, "run"), (1, "jump"), (2, "fall")]);
}

#[test]
fn features_of_the_right_length_are_shared() {
    let folder = tempfile::tempdir().unwrap();
    let config = crate::common::corpus(folder.path());
    let dataset = Dataset::open(&config, &config.train_subsets).unwrap();
    let dataset = Arc::new(dataset.with_cache(1 << 20));
    let options = WeakOptions {
        num_snippets: 30,
        ..options(None)
    };
    let weak = WeakDataset::new(Arc::clone(&dataset), &options).unwrap();
    let sample = weak.sample(0).unwrap();
    assert!(Arc::ptr_eq(
        &sample.features,
        &dataset.features(0).unwrap().array
    ));
}

#[test]
fn label_lists_win_over_annotations() {
    let folder = tempfile::tempdir().unwrap();
    let (config, options) = corpus(folder.path(), "{}");
    insert(&config, "a", r#""labels": ["fall", "run", "fall"]"#);
    insert(&config, "empty", r#""labels": ["jump"]"#);
    let weak = open(&config, &options).unwrap();
    assert_eq!(weak.labels(0), [0, 2]);
    assert_eq!(weak.labels(4), [1]);
    let agnostic = DatasetConfig {
        class_agnostic: true,
        num_classes: 1,
        ..config
    };
    let weak = open(&agnostic, &options).unwrap();
    assert_eq!((weak.labels(0), weak.labels(4)), (&[0][..], &[0][..]));
    assert_eq!(weak.classes().len(), 1);
}

#[test]
fn classes_may_come_from_a_list_or_from_the_labels_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = crate::common::config(folder.path(), 2);
    crate::common::write_counted(&config, "a", 30, 0.0);
    let write = |head: &str, labels: &str| {
        let text = format!(
            r#"{{{head} "database": {{"a": {{"subset": "training", "fps": 30, "labels": {labels}}}}}}}"#
        );
        std::fs::write(&config.annotations, text).unwrap();
    };
    write("", r#"["run", "jump"]"#);
    let weak = open(&config, &options(None)).unwrap();
    assert_eq!(weak.classes().id("jump"), Some(0));
    assert_eq!(weak.labels(0), [0, 1]);

    write(r#""classes": ["run", "fall", "jump"],"#, r#"["jump"]"#);
    let weak = open(&config, &options(None)).unwrap();
    assert_eq!(weak.labels(0), [2]);
    assert_eq!(weak.classes().len(), 3);

    write(r#""classes": ["run", "run"],"#, "[]");
    let error = open(&config, &options(None)).err().unwrap();
    assert!(
        error.contains("\"classes\": class \"run\" has two ids, 0 and 1"),
        "{error}"
    );
    write(r#""classes": ["a", "b", "c", "d"],"#, "[]");
    let error = open(&config, &options(None)).err().unwrap();
    assert!(
        error.contains("4 labels (a, b, c, d), but num_classes is 3"),
        "{error}"
    );
}

#[test]
fn the_list_numbers_classes_where_annotations_have_no_ids() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::common::config(folder.path(), 2);
    crate::common::write_counted(&config, "a", 30, 0.0);
    crate::common::write_counted(&config, "b", 30, 0.0);
    let write = |label: &str| {
        let text = format!(
            r#"{{"classes": ["pour", "stir", "take"], "database": {{
                "a": {{"subset": "training", "fps": 30, "labels": ["pour", "take"]}},
                "b": {{"subset": "test", "fps": 30, "annotations": [{{"segment": [0, 1], "label": "{label}"}}]}}}}}}"#
        );
        std::fs::write(&config.annotations, text).unwrap();
    };
    write("take");
    let weak = open(&config, &options(None)).unwrap();
    assert_eq!(weak.labels(0), [0, 2]);
    let truth = annotations::read(&config.annotations, Some(3)).unwrap();
    assert_eq!(truth.recordings[1].instances[0].label, 2);
    let names = tal_data::weak_class_names(&config).unwrap();
    assert_eq!(names.len(), 3);
    write("tkae");
    let error = open(&config, &options(None)).err().unwrap();
    assert!(
        error.contains(
            "recording \"b\", annotation 0: label \"tkae\" is not in the file's list of \"classes\"; expected one of these; did \
             you mean \"take\"?"
        ),
        "{error}"
    );
    // Full supervision numbers them alike.
    write("take");
    config.test_subsets = vec!["test".into()];
    let test = Dataset::open(&config, &config.test_subsets).unwrap();
    assert_eq!(test.classes().id("take"), Some(2));
}

#[test]
fn unknown_classes_get_the_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    let (config, options) = corpus(folder.path(), "{}");
    insert(&config, "b", r#""labels": ["jmup"]"#);
    let error = open(&config, &options).err().unwrap();
    assert!(
        error.ends_with(
            "annotations.json: recording \"b\": \"labels\" names the class \"jmup\"; expected one of the classes of the \
             file; did you mean \"jump\"?"
        ),
        "{error}"
    );
}

#[test]
fn labels_are_needed_to_train_only() {
    let folder = tempfile::tempdir().unwrap();
    let (config, options) = corpus(folder.path(), "{}");
    assert!(open(&config, &options).is_ok());
    let training = WeakOptions {
        require_labels: true,
        ..options
    };
    let error = open(&config, &training).err().unwrap();
    assert!(
        error.contains("recording \"empty\" has no label"),
        "{error}"
    );
    insert(&config, "empty", r#""labels": ["run"]"#);
    insert(&config, "c", r#""labels": []"#);
    let error = open(&config, &training).err().unwrap();
    assert!(error.contains("recording \"c\" has no label"), "{error}");
}

#[test]
fn clicks_outside_a_recording_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (config, options) = corpus(folder.path(), r#"{"a": [1, 5.25]}"#);
    let error = open(&config, &options).err().unwrap();
    assert!(
        error.contains("recording \"a\": a click at 5.25 s, but the recording lasts 5 s"),
        "{error}"
    );
    // Recording b has no duration: its features tell, 40 of them 4 frames apart.
    let (config, options) = corpus(folder.path(), r#"{"b": [5.7, 5.8]}"#);
    let weak = open(&config, &options).unwrap();
    let error = weak.sample(1).unwrap_err().to_string();
    assert!(
        error.contains("recording \"b\": a click at 5.8 s"),
        "{error}"
    );
    // One that is not trained on, and one that is unknown, are none of our business.
    let (config, options) = corpus(folder.path(), r#"{"t": [99], "nobody": [1]}"#);
    assert_eq!(open(&config, &options).unwrap().num_clicks(), 0);
    let none = WeakOptions {
        num_snippets: 0,
        ..options
    };
    assert!(
        open(&config, &none)
            .err()
            .unwrap()
            .contains("num_snippets is 0")
    );
}

#[test]
fn threads_and_interruptions_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (config, options) = corpus(folder.path(), r#"{"a": [1], "b": [0.5, 3]}"#);
    let weak = Arc::new(open(&config, &options).unwrap());
    let load = |num_threads, start| -> Vec<Batch<WeakSample>> {
        let source: Arc<dyn SampleSource<WeakSample>> = weak.clone();
        let config = LoaderConfig {
            seed: 3,
            batch_size: 2,
            share: tal_core::Share::WHOLE,
            num_threads,
            prefetch: 3,
        };
        let loader = Loader::new(source, config, start, 4).unwrap();
        loader.map(Result::unwrap).collect()
    };
    let start = Position::default();
    let all = load(0, start);
    assert_eq!(all.len(), 8);
    assert_eq!(load(2, start), all);
    let later = Position { epoch: 1, batch: 1 };
    assert_eq!(load(1, later), all[3..]);
}
