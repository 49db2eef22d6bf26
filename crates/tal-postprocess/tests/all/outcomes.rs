//! Outcomes one by one, and reliability of scores.

use proptest::prelude::*;
use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{ClassMap, DetectionSet, Recording};
use tal_postprocess::{
    DiagnosisConfig, ErrorCounts, ErrorType, Judgement, Matching, Outcomes, diagnose, outcomes,
};

use crate::support::{self, found, recording};

fn config(thresholds: &[f64]) -> EvaluationConfig {
    EvaluationConfig {
        tiou_thresholds: thresholds.to_vec(),
        dialect: EvaluationDialect::Clean,
        ..Default::default()
    }
}

/// Class 1 at 0 to 10 and 20 to 30, class 2 at 40 to 50.
fn truth() -> Vec<Recording> {
    vec![recording(
        "a",
        Some(60.0),
        &[(0.0, 10.0, 1), (20.0, 30.0, 1), (40.0, 50.0, 2)],
    )]
}

#[test]
fn each_detection_gets_the_verdict_that_the_definition_gives_it() {
    let detections: DetectionSet = [found(
        "a",
        &[
            (0.0, 10.0, 1, 0.9),
            (0.0, 9.0, 1, 0.8),   // The annotation is taken.
            (40.0, 49.0, 1, 0.7), // Of class 2.
            (20.0, 26.0, 1, 0.6), // tIoU 0.6.
            (44.0, 54.0, 1, 0.5), // Of class 2, tIoU 6/14.
            (12.0, 18.0, 1, 0.4),
            (0.0, 10.0, 7, 0.3), // No annotation has the class.
        ],
    )]
    .into_iter()
    .collect();
    let all = outcomes(&truth(), &detections, &config(&[0.5, 0.75]), None).unwrap();
    let a = all.recording("a").unwrap();
    let judgements =
        |t: usize| -> Vec<Judgement> { a.detections.iter().map(|d| d.judgements[t]).collect() };
    use ErrorType::{Background, Confusion, DoubleDetection, Localization, WrongLabel};
    use Judgement::{FalsePositive, Ignored, TruePositive};
    let rest = [FalsePositive(Confusion), FalsePositive(Background), Ignored];
    let first = [
        TruePositive,
        FalsePositive(DoubleDetection),
        FalsePositive(WrongLabel),
    ];
    assert_eq!(judgements(0), [&first[..], &[TruePositive], &rest].concat());
    let localization = [FalsePositive(Localization)];
    assert_eq!(judgements(1), [&first[..], &localization, &rest].concat());
    assert_eq!(a.found_by[0], [Some(0), Some(3), None]);
    assert_eq!(a.found_by[1], [Some(0), None, None]);
    assert_eq!(a.detections[2].best, Some(2));
    assert!((a.detections[3].best_tiou - 0.6).abs() < 1e-12);
    assert_eq!(a.detections[5].best, None);
    assert!(all.recording("b").is_none());
}

#[test]
fn ambiguous_passages_forgive() {
    let classes = ClassMap::from_names(["Ambiguous", "jump"]).unwrap();
    let truth = [recording("a", None, &[(0.0, 10.0, 0), (20.0, 30.0, 1)])];
    let detections: DetectionSet = [found("a", &[(1.0, 5.0, 1, 0.9), (20.0, 30.0, 1, 0.8)])]
        .into_iter()
        .collect();
    let config = EvaluationConfig {
        ambiguous_class: Some("Ambiguous".to_owned()),
        ..config(&[0.5])
    };
    let all = outcomes(&truth, &detections, &config, Some(&classes)).unwrap();
    let a = all.recording("a").unwrap();
    assert_eq!(a.instances.len(), 1);
    assert_eq!(a.detections[0].judgements, [Judgement::Ignored]);
    assert_eq!(a.found_by, [[Some(1)]]);
}

#[test]
fn reliability_counts_the_right_ones_of_each_score() {
    let detections: DetectionSet = [found(
        "a",
        &[
            (0.0, 10.0, 1, 0.9),
            (12.0, 18.0, 1, 0.7),
            (20.0, 30.0, 1, 0.2),
            (40.0, 50.0, 2, 1.0),
        ],
    )]
    .into_iter()
    .collect();
    let matching = Matching::new(&truth(), &detections, &config(&[0.5]), None).unwrap();
    let reliability = matching.reliability(2);
    let counts = |curve: usize| -> Vec<(usize, usize)> {
        let bins = reliability.all[curve].bins.iter();
        bins.map(|bin| (bin.num_detections, bin.num_true_positives))
            .collect()
    };
    assert_eq!(counts(0), [(1, 1), (3, 2)]);
    let upper = reliability.all[0].bins[1];
    assert!((upper.mean_score - 2.6 / 3.0).abs() < 1e-12);
    assert_eq!(upper.precision(), Some(2.0 / 3.0));
    // |1 − 0.2| of one, |2 − 2.6| of three.
    let error = reliability.all[0].calibration_error.unwrap();
    assert!((error - (0.8 + 0.6) / 4.0).abs() < 1e-12);
    assert_eq!(reliability.classes[1].0, 2);
    let second = &reliability.classes[1].1[0];
    assert_eq!(second.bins[0].precision(), None);
    assert_eq!(second.calibration_error, Some(0.0));
}

/// Verdicts of all detections at one threshold.
fn counts(all: &Outcomes, threshold: usize) -> ErrorCounts {
    let mut counts = ErrorCounts::default();
    for detection in all.recordings.iter().flat_map(|r| &r.detections) {
        match detection.judgements[threshold] {
            Judgement::TruePositive => counts.true_positive += 1,
            Judgement::FalsePositive(error) => match error {
                ErrorType::DoubleDetection => counts.double_detection += 1,
                ErrorType::WrongLabel => counts.wrong_label += 1,
                ErrorType::Localization => counts.localization += 1,
                ErrorType::Confusion => counts.confusion += 1,
                ErrorType::Background => counts.background += 1,
            },
            Judgement::Ignored => {}
        }
    }
    counts
}

proptest! {
    #[test]
    fn counts_are_those_of_the_diagnosis(
        instances in prop::collection::vec((0..20u8, 1..8u8, 1..4u32), 1..8),
        detections in support::detections((0..40u8, 0..16u8, 0..5u32, 0..12u8), 0..30, 1..2),
    ) {
        let rows: Vec<(f64, f64, u32)> = instances
            .iter()
            .map(|&(start, length, label)| (f64::from(start), f64::from(start + length), label))
            .collect();
        let truth = [recording("r0", None, &rows)];
        let config = config(&[0.3, 0.5, 0.75]);
        let all = outcomes(&truth, &detections, &config, None).unwrap();
        // So many groups that every detection is in one.
        let rules = DiagnosisConfig { num_groups: 1000, ..DiagnosisConfig::from(&config) };
        let diagnosis = diagnose(&truth, &detections, &rules).unwrap();
        for (t, profile) in diagnosis.profile.thresholds.iter().enumerate() {
            prop_assert_eq!(counts(&all, t), profile.total);
            for recording in &all.recordings {
                let found = recording.found_by[t].iter().flatten().count();
                prop_assert_eq!(found, profile.total.true_positive);
            }
        }
    }
}
