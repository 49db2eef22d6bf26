//! Batches do not depend on threads, prefetching or interruption.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::common::corpus;
use tal_data::SampleKey;
use tal_data::{
    Batch, DataError, Dataset, Loader, LoaderConfig, Position, SampleSource, TrainingSample,
};

fn loader_config(num_threads: usize) -> LoaderConfig {
    LoaderConfig {
        seed: 11,
        batch_size: 2,
        share: tal_core::Share::WHOLE,
        num_threads,
        prefetch: 3,
    }
}

fn source(folder: &tempfile::TempDir) -> Arc<dyn SampleSource> {
    let config = corpus(folder.path());
    Arc::new(Dataset::open(&config, &config.train_subsets).unwrap())
}

fn all(source: &Arc<dyn SampleSource>, config: LoaderConfig, start: Position) -> Vec<Batch> {
    Loader::new(Arc::clone(source), config, start, 6)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

const BEGIN: Position = Position { epoch: 0, batch: 0 };

#[test]
fn batches_are_the_same_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(&folder);
    let expected = all(&source, loader_config(0), BEGIN);
    // Five recordings, batches of two, the incomplete one dropped.
    assert_eq!(expected.len(), 6 * 2);
    for num_threads in [1, 2, 4] {
        assert_eq!(all(&source, loader_config(num_threads), BEGIN), expected);
        let prefetch = 1;
        assert_eq!(
            all(
                &source,
                LoaderConfig {
                    prefetch,
                    ..loader_config(num_threads)
                },
                BEGIN
            ),
            expected
        );
    }
    let other = all(
        &source,
        LoaderConfig {
            seed: 12,
            ..loader_config(0)
        },
        BEGIN,
    );
    assert_ne!(other, expected);
}

#[test]
fn epochs_differ_and_hold_each_recording_once_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let batches = all(&source(&folder), loader_config(0), BEGIN);
    let mut orders = BTreeSet::new();
    for epoch in batches.chunks(2) {
        let ids: Vec<&str> = epoch
            .iter()
            .flat_map(|b| &b.samples)
            .map(|s| s.id.as_str())
            .collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4);
        orders.insert(ids);
    }
    assert!(orders.len() > 3);
    let cuts: BTreeSet<_> = batches
        .iter()
        .flat_map(|b| &b.samples)
        .filter(|s| s.id == "long")
        .map(|s| s.features.data()[0] as u32)
        .collect();
    assert!(
        cuts.len() > 1,
        "the same recording is cut differently in each epoch: {cuts:?}"
    );
}

#[test]
fn a_loader_goes_on_where_another_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(&folder);
    let expected = all(&source, loader_config(0), BEGIN);
    for stop in 0..=expected.len() {
        let mut loader = Loader::new(Arc::clone(&source), loader_config(2), BEGIN, 6).unwrap();
        let before: Vec<Batch> = loader.by_ref().take(stop).map(Result::unwrap).collect();
        drop(loader);
        let position = Position {
            epoch: stop / 2,
            batch: stop % 2,
        };
        let after = all(&source, loader_config(1), position);
        assert_eq!([before, after].concat(), expected);
    }
    // The end of an epoch is the beginning of the next.
    let end = Position { epoch: 0, batch: 2 };
    assert_eq!(all(&source, loader_config(0), end), expected[2..]);
}

#[test]
fn impossible_sizes_and_positions_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(&folder);
    let error = |config, start| {
        Loader::new(Arc::clone(&source), config, start, 6)
            .err()
            .unwrap()
            .to_string()
    };
    for batch_size in [0, 6] {
        assert_eq!(
            error(
                LoaderConfig {
                    batch_size,
                    share: tal_core::Share::WHOLE,
                    ..loader_config(0)
                },
                BEGIN
            ),
            format!(
                "a batch of {batch_size} cannot be filled from 5 recordings; expected a batch size of 1 to 5"
            )
        );
    }
    assert_eq!(
        error(loader_config(0), Position { epoch: 0, batch: 3 }),
        "cannot start at batch 3; an epoch has 2"
    );
}

#[test]
fn an_unreadable_recording_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(&folder);
    std::fs::write(folder.path().join("features/a.npy"), b"\x93NUMPY").unwrap();
    for num_threads in [0, 3] {
        let loader =
            Loader::new(Arc::clone(&source), loader_config(num_threads), BEGIN, 6).unwrap();
        let error = loader.filter_map(Result::err).next().unwrap().to_string();
        assert!(error.contains("features/a.npy: truncated"), "{error}");
    }
}

/// Fails or panics for one recording.
struct Broken;

impl SampleSource for Broken {
    fn num_recordings(&self) -> usize {
        4
    }

    fn sample(&self, key: SampleKey) -> Result<TrainingSample, DataError> {
        std::thread::sleep(Duration::from_millis(1));
        assert!(key.epoch < 3, "recording {} is bad", key.index);
        Ok(TrainingSample {
            id: key.index.to_string(),
            features: Arc::new(tal_data::FeatureArray::from_channel_first(vec![0.0], 1, 1)),
            segments: Vec::new(),
            labels: Vec::new(),
        })
    }
}

#[test]
fn a_panic_ends_the_batches_with_an_error() {
    for num_threads in [0, 4] {
        let mut loader =
            Loader::new(Arc::new(Broken), loader_config(num_threads), BEGIN, 6).unwrap();
        assert_eq!(loader.by_ref().take(6).filter(Result::is_ok).count(), 6);
        let error = loader.next().unwrap().unwrap_err().to_string();
        assert!(
            error.starts_with("loading batch 0 of epoch 3 panicked: recording "),
            "{error}"
        );
        assert!(loader.next().is_none());
    }
}
