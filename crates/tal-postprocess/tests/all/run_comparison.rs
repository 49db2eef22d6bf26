//! Comparison of two ways of training: small cases by hand, and what it has in common with the comparison of two detectors.

use proptest::prelude::*;
use tal_core::config::EvaluationDialect::Clean;
use tal_core::{DetectionSet, Recording};
use tal_postprocess::{
    BootstrapConfig, ConfidenceError, Resampler, RunPair, Verdict, compare, compare_runs,
};

use crate::evaluation_cases::{config, recording};
use crate::support::found;

const NUM_RECORDINGS: usize = 10;

fn truth(fold: usize) -> Vec<Recording> {
    let ids = (0..NUM_RECORDINGS).map(|number| format!("f{fold}r{number}"));
    ids.map(|id| recording(&id, &[(0.0, 4.0, 0)])).collect()
}

/// Detections that find the first `num_found` recordings' action before all false positives.
fn detections(fold: usize, num_found: usize) -> DetectionSet {
    let rows = (0..NUM_RECORDINGS).map(|number| {
        let right = (0.0, 4.0, 0, 0.9 - number as f64 * 1e-3);
        let wrong = (8.0, 9.0, 0, 0.5 - number as f64 * 1e-3);
        let row = if number < num_found { right } else { wrong };
        found(&format!("f{fold}r{number}"), &[row])
    });
    rows.collect()
}

fn run(fold: usize, num_found: usize) -> Resampler {
    let rules = config(&[0.5], Clean);
    Resampler::new(&truth(fold), &detections(fold, num_found), &rules, None).unwrap()
}

fn draws(num_replicates: usize) -> BootstrapConfig {
    BootstrapConfig {
        num_replicates,
        ..BootstrapConfig::default()
    }
}

/// Runs by fold and seed, from the numbers of actions that each finds.
fn grid(found: &[&[usize]]) -> Vec<Vec<Resampler>> {
    let fold = |(fold, found): (usize, &&[usize])| found.iter().map(|n| run(fold, *n)).collect();
    found.iter().enumerate().map(fold).collect()
}

fn pairs<'a>(a: &'a [Vec<Resampler>], b: &'a [Vec<Resampler>]) -> Vec<Vec<RunPair<'a>>> {
    let pair = |(a, b)| RunPair { a, b };
    let folds = a.iter().zip(b);
    folds
        .map(|(a, b)| a.iter().zip(b).map(pair).collect())
        .collect()
}

#[test]
fn means_go_over_seeds_and_then_over_folds() {
    let (a, b) = (grid(&[&[2, 4], &[6]]), grid(&[&[4, 6], &[9]]));
    let result = compare_runs(&pairs(&a, &b), &draws(100)).unwrap();
    // Precision is 1 up to the last action that is found.
    approx::assert_relative_eq!(result.average_map.a, (0.3 + 0.6) / 2.0);
    approx::assert_relative_eq!(result.average_map.b, (0.5 + 0.9) / 2.0);
    approx::assert_relative_eq!(
        result.average_map.difference.estimate,
        0.25,
        epsilon = 1e-12
    );
    assert_eq!(
        (result.num_folds, result.num_pairs, result.num_recordings),
        (2, 3, 20)
    );
    assert!(!result.includes_training);
}

#[test]
fn clear_differences_are_told_and_noise_is_not() {
    let base = grid(&[&[3, 4, 3, 4, 3], &[4, 3, 4, 3, 4]]);
    let better = grid(&[&[8, 9, 8, 9, 9], &[9, 8, 8, 9, 8]]);
    let verdict = |a, b| compare_runs(&pairs(a, b), &draws(400)).unwrap().verdict;
    assert_eq!(verdict(&base, &better), Verdict::BBetter);
    assert_eq!(verdict(&better, &base), Verdict::ABetter);
    // The same in the mean, but seeds differ by more than that.
    let noisy = grid(&[&[1, 8, 2, 7, 0], &[6, 1, 8, 2, 1]]);
    assert_eq!(verdict(&base, &noisy), Verdict::Undecided);
}

#[test]
fn one_seed_decides_nothing() {
    let (a, b) = (grid(&[&[1], &[1]]), grid(&[&[10], &[10]]));
    let result = compare_runs(&pairs(&a, &b), &draws(100)).unwrap();
    assert!(result.average_map.difference.low > 0.0);
    assert_eq!(result.verdict, Verdict::Undecided);
}

#[test]
fn seeds_widen_the_interval() {
    let width = |a: &[&[usize]], b: &[&[usize]]| {
        let (a, b) = (grid(a), grid(b));
        let difference = compare_runs(&pairs(&a, &b), &draws(400)).unwrap();
        let interval = difference.average_map.difference;
        interval.high - interval.low
    };
    // Two runs of equal detections against two that differ around the same mean.
    assert!(width(&[&[4, 4]], &[&[6, 6]]) < width(&[&[2, 6]], &[&[8, 4]]));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let refused = |folds: &[Vec<RunPair<'_>>]| compare_runs(folds, &draws(100)).unwrap_err();
    assert_eq!(refused(&[]), ConfidenceError::NoRuns { fold: 1 });
    let (here, elsewhere) = (run(0, 3), run(1, 3));
    let pair = |a, b| vec![RunPair { a, b }];
    assert_eq!(
        refused(&[pair(&here, &here), vec![]]),
        ConfidenceError::NoRuns { fold: 2 }
    );
    assert_eq!(
        refused(&[pair(&here, &here), pair(&here, &elsewhere)]),
        ConfidenceError::OtherRecordings { fold: 2 }
    );
    let few = compare_runs(&[pair(&here, &here)], &draws(5));
    assert!(matches!(few, Err(ConfidenceError::NumReplicates { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn one_pair_is_the_comparison_of_two_detectors(a in 0..11usize, b in 0..11usize, seed: u64) {
        let bootstrap = BootstrapConfig { num_replicates: 60, seed, level: 0.9 };
        let (first, second) = (run(0, a), run(0, b));
        let ours = compare_runs(&[vec![RunPair { a: &first, b: &second }]], &bootstrap).unwrap();
        let rules = config(&[0.5], Clean);
        let plain = compare(
            &truth(0), &detections(0, a), &detections(0, b), &rules, None, &bootstrap,
        ).unwrap();
        prop_assert_eq!(ours.average_map, plain.average_map);
        prop_assert_eq!(ours.map, plain.map);
    }

    #[test]
    fn turning_the_pair_turns_the_difference(
        found in proptest::collection::vec((0..11usize, 0..11usize), 2..4), seed: u64,
    ) {
        let bootstrap = BootstrapConfig { num_replicates: 60, seed, level: 0.9 };
        let (a, b): (Vec<usize>, Vec<usize>) = found.into_iter().unzip();
        let (a, b) = (grid(&[&a]), grid(&[&b]));
        let forth = compare_runs(&pairs(&a, &b), &bootstrap).unwrap().average_map;
        let back = compare_runs(&pairs(&b, &a), &bootstrap).unwrap().average_map;
        prop_assert_eq!(forth.p_value, back.p_value);
        prop_assert!((forth.difference.low + back.difference.high).abs() < 1e-12);
        prop_assert!((forth.difference.high + back.difference.low).abs() < 1e-12);
    }
}
