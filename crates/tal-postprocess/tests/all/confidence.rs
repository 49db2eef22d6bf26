//! Bootstrap and comparison: small cases by hand, weights against physical copies, and properties for any detections.

use proptest::prelude::*;
use tal_core::config::EvaluationDialect;
use tal_core::{DetectionSet, Recording};
use tal_postprocess::{
    BootstrapConfig, ConfidenceError, Resampler, Verdict, average_precision, bootstrap, compare,
    evaluate, weighted_average_precision,
};

use crate::evaluation_cases::{config, recording};
use crate::support::found;

use EvaluationDialect::{Clean, OpenTad, TriDet};

const THRESHOLDS: [f64; 3] = [0.1, 0.5, 0.75];

fn draws(num_replicates: usize, seed: u64) -> BootstrapConfig {
    BootstrapConfig {
        num_replicates,
        seed,
        level: 0.9,
    }
}

/// Five recordings, the last of them always with an annotation; detections are as many, and some of a recording that the
/// ground truth lacks. All scores differ. Labels are beyond the ranks of the classes.
fn problem() -> impl Strategy<Value = (Vec<Recording>, DetectionSet)> {
    let label = prop::sample::select(vec![101u32, 102, 105]);
    let instance = (0..8u8, 0..4u8, label);
    let truth = prop::collection::vec(prop::collection::vec(instance, 0..4), 4).prop_map(|all| {
        let mut truth: Vec<Recording> = all
            .into_iter()
            .enumerate()
            .map(|(number, rows)| {
                let row =
                    |(start, length, label)| (f64::from(start), f64::from(start + length), label);
                let rows: Vec<_> = rows.into_iter().map(row).collect();
                recording(&format!("r{number}"), &rows)
            })
            .collect();
        truth.push(recording("r4", &[(0.0, 3.0, 102)]));
        truth
    });
    let detection = (0..16u8, 0..8u8, 100..106u32, 0..12u8);
    let detections = prop::collection::vec(prop::collection::vec(detection, 0..10), 6);
    (truth, detections).prop_map(|(truth, all)| {
        let mut number = 0.0;
        let mut set = DetectionSet::new();
        for (recording, rows) in all.into_iter().enumerate() {
            let rows = rows.into_iter().map(|(start, length, label, score)| {
                number += 1e-6;
                let start = f64::from(start) / 2.0;
                let end = start + f64::from(length) / 2.0;
                (start, end, label, f64::from(score) / 12.0 + number)
            });
            let rows: Vec<_> = rows.collect();
            set.extend([found(&format!("r{recording}"), &rows)]);
        }
        (truth, set)
    })
}

fn dialect() -> impl Strategy<Value = EvaluationDialect> {
    prop::sample::select(vec![TriDet, OpenTad, Clean])
}

/// Ten recordings with one annotation each, of which `num_found` are found first and the others behind a false positive.
fn corpus(num_found: usize) -> (Vec<Recording>, DetectionSet) {
    let ids: Vec<String> = (0..10).map(|i| format!("r{i}")).collect();
    let truth = ids.iter().map(|id| recording(id, &[(0.0, 4.0, 0)]));
    let rows = ids.iter().enumerate().map(|(i, id)| {
        let right = (0.0, 4.0, 0, 0.9 - i as f64 * 1e-3);
        let wrong = (8.0, 9.0, 0, 0.5 - i as f64 * 1e-3);
        found(id, &[if i < num_found { right } else { wrong }])
    });
    (truth.collect(), rows.collect())
}

#[test]
fn weights_stand_for_copies() {
    // R ×2, W ×1, R ×3 of 6: envelope 1 for two, 5/6 for three.
    let area = weighted_average_precision(&[true, false, true], &[2, 1, 3], 6);
    assert!((area - (2.0 + 3.0 * 5.0 / 6.0) / 6.0).abs() < 1e-15);
    // What weighs nothing is not there: W, R of 2.
    assert_eq!(
        weighted_average_precision(&[true, false, true], &[0, 1, 1], 2),
        0.25
    );
    assert_eq!(weighted_average_precision(&[true], &[0], 0), 0.0);
    assert_eq!(weighted_average_precision(&[], &[], 3), 0.0);
}

#[test]
fn intervals_cover_what_can_be_drawn() {
    // AP is the share of the drawn recordings whose annotation is found: mean 0.7, variance 0.7 · 0.3 / 10.
    let (truth, detections) = corpus(7);
    let rules = config(&[0.5, 0.75], Clean);
    let draws = BootstrapConfig {
        level: 0.8,
        ..draws(4000, 1)
    };
    let result = bootstrap(&truth, &detections, &rules, None, &draws).unwrap();
    let interval = result.average_map;
    assert!((interval.estimate - 0.7).abs() < 1e-12);
    // The binomial quantiles at 0.1 and 0.9 for n = 10, p = 0.7.
    assert!((interval.low - 0.5).abs() < 1e-12, "{interval:?}");
    assert!((interval.high - 0.9).abs() < 1e-12, "{interval:?}");
    // 0.1449, and 5 standard deviations of its estimate from 4000 replicates.
    assert!(
        (interval.standard_error - 0.021f64.sqrt()).abs() < 0.0085,
        "{interval:?}"
    );
    assert_eq!(result.map, [interval, interval]);
    assert_eq!(result.num_recordings, 10);
    assert_eq!(result.classes.len(), 1);
    assert_eq!(result.classes[0].num_replicates, 4000);
    assert_eq!(result.classes[0].average_ap, Some(interval));
    assert_eq!(result.classes[0].ap, [interval, interval]);
}

#[test]
fn certain_results_have_no_width() {
    let (truth, detections) = corpus(10);
    let result = bootstrap(
        &truth,
        &detections,
        &config(&[0.5], Clean),
        None,
        &draws(50, 3),
    )
    .unwrap();
    let interval = result.average_map;
    assert_eq!((interval.low, interval.high), (1.0, 1.0));
    assert_eq!(interval.standard_error, 0.0);
}

#[test]
fn a_class_of_one_recording_is_left_out_where_that_is_not_drawn() {
    let (mut truth, detections) = corpus(10);
    truth[3] = recording("r3", &[(0.0, 4.0, 0), (0.0, 4.0, 6)]);
    let result = bootstrap(
        &truth,
        &detections,
        &config(&[0.5], Clean),
        None,
        &draws(1000, 3),
    )
    .unwrap();
    // Class 6 is never found. It is in a replicate with probability 1 − 0.9¹⁰ = 0.651; 5 standard deviations are 0.076.
    let rare = &result.classes[1];
    assert_eq!(rare.label, 6);
    assert!(rare.num_replicates.abs_diff(651) < 76, "{rare:?}");
    assert_eq!(rare.average_ap.unwrap().high, 0.0);
    assert_eq!(result.classes[0].num_replicates, 1000);
    let interval = result.average_map;
    assert_eq!(
        (interval.low, interval.estimate, interval.high),
        (0.5, 0.5, 1.0)
    );
}

#[test]
fn the_better_detector_is_found() {
    let (truth, few) = corpus(4);
    let (_, all) = corpus(10);
    let rules = config(&[0.5, 0.75], Clean);
    let result = compare(&truth, &few, &all, &rules, None, &draws(500, 9)).unwrap();
    assert_eq!(result.verdict, Verdict::BBetter);
    let difference = result.average_map;
    assert!((difference.a - 0.4).abs() < 1e-12 && difference.b == 1.0);
    assert!((difference.difference.estimate - 0.6).abs() < 1e-12);
    assert!(difference.p_value < 0.01 && difference.share_b_better > 0.99);
    assert_eq!(result.map, [difference, difference]);
    // All but the names is the other way round.
    let reverse = compare(&truth, &all, &few, &rules, None, &draws(500, 9)).unwrap();
    assert_eq!(reverse.verdict, Verdict::ABetter);
    assert_eq!(reverse.average_map.p_value, difference.p_value);
    assert!((reverse.average_map.difference.high + difference.difference.low).abs() < 1e-12);
}

#[test]
fn one_recording_more_decides_nothing() {
    let (truth, a) = corpus(5);
    let (_, b) = corpus(6);
    let rules = config(&[0.5], Clean);
    let result = compare(&truth, &a, &b, &rules, None, &draws(500, 9)).unwrap();
    assert_eq!(result.verdict, Verdict::Undecided);
    // Not drawn with probability 0.9¹⁰ = 0.349, and then they are equal.
    let share = result.average_map.share_b_better;
    assert!((share - 0.651).abs() < 0.11, "{share}");
    assert_eq!(result.average_map.difference.low, 0.0);
    let equal = compare(&truth, &a, &a, &rules, None, &draws(500, 9)).unwrap();
    assert_eq!(equal.verdict, Verdict::Undecided);
    assert_eq!(equal.average_map.p_value, 1.0);
    assert_eq!(equal.average_map.difference.high, 0.0);
}

#[test]
fn unusable_input_is_refused() {
    let (truth, detections) = corpus(5);
    let rules = config(&[0.5], Clean);
    let error = |truth: &[Recording], draws: &BootstrapConfig| {
        let error = bootstrap(truth, &detections, &rules, None, draws).unwrap_err();
        let of_both = compare(truth, &detections, &detections, &rules, None, draws).unwrap_err();
        assert_eq!(error.to_string(), of_both.to_string());
        error.to_string()
    };
    for level in [0.0, 1.0, -1.0, 95.0, f64::NAN] {
        let draws = BootstrapConfig {
            level,
            ..BootstrapConfig::default()
        };
        assert_eq!(
            error(&truth, &draws),
            format!("the confidence level is {level}, must be above 0 and below 1, such as 0.95")
        );
    }
    for (level, minimum) in [(0.9, 19), (0.95, 39), (0.99, 199)] {
        let mut draws = BootstrapConfig {
            num_replicates: minimum - 1,
            seed: 0,
            level,
        };
        assert_eq!(
            error(&truth, &draws),
            format!(
                "{} bootstrap replicates are too few for the confidence level {level}; there must be at least {minimum}",
                minimum - 1
            )
        );
        draws.num_replicates = minimum;
        assert!(bootstrap(&truth, &detections, &rules, None, &draws).is_ok());
    }
    assert_eq!(
        error(&truth[..1], &BootstrapConfig::default()),
        "recording \"r0\" is the only one; the bootstrap needs at least 2 recordings"
    );
    let mut wrong = detections.clone();
    let last = wrong.detections_mut().last();
    last.unwrap().score = f64::NAN;
    let result = compare(&truth, &detections, &wrong, &rules, None, &draws(50, 0));
    assert!(matches!(result, Err(ConfidenceError::Evaluation(_))));
}

proptest! {
    #[test]
    fn weights_of_one_change_no_bit(
        hits in prop::collection::vec(any::<bool>(), 0..60), more in 0..9usize,
    ) {
        let num = hits.iter().filter(|hit| **hit).count() + more;
        let weighted = weighted_average_precision(&hits, &vec![1; hits.len()], num as u64);
        prop_assert_eq!(weighted.to_bits(), average_precision(&hits, num).to_bits());
    }

    #[test]
    fn recordings_counted_once_are_the_evaluation(
        (truth, detections) in problem(), dialect in dialect(), blocked in any::<bool>(),
    ) {
        let mut rules = config(&THRESHOLDS, dialect);
        if blocked {
            rules.blocked.push("r1".into());
        }
        let resampler = Resampler::new(&truth, &detections, &rules, None).unwrap();
        let plain = evaluate(&truth, &detections, &rules).unwrap();
        let once = vec![1; resampler.recordings().len()];
        let weighted = resampler.evaluate(&once).unwrap();
        prop_assert_eq!(weighted.average_map.to_bits(), plain.average_map.to_bits());
        prop_assert_eq!(&weighted.map, &plain.map);
        for (weighted, plain) in weighted.ap.iter().zip(&plain.classes) {
            prop_assert_eq!(weighted.as_ref(), Some(&plain.ap));
        }
        prop_assert_eq!(resampler.evaluation(), &plain);
    }

    #[test]
    fn weights_equal_physical_copies(
        (truth, detections) in problem(), dialect in dialect(), weights in prop::collection::vec(0..4u32, 5),
    ) {
        let rules = config(&THRESHOLDS, dialect);
        let weighted = Resampler::new(&truth, &detections, &rules, None).unwrap().evaluate(&weights);
        // Recording r5 is in no ground truth and stays.
        let mut copied = Vec::new();
        let mut found: DetectionSet = DetectionSet::from([("r5".into(), detections["r5"].clone())]);
        for (recording, weight) in truth.iter().zip(&weights) {
            for copy in 0..*weight {
                let id = format!("{}.{copy}", recording.id);
                found.insert(id.clone(), detections[&recording.id].clone());
                copied.push(Recording { id, ..recording.clone() });
            }
        }
        let Some(weighted) = weighted else {
            prop_assert!(evaluate(&copied, &found, &rules).is_err());
            return Ok(());
        };
        let physical = evaluate(&copied, &found, &rules).unwrap();
        prop_assert!((weighted.average_map - physical.average_map).abs() < 1e-12);
        for (weighted, physical) in weighted.map.iter().zip(&physical.map) {
            prop_assert!((weighted - physical).abs() < 1e-12);
        }
        let ap: Vec<&Vec<f64>> = weighted.ap.iter().flatten().collect();
        prop_assert_eq!(ap.len(), physical.classes.len());
        for (weighted, physical) in ap.iter().zip(&physical.classes) {
            for (weighted, physical) in weighted.iter().zip(&physical.ap) {
                prop_assert!((weighted - physical).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn intervals_are_ordered_and_follow_the_seed_alone(
        (mut truth, detections) in problem(), dialect in dialect(), seed in any::<u64>(),
    ) {
        let rules = config(&THRESHOLDS, dialect);
        let draws = draws(40, seed);
        let result = bootstrap(&truth, &detections, &rules, None, &draws).unwrap();
        let of_classes = result.classes.iter().flat_map(|class| class.ap.iter().chain(&class.average_ap));
        for interval in result.map.iter().chain([&result.average_map]).chain(of_classes) {
            prop_assert!(0.0 <= interval.low && interval.low <= interval.high);
            prop_assert!(interval.high <= 1.0 + 1e-12);
        }
        truth.reverse();
        prop_assert_eq!(&bootstrap(&truth, &detections, &rules, None, &draws).unwrap(), &result);
    }

    #[test]
    fn exchanged_sides_exchange_the_result(
        (truth, a) in problem(), (_, b) in problem(), seed in any::<u64>(),
    ) {
        let rules = config(&THRESHOLDS, Clean);
        let forth = compare(&truth, &a, &b, &rules, None, &draws(40, seed)).unwrap();
        let back = compare(&truth, &b, &a, &rules, None, &draws(40, seed)).unwrap();
        prop_assert_eq!(forth.average_map.p_value, back.average_map.p_value);
        let (forth_is, back_is) = (forth.average_map.difference, back.average_map.difference);
        prop_assert!((forth_is.low + back_is.high).abs() < 1e-12);
        prop_assert!((forth_is.high + back_is.low).abs() < 1e-12);
        prop_assert!(forth.average_map.share_b_better + back.average_map.share_b_better <= 1.0 + 1e-12);
        let expected = match forth.verdict {
            Verdict::ABetter => Verdict::BBetter,
            Verdict::BBetter => Verdict::ABetter,
            Verdict::Undecided => Verdict::Undecided,
        };
        prop_assert_eq!(back.verdict, expected);
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let (truth, detections) = corpus(6);
    let rules = config(&[0.5], Clean);
    let with = |num_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(num_threads);
        let run = || bootstrap(&truth, &detections, &rules, None, &draws(300, 4)).unwrap();
        pool.build().unwrap().install(run)
    };
    assert_eq!(with(1), with(5));
}
