//! The order of equal scores, over recordings and within them, and how far it can move the figures.

use proptest::prelude::*;
use tal_core::config::EvaluationDialect;
use tal_core::{DetectionSet, Recording};
use tal_postprocess::{Matching, evaluate};

use crate::evaluation_cases::{config, recording};
use crate::support::{detections, found};

fn truth() -> Vec<Recording> {
    vec![
        recording("a", &[(0.0, 4.0, 0)]),
        recording("b", &[(0.0, 4.0, 0)]),
        recording("c", &[(20.0, 24.0, 0)]),
    ]
}

fn map(set: &DetectionSet, dialect: EvaluationDialect) -> f64 {
    evaluate(&truth(), set, &config(&[0.5], dialect))
        .unwrap()
        .average_map
}

#[test]
fn of_equal_scores_the_earlier_recording_comes_first_in_clean_and_the_later_elsewhere() {
    let right = found("b", &[(0.0, 4.0, 0, 0.5)]);
    let wrong = found("a", &[(8.0, 9.0, 0, 0.5)]);
    let right_first = DetectionSet::from([right.clone(), wrong.clone()]);
    let wrong_first = DetectionSet::from([wrong, right]);
    for dialect in EvaluationDialect::ALL {
        let earlier_first = dialect == EvaluationDialect::Clean;
        let (first, second) = (map(&right_first, dialect), map(&wrong_first, dialect));
        let expected = if earlier_first {
            (1.0 / 3.0, 1.0 / 6.0)
        } else {
            (1.0 / 6.0, 1.0 / 3.0)
        };
        assert_eq!((first, second), expected, "{dialect}");
    }
}

#[test]
fn rows_that_alternate_between_recordings_keep_their_order() {
    // a wrong, b right, a right: 2/3 in clean; from behind, right, right, wrong.
    let mut set = DetectionSet::new();
    for (id, start) in [("a", 8.0), ("b", 0.0), ("a", 0.0)] {
        set.push(id, found("", &[(start, start + 4.0, 0, 0.5)]).1[0]);
    }
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
    close(map(&set, EvaluationDialect::Clean), 2.0 / 3.0 * 2.0 / 3.0);
    close(map(&set, EvaluationDialect::ActivityNet), 2.0 / 3.0);
    // As if all rows of a came first: wrong, right, right.
    let grouped: DetectionSet = set.clone().into_iter().collect();
    close(map(&grouped, EvaluationDialect::ActivityNet), 2.0 / 3.0);
    close(
        map(&grouped, EvaluationDialect::Clean),
        2.0 / 3.0 * 2.0 / 3.0,
    );
    // One right between two wrong ones.
    let mut set = DetectionSet::new();
    for (id, start) in [("a", 8.0), ("b", 0.0), ("a", 12.0)] {
        set.push(id, found("", &[(start, start + 4.0, 0, 0.5)]).1[0]);
    }
    close(map(&set, EvaluationDialect::Clean), 1.0 / 6.0);
    close(map(&set, EvaluationDialect::ActivityNet), 1.0 / 6.0);
    let grouped: DetectionSet = set.into_iter().collect();
    close(map(&grouped, EvaluationDialect::Clean), 1.0 / 9.0);
}

#[test]
fn blocked_rows_between_others_change_nothing() {
    let mut set = DetectionSet::new();
    for (id, start) in [("a", 8.0), ("c", 0.0), ("b", 0.0), ("c", 20.0), ("a", 0.0)] {
        set.push(id, found("", &[(start, start + 4.0, 0, 0.5)]).1[0]);
    }
    let mut rules = config(&[0.5], EvaluationDialect::Clean);
    rules.blocked.push("c".to_owned());
    let result = evaluate(&truth(), &set, &rules).unwrap();
    assert_eq!(result.counts.num_blocked_detections, 2);
    assert!((result.average_map - 2.0 / 3.0).abs() < 1e-12);
}

#[test]
fn the_report_counts_equal_scores_and_orders_them_best_and_worst() {
    let set = DetectionSet::from([
        // A hit, and a second one of the same annotation: whichever comes first is the hit.
        found(
            "a",
            &[(0.0, 4.0, 0, 0.5), (0.0, 4.0, 0, 0.5), (8.0, 9.0, 0, 0.5)],
        ),
        found("b", &[(8.0, 9.0, 0, 0.25), (0.0, 4.0, 0, 0.25)]),
        found("c", &[(20.0, 24.0, 0, 0.1)]),
    ]);
    let rules = config(&[0.5], EvaluationDialect::Clean);
    let ties = Matching::new(&truth(), &set, &rules, None).unwrap().ties();
    assert_eq!(
        (ties.num_tied, ties.num_groups, ties.largest_group),
        (5, 2, 3)
    );
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
    // R W W | R W | R, as written R W W | W R | R, worst W R W | W R | R.
    close(ties.average_best, (1.0 + 0.5 + 0.5) / 3.0);
    close(ties.average_as_written, (1.0 + 0.5 + 0.5) / 3.0);
    close(ties.average_worst, 0.5);
    assert_eq!(ties.best, [ties.average_best]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_order_of_the_file_and_its_reverse_lie_between_worst_and_best(
        set in detections((0..16u8, 1..8u8, 0..2u32, 0..4u8), 0..10, 4),
        dialect in prop::sample::select(EvaluationDialect::ALL.to_vec()),
    ) {
        let truth = [
            recording("r0", &[(0.0, 3.0, 0), (1.0, 4.0, 0), (2.0, 3.0, 1)]),
            recording("r1", &[(2.0, 6.0, 1)]),
            recording("r2", &[(0.0, 2.0, 0), (4.0, 7.0, 1), (4.0, 8.0, 1)]),
        ];
        let rules = config(&[0.3, 0.5, 0.8], dialect);
        let matching = Matching::new(&truth, &set, &rules, None).unwrap();
        let ties = matching.ties();
        prop_assert_eq!(&ties.as_written, &matching.evaluation().map);
        let reversed: DetectionSet = set
            .iter()
            .map(|(id, rows)| (id.clone(), rows.iter().rev().copied().collect()))
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        let other = evaluate(&truth, &reversed, &rules).unwrap();
        for (t, written) in ties.as_written.iter().enumerate() {
            for map in [written, &other.map[t]] {
                prop_assert!(*map <= ties.best[t] + 1e-12 && *map >= ties.worst[t] - 1e-12, "{ties:?}");
            }
        }
        if ties.num_groups == 0 {
            prop_assert_eq!(&ties.best, &ties.worst);
        }
    }
}
