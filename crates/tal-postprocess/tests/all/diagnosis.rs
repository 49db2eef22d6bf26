//! The diagnosis of a few detections, computed by hand, and refused input.

use approx::assert_relative_eq;
use tal_core::{DetectionSet, Recording};
use tal_postprocess::{
    BucketDiagnosis, Characteristic, CountedInstances, Diagnosis, DiagnosisConfig, ErrorCounts,
    ErrorType, EvaluationError, diagnose,
};

use crate::support::{found, recording};

pub(crate) fn at(thresholds: &[f64]) -> DiagnosisConfig {
    DiagnosisConfig {
        tiou_thresholds: thresholds.to_vec(),
        counted_instances: CountedInstances::Class,
        ..Default::default()
    }
}

/// One recording `a` of 100 s.
fn single(
    instances: &[(f64, f64, u32)],
    rows: &[(f64, f64, u32, f64)],
    thresholds: &[f64],
) -> Diagnosis {
    let truth = recording("a", Some(100.0), instances);
    diagnose(
        [&truth],
        &DetectionSet::from([found("a", rows)]),
        &at(thresholds),
    )
    .unwrap()
}

#[test]
fn every_type_of_error_is_told_apart() {
    let truth = [
        recording("b", None, &[]),
        recording("a", None, &[(20.0, 30.0, 2), (0.0, 10.0, 1)]),
    ];
    let detections = DetectionSet::from([
        found(
            "a",
            &[
                (0.0, 10.0, 1, 0.9),
                // tIoU 0.9 with what the first one has.
                (0.0, 9.0, 1, 0.8),
                (20.0, 30.0, 1, 0.7),
                // 0.4 with its own class, 0.4 with the other.
                (0.0, 4.0, 1, 0.6),
                (20.0, 24.0, 1, 0.5),
                (50.0, 60.0, 1, 0.4),
                // 0.09 is background, 0.1 no more.
                (0.0, 0.9, 1, 0.3),
                (0.0, 1.0, 1, 0.2),
                // The eleventh of a class with one annotation: not looked at.
                (0.0, 10.0, 1, 0.01),
                (0.0, 10.0, 7, 0.99),
            ],
        ),
        found("b", &[(0.0, 10.0, 1, 0.05)]),
        found("unknown", &[(0.0, 10.0, 1, 0.1)]),
    ]);
    let diagnosis = diagnose(&truth, &detections, &at(&[0.5, 0.95])).unwrap();

    let half = diagnosis.profile.at(0.5).unwrap();
    let expected = ErrorCounts {
        true_positive: 1,
        double_detection: 1,
        wrong_label: 1,
        localization: 2,
        confusion: 1,
        background: 4,
    };
    assert_eq!(half.total, expected);
    assert_eq!(half.total.num_detections(), 10);
    let kinds: Vec<Vec<ErrorType>> = half
        .groups
        .iter()
        .map(|group| {
            let mut kinds = ErrorType::ALL.to_vec();
            kinds.retain(|kind| group.of(*kind) == 1);
            assert_eq!(group.num_detections(), 1);
            kinds
        })
        .collect();
    use ErrorType::{Background, Confusion, DoubleDetection, Localization, WrongLabel};
    let expected_kinds: [&[ErrorType]; 10] = [
        &[],
        &[DoubleDetection],
        &[WrongLabel],
        &[Localization],
        &[Confusion],
        &[Background],
        &[Background],
        &[Localization],
        &[Background],
        &[Background],
    ];
    assert_eq!(kinds, expected_kinds);

    // At 0.95 the second detection overlaps too little.
    let strict = diagnosis.profile.at(0.95).unwrap();
    assert_eq!(
        strict.total,
        ErrorCounts {
            double_detection: 0,
            localization: 3,
            ..expected
        }
    );
    assert_eq!(
        diagnosis.profile.mean_counts()[1],
        [0.0, 0.5, 0.0, 0.5, 0.0, 0.0]
    );
    assert!(diagnosis.profile.at(0.7).is_none());

    let counts = diagnosis.counts;
    assert_eq!([counts.num_recordings, counts.num_classes], [2, 2]);
    assert_eq!(
        [counts.num_ground_truth, counts.num_removed_ground_truth],
        [2, 0]
    );
    assert_eq!(
        [
            counts.num_detections,
            counts.num_ignored_detections,
            counts.num_unmatched_recording_detections
        ],
        [12, 1, 1]
    );
}

#[test]
fn equal_overlaps_belong_to_the_own_class() {
    for truth in [
        [(0.0, 10.0, 1), (0.0, 10.0, 2)],
        [(0.0, 10.0, 2), (0.0, 10.0, 1)],
    ] {
        let rows = [(0.0, 10.0, 1, 0.9), (0.0, 10.0, 1, 0.8), (0.0, 4.0, 1, 0.7)];
        let total = single(&truth, &rows, &[0.5]).profile.thresholds[0].total;
        assert_eq!([total.double_detection, total.wrong_label], [1, 0]);
        assert_eq!([total.localization, total.confusion], [1, 0]);
    }
}

#[test]
fn impact_is_what_is_gained_without_the_errors() {
    // N̄ = 3. Class 1 (N = 2): localization, hit, double, hit. P_N 1.5/(1.5 + 1) = 0.6 and 3/(3 + 2) = 0.6: AP_N 0.6.
    // Class 2 (N = 4): background, hit. P_N 0.75/(0.75 + 1) = 3/7: AP_N 3/28.
    let truth = [
        (0.0, 10.0, 1),
        (20.0, 30.0, 1),
        (40.0, 50.0, 2),
        (60.0, 70.0, 2),
        (80.0, 90.0, 2),
        (100.0, 110.0, 2),
    ];
    let rows = [
        (0.0, 4.0, 1, 0.9),
        (0.0, 10.0, 1, 0.8),
        (0.0, 10.0, 1, 0.7),
        (20.0, 30.0, 1, 0.6),
        (200.0, 210.0, 2, 0.95),
        (40.0, 50.0, 2, 0.9),
    ];
    let diagnosis = single(&truth, &rows, &[0.5]);
    assert_eq!(diagnosis.mean_instances, 3.0);
    let base = (0.6 + 3.0 / 28.0) / 2.0;
    assert_relative_eq!(diagnosis.impact.base.average_map, base, epsilon = 1e-12);
    assert_relative_eq!(diagnosis.normalized_map.map[0], base, epsilon = 1e-12);

    for (error, without) in [
        // hit (1), double, hit (3/4): 1/2 + 3/8.
        (ErrorType::Localization, (0.875 + 3.0 / 28.0) / 2.0),
        // localization, hit (0.6), hit (3/4): the envelope is 3/4.
        (ErrorType::DoubleDetection, (0.75 + 3.0 / 28.0) / 2.0),
        (ErrorType::Background, (0.6 + 0.25) / 2.0),
        (ErrorType::WrongLabel, base),
        (ErrorType::Confusion, base),
    ] {
        let impact = diagnosis.impact.of(error).unwrap();
        assert_relative_eq!(impact.without.average_map, without, epsilon = 1e-12);
        assert_relative_eq!(impact.gain, without - base, epsilon = 1e-12);
    }
}

#[test]
fn only_the_first_detections_count_for_the_impact() {
    // One annotation, two groups of one detection each: the hit in third place is not looked at.
    let truth = recording("a", None, &[(0.0, 10.0, 1)]);
    let rows = [
        (50.0, 60.0, 1, 0.9),
        (70.0, 80.0, 1, 0.8),
        (0.0, 10.0, 1, 0.7),
    ];
    let config = DiagnosisConfig {
        num_groups: 2,
        ..at(&[0.5])
    };
    let detections = DetectionSet::from([found("a", &rows)]);
    let diagnosis = diagnose([&truth], &detections, &config).unwrap();
    assert_eq!(diagnosis.profile.thresholds[0].total.background, 2);
    assert_eq!(diagnosis.profile.thresholds[0].groups.len(), 2);
    assert_eq!(diagnosis.impact.base.average_map, 0.0);
    assert_relative_eq!(diagnosis.normalized_map.average_map, 1.0 / 3.0);
}

#[test]
fn a_match_of_low_precision_is_a_miss() {
    // One annotation: P_N = 1/(1 + F), which is 0.05 after 19 false positives and more after 18.
    for (num_false, num_missed) in [(18, 0), (19, 1)] {
        let mut rows = vec![(0.0, 10.0, 1, 0.1)];
        rows.extend((0..num_false).map(|_| (50.0, 60.0, 1, 0.9)));
        let diagnosis = single(&[(0.0, 10.0, 1)], &rows, &[0.5]);
        assert_eq!(diagnosis.num_missed, [num_missed]);
        assert_relative_eq!(
            diagnosis.normalized_map.average_map,
            1.0 / f64::from(num_false + 1)
        );
    }
}

fn bucket<'a>(
    diagnosis: &'a Diagnosis,
    characteristic: Characteristic,
    name: &str,
) -> &'a BucketDiagnosis {
    let buckets = &diagnosis.by(characteristic).unwrap().buckets;
    buckets.iter().find(|bucket| bucket.name == name).unwrap()
}

#[test]
fn buckets_are_diagnosed_by_themselves() {
    // N̄ = 3. Recording `b` has no duration, and its annotation is missed.
    let truth = [
        recording("a", Some(100.0), &[(0.0, 10.0, 1), (40.0, 80.0, 1)]),
        recording("b", None, &[(0.0, 200.0, 1)]),
    ];
    let rows = [
        (0.0, 10.0, 1, 0.9),
        (90.0, 95.0, 1, 0.8),
        (40.0, 80.0, 1, 0.7),
    ];
    let detections = DetectionSet::from([found("a", &rows)]);
    let diagnosis = diagnose(&truth, &detections, &at(&[0.5])).unwrap();
    assert_eq!(diagnosis.num_missed, [1]);

    use Characteristic::{Coverage, Length, NumInstances};
    let without: Vec<_> = diagnosis
        .characteristics
        .iter()
        .map(|by| by.num_without_bucket)
        .collect();
    assert_eq!(without, [1, 0, 0]);
    for (characteristic, name, num_instances, num_missed, map) in [
        // Coverage 0.1 and 0.4, length 10 s and 40 s: the hit of the other bucket is passed over, the false positive is not.
        (Coverage, "XS", 1, 0, 1.0),
        (Coverage, "S", 1, 0, 0.75),
        (Length, "XS", 1, 0, 1.0),
        (Length, "S", 1, 0, 0.75),
        (Length, "XL", 1, 1, 0.0),
        (NumInstances, "XS", 1, 1, 0.0),
        // hit (1), miss, hit (3/4).
        (NumInstances, "S", 2, 0, 0.875),
    ] {
        let bucket = bucket(&diagnosis, characteristic, name);
        assert_eq!(
            bucket.num_instances, num_instances,
            "{characteristic} {name}"
        );
        assert_eq!(bucket.num_missed, [num_missed], "{characteristic} {name}");
        let rate = num_missed as f64 / num_instances as f64;
        assert_eq!(bucket.false_negative_rate, Some(rate));
        let found = bucket.normalized_map.as_ref().unwrap().average_map;
        assert_relative_eq!(found, map, epsilon = 1e-12);
    }
    for (characteristic, name) in [
        (Coverage, "M"),
        (Coverage, "L"),
        (Coverage, "XL"),
        (Length, "M"),
        (Length, "L"),
        (NumInstances, "M"),
        (NumInstances, "L"),
    ] {
        let bucket = bucket(&diagnosis, characteristic, name);
        assert_eq!(bucket.num_instances, 0);
        assert_eq!(bucket.false_negative_rate, None);
        assert_eq!(bucket.normalized_map, None);
    }
    let small = bucket(&diagnosis, Length, "S");
    assert_eq!((small.above, small.max), (30.0, Some(60.0)));
    let large = bucket(&diagnosis, Length, "XL");
    assert_eq!((large.above, large.max), (180.0, None));
}

#[test]
fn every_bucket_takes_its_annotations() {
    // Lengths 10, 30, 50, 70 and 90 s of 100 s; the class of each has 1, 2, 5 or 9 annotations.
    let mut instances = vec![(0.0, 10.0, 1), (0.0, 30.0, 2), (0.0, 50.0, 2)];
    instances.extend([(0.0, 70.0, 3); 5]);
    instances.extend([(0.0, 90.0, 4); 9]);
    // Longer than the recording.
    instances.push((0.0, 190.0, 5));
    let diagnosis = single(&instances, &[], &[0.5]);
    let sizes = |characteristic| -> Vec<usize> {
        let by = diagnosis.by(characteristic).unwrap();
        by.buckets.iter().map(|b| b.num_instances).collect()
    };
    assert_eq!(sizes(Characteristic::Coverage), [1, 1, 1, 5, 9]);
    assert_eq!(sizes(Characteristic::Length), [2, 1, 14, 0, 1]);
    assert_eq!(sizes(Characteristic::NumInstances), [2, 2, 5, 9]);
    let coverage = diagnosis.by(Characteristic::Coverage).unwrap();
    assert_eq!(coverage.num_without_bucket, 1);
    assert_eq!(diagnosis.num_missed, [18]);
}

#[test]
fn a_match_outside_the_bucket_is_left_out_at_all_thresholds() {
    // N̄ = 2. The first detection finds the long annotation at 0.5 (tIoU 30/40) and nothing at 0.9.
    let truth = [(0.0, 10.0, 1), (40.0, 80.0, 1)];
    let rows = [(40.0, 70.0, 1, 0.9), (0.0, 10.0, 1, 0.8)];
    let diagnosis = single(&truth, &rows, &[0.5, 0.9]);
    // At 0.9: miss, hit with P_N 1/(1 + 1): AP_N 1/4.
    assert_eq!(diagnosis.normalized_map.map, [1.0, 0.25]);
    let short = bucket(&diagnosis, Characteristic::Length, "XS");
    assert_eq!(short.normalized_map.as_ref().unwrap().map, [1.0, 1.0]);
    let long = bucket(&diagnosis, Characteristic::Length, "S");
    assert_eq!(long.normalized_map.as_ref().unwrap().map, [1.0, 0.0]);
    assert_eq!(long.num_missed, [0, 1]);
    assert_eq!(long.false_negative_rate, Some(0.5));
}

#[test]
fn duplicates_and_blocked_recordings_go_on_demand() {
    let truth = [
        recording(
            "a",
            None,
            &[(0.0, 10.0, 1), (0.0005, 10.0, 1), (3.0, 3.0, 1)],
        ),
        recording("b", None, &[(0.0, 10.0, 1)]),
    ];
    let detections = DetectionSet::from([
        found("a", &[(0.0, 10.0, 1, 0.9)]),
        found("b", &[(0.0, 10.0, 1, 0.9), (0.0, 10.0, 1, 0.8)]),
    ]);
    let mut config = at(&[0.5]);
    let kept = diagnose(&truth, &detections, &config).unwrap();
    assert_eq!(
        [kept.counts.num_ground_truth, kept.counts.num_detections],
        [3, 3]
    );
    assert_eq!(kept.num_missed, [1]);
    config.drop_duplicates = true;
    config.blocked = vec!["b".into()];
    let dropped = diagnose(&truth, &detections, &config).unwrap();
    let counts = dropped.counts;
    assert_eq!([counts.num_recordings, counts.num_ground_truth], [1, 1]);
    assert_eq!(
        [counts.num_removed_ground_truth, counts.num_detections],
        [2, 1]
    );
    assert_eq!(dropped.normalized_map.average_map, 1.0);
}

#[test]
fn unusable_options_are_refused() {
    let truth = recording("a", None, &[(0.0, 10.0, 1)]);
    let message = |change: &dyn Fn(&mut DiagnosisConfig)| {
        let mut config = DiagnosisConfig::default();
        change(&mut config);
        let error = diagnose([&truth], &DetectionSet::new(), &config).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        message(&|c| c.tiou_thresholds.clear()),
        "there is no tIoU threshold; give at least one"
    );
    for bad in [f64::NAN, 0.0, 1.1] {
        assert_eq!(
            message(&|c| c.tiou_thresholds[2] = bad),
            format!("tIoU threshold 2 is {bad}, must be above 0 and at most 1")
        );
    }
    assert_eq!(
        message(&|c| c.min_tiou = f64::NAN),
        "min_tiou is NaN, must be between 0 and 1"
    );
    assert_eq!(
        message(&|c| c.min_precision = -0.5),
        "min_precision is -0.5, must be between 0 and 1"
    );
    for bad in [0, usize::MAX] {
        assert_eq!(
            message(&|c| c.num_groups = bad),
            format!("num_groups is {bad}, must be between 1 and 1000")
        );
    }
    assert_eq!(
        message(&|c| c.buckets.coverage[0].max = Some(f64::NAN)),
        "bucket \"XS\" of coverage ends at NaN, must be a finite number above 0 (only the last bucket may be open)"
    );
}

#[test]
fn unusable_data_is_refused_by_name() {
    let good = recording("a", None, &[(0.0, 10.0, 1)]);
    let refuse = |truth: &[Recording], rows: &[(f64, f64, u32, f64)]| {
        let detections = DetectionSet::from([found("a", rows)]);
        diagnose(truth, &detections, &DiagnosisConfig::default()).unwrap_err()
    };
    assert_eq!(refuse(&[], &[]), EvaluationError::NoRecordings.into());
    assert_eq!(
        refuse(&[recording("a", None, &[(1.0, 1.0, 1)])], &[]),
        EvaluationError::NoGroundTruth { num_recordings: 1 }.into()
    );
    assert_eq!(
        refuse(&[good.clone(), good.clone()], &[]).to_string(),
        "recording \"a\" is twice in the ground truth; ids must be unique"
    );
    for duration in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        assert_eq!(
            refuse(&[recording("a", Some(duration), &[])], &[]).to_string(),
            format!(
                "recording \"a\" has the duration {duration} s, must be finite and above 0, or left out"
            )
        );
    }
    for (start, end) in [
        (2.0, 1.0),
        (f64::NAN, 1.0),
        (0.0, f64::INFINITY),
        (-1e308, 1e308),
    ] {
        let ends = "both ends and the length must be finite and start <= end";
        let bad = recording("a", None, &[(0.0, 1.0, 1), (start, end, 1)]);
        assert_eq!(
            refuse(&[bad], &[]).to_string(),
            format!("annotation 1 of recording \"a\" goes from {start} to {end}; {ends}")
        );
        assert_eq!(
            refuse(std::slice::from_ref(&good), &[(start, end, 1, 0.5)]).to_string(),
            format!("detection 0 of recording \"a\" goes from {start} to {end}; {ends}")
        );
    }
    assert_eq!(
        refuse(&[good], &[(0.0, 1.0, 9, f64::NAN)]).to_string(),
        "detection 0 of recording \"a\" has the score NaN, must be a number"
    );
}

#[test]
fn results_and_options_survive_json() {
    let rows = [(0.0, 10.0, 1, 0.9), (0.0, 10.0, 1, 0.8)];
    let diagnosis = single(&[(0.0, 10.0, 1), (20.0, 90.0, 2)], &rows, &[0.5, 0.75]);
    let json = serde_json::to_string(&diagnosis).unwrap();
    assert_eq!(serde_json::from_str::<Diagnosis>(&json).unwrap(), diagnosis);
    let config: DiagnosisConfig = serde_json::from_str(r#"{"num_groups": 3}"#).unwrap();
    assert_eq!(config.num_groups, 3);
    assert_eq!(
        config.tiou_thresholds,
        DiagnosisConfig::default().tiou_thresholds
    );
    assert_eq!(config.tiou_thresholds[9], 0.95);
    assert!(serde_json::from_str::<DiagnosisConfig>(r#"{"groups": 3}"#).is_err());
}
