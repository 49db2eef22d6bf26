//! Options of the diagnosis: counts, and the order of equal values.

use approx::assert_relative_eq;
use tal_core::DetectionSet;
use tal_postprocess::{Characteristic, CountedInstances, DiagnosisConfig, DiagnosisTies, diagnose};

use crate::diagnosis::at;
use crate::support::{found, recording};

#[test]
fn instances_are_those_of_the_recording_or_of_the_class() {
    // Three classes with 1, 2 and 3 annotations in one recording, and one alone in another.
    let truth = [
        recording(
            "a",
            None,
            &[
                (0.0, 1.0, 0),
                (1.0, 2.0, 1),
                (3.0, 4.0, 1),
                (5.0, 6.0, 2),
                (7.0, 8.0, 2),
                (9.0, 9.5, 2),
            ],
        ),
        recording("b", None, &[(0.0, 1.0, 2)]),
    ];
    let sizes = |counted_instances| {
        let config = DiagnosisConfig {
            counted_instances,
            ..at(&[0.5])
        };
        let diagnosis = diagnose(&truth, &DetectionSet::new(), &config).unwrap();
        let by = diagnosis.by(Characteristic::NumInstances).unwrap();
        by.buckets
            .iter()
            .map(|b| b.num_instances)
            .collect::<Vec<_>>()
    };
    // Up to 1, 4 and 8, and more.
    assert_eq!(sizes(CountedInstances::Recording), [1, 0, 6, 0]);
    assert_eq!(sizes(CountedInstances::Class), [2, 5, 0, 0]);
    assert_eq!(
        DiagnosisConfig::default().counted_instances,
        CountedInstances::Recording
    );
}

#[test]
fn ties_follow_our_rules_or_those_of_detad() {
    let diagnosed = |ties, instances: &[(f64, f64, u32)], rows: &[(f64, f64, u32, f64)]| {
        let config = DiagnosisConfig { ties, ..at(&[0.9]) };
        let truth = recording("a", Some(100.0), instances);
        diagnose([&truth], &DetectionSet::from([found("a", rows)]), &config).unwrap()
    };
    // The detection of class 1 overlaps an annotation of class 0 as much as one of its own.
    let of = |ties| {
        let instances = [(0.0, 10.0, 0), (10.0, 20.0, 1)];
        diagnosed(ties, &instances, &[(5.0, 15.0, 1, 0.5)])
            .profile
            .thresholds[0]
            .total
    };
    assert_eq!(
        (
            of(DiagnosisTies::Clean).localization,
            of(DiagnosisTies::Clean).confusion
        ),
        (1, 0)
    );
    assert_eq!(
        (
            of(DiagnosisTies::Detad).localization,
            of(DiagnosisTies::Detad).confusion
        ),
        (0, 1)
    );
    // Of equal scores the earlier comes first, or the later.
    let map = |ties| {
        let rows = [(0.0, 10.0, 0, 0.5), (50.0, 60.0, 0, 0.5)];
        diagnosed(ties, &[(0.0, 10.0, 0)], &rows)
            .normalized_map
            .average_map
    };
    assert_relative_eq!(map(DiagnosisTies::Clean), 1.0);
    assert_relative_eq!(map(DiagnosisTies::Detad), 0.5);
}
