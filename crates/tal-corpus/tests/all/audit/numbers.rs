//! Statistics of data sets whose figures can be computed by hand.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use tal_corpus::audit::{self, Distribution, Statistics, Watch};
use tal_data::DataError;

use super::corpus::{Corpus, DURATION, LEN};

fn measure(corpus: &Corpus, quick: bool) -> Result<Statistics, DataError> {
    let stop = AtomicBool::new(false);
    let calls = AtomicUsize::new(0);
    let watch = Watch {
        progress: &|_, total| {
            assert_eq!(total, 6);
            calls.fetch_add(1, Ordering::Relaxed);
        },
        stop: &stop,
    };
    let statistics = audit::statistics(&corpus.config(), quick, &watch)?;
    assert_eq!(calls.into_inner(), 6);
    Ok(statistics)
}

#[test]
fn counts_lengths_and_coverage() {
    let mut corpus = Corpus::new();
    corpus.add("a", 3.0, 5.0, "run", 0);
    corpus.database["b"]["annotations"] = json!([]);
    for quick in [false, true] {
        let all = measure(&corpus, quick).unwrap();
        let [training, test] = &all.subsets[..] else {
            panic!("two subsets")
        };
        assert_eq!((training.role, test.role), ("training", "test"));
        assert_eq!((training.num_recordings, test.num_recordings), (4, 2));
        assert_eq!(
            (training.num_actions, training.num_without_actions),
            (10, 1)
        );
        let read = if quick { 0 } else { 4 };
        assert_eq!(training.num_lengths_read, read);
        let same = |value: f64, num| {
            let (min, median, mean, p95, max) = (value, value, value, value, value);
            Some(Distribution {
                num,
                min,
                median,
                mean,
                p95,
                max,
            })
        };
        assert_eq!(training.recording_seconds, same(DURATION, 4));
        assert_eq!(training.recording_features, same(LEN as f64, 4));
        assert_eq!(test.actions_per_recording, same(3.0, 2));
        // 2 + 3 + 1 seconds in two of the recordings, one more where a second run overlaps the first.
        assert_eq!(training.coverage, Some(19.0 / 80.0));
        assert_eq!(training.overlap, Some(1.0 / 19.0));
        assert_eq!(test.overlap, Some(0.0));
        let features = training.action_features.unwrap();
        assert_eq!((features.min, features.max), (7.5, 22.5));
        assert_eq!(training.seconds.actions.len(), 10);
        let runs = &all.classes[0];
        assert_eq!(
            (runs.name.as_str(), runs.num_training, runs.num_test),
            ("run", 4, 2)
        );
        assert_eq!(runs.action_seconds, same(2.0, 6));
    }
}

#[test]
fn levels_get_the_actions_of_their_ranges() {
    let mut corpus = Corpus::new();
    let all = measure(&corpus, true).unwrap();
    let levels = &all.levels;
    assert_eq!((levels.num_actions, levels.num_without_level), (12, 0));
    // From the centre of the jumps (22.5 features) both ends are 11.25 away: the range of 8 to 16.
    assert_eq!(levels.levels[2].range, [8.0, 16.0]);
    assert_eq!(levels.levels[2].num_actions, 8);
    assert_eq!(levels.levels[5].num_actions, 0);
    assert!(
        levels
            .levels
            .iter()
            .all(|one| one.num_points >= one.num_actions)
    );
    assert_eq!(all.regression_range, None);

    corpus
        .set("decoder.regression_range=[[0, 4], [4, 8], [8, 9], [9, 9.5], [9.5, 10], [10, 10.5]]");
    let all = measure(&corpus, true).unwrap();
    // Nothing is left for the jumps.
    assert_eq!(all.levels.num_without_level, 4);
    let advice = all.regression_range.unwrap();
    assert_eq!(advice.num_without_level, 0);
    assert_eq!(advice.ranges[..2], [[0.0, 4.0], [4.0, 8.0]]);
    assert_eq!(advice.ranges[5], [64.0, 10000.0]);
}

#[test]
fn max_seq_len_is_advised_in_whole_units() {
    let mut corpus = Corpus::new();
    corpus.set("dataset.max_seq_len=128");
    corpus.set("encoder.mixer.local_kernel_size=5");
    let advice = measure(&corpus, false).unwrap().max_seq_len;
    // 147 features; 2^5 points times a kernel of 5.
    assert_eq!(
        (advice.current, advice.num_longer, advice.unit),
        (128, 4, 160)
    );
    assert_eq!((advice.for_most, advice.for_all), (160, 160));
}

#[test]
fn what_cannot_be_counted_is_an_error() {
    let mut corpus = Corpus::new();
    corpus.annotation("a", 0)["segment"] = json!([3.0, 2.0]);
    assert!(matches!(
        measure(&corpus, true),
        Err(DataError::Annotation(_))
    ));
    let mut corpus = Corpus::new();
    corpus.set("dataset.test_subsets=[none]");
    assert!(matches!(
        measure(&corpus, true),
        Err(DataError::EmptySubset { .. })
    ));
}
