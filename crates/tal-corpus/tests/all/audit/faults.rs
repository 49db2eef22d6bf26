//! Faults planted one by one into a data set that has none.

use serde_json::json;
use tal_corpus::audit::{Audit, Code, Finding, Severity};

use super::corpus::{Corpus, DURATION, LEN, check};

use Code::*;
use Severity::*;

/// A name, how the fault gets in, and everything that must be found.
type Fault = (
    &'static str,
    fn(&mut Corpus),
    &'static [(Severity, Code, Option<&'static str>)],
);

const ANNOTATION_FAULTS: &[Fault] = &[
    (
        "not JSON",
        |c| c.text = Some("{\"database\": {".into()),
        &[(Error, AnnotationsUnreadable, None)],
    ),
    (
        "an annotation without label",
        |c| {
            drop(
                c.annotation("b", 1)
                    .as_object_mut()
                    .unwrap()
                    .remove("label"),
            )
        },
        &[(Error, AnnotationInvalid, Some("b"))],
    ),
    (
        "a label id that is no class",
        |c| c.annotation("c", 0)["label_id"] = json!(3),
        &[(Error, LabelOutOfRange, Some("c"))],
    ),
    (
        "two names for one id",
        |c| c.annotation("c", 0)["label"] = json!("walk"),
        &[(Error, LabelConflict, Some("c"))],
    ),
    (
        "a label without id",
        |c| {
            c.annotation("d", 2)
                .clone_from(&json!({"segment": [12.0, 13.0], "label": "walk"}))
        },
        &[(Error, LabelWithoutId, Some("d"))],
    ),
    (
        "a segment turned around",
        |c| c.annotation("t", 0)["segment"] = json!([4.0, 2.0]),
        &[(Error, SegmentReversed, Some("t"))],
    ),
    (
        "a segment without length",
        |c| c.annotation("a", 2)["segment"] = json!([12.0, 12.0]),
        &[(Warning, SegmentEmpty, Some("a"))],
    ),
    (
        "a segment behind the end",
        |c| c.annotation("u", 2)["segment"] = json!([21.0, 23.0]),
        &[(Error, SegmentOutside, Some("u"))],
    ),
    (
        "a segment across the end",
        |c| c.annotation("u", 2)["segment"] = json!([18.0, 23.0]),
        &[(Warning, SegmentOutside, Some("u"))],
    ),
    (
        "a segment twice",
        |c| c.add("b", 6.0, 9.0, "jump", 1),
        &[(Warning, SegmentDuplicate, Some("b"))],
    ),
    (
        "two segments for one action",
        |c| c.add("b", 6.5, 9.2, "jump", 1),
        &[(Warning, SegmentOverlap, Some("b"))],
    ),
    (
        "a recording in training and test",
        |c| {
            let text = json!({"database": c.database}).to_string();
            c.text = Some(text.replace("\"t\":{", "\"a\":{"));
            c.features.remove("t");
        },
        &[(Error, SplitOverlap, Some("a"))],
    ),
    (
        "a recording twice in one subset",
        |c| {
            let text = json!({"database": c.database}).to_string();
            c.text = Some(text.replace("\"u\":{", "\"t\":{"));
            c.features.remove("u");
        },
        &[(Error, RecordingRepeated, Some("t"))],
    ),
    (
        "a recording without annotations",
        |c| c.database["c"]["annotations"] = json!([]),
        &[(Warning, RecordingWithoutAnnotations, Some("c"))],
    ),
    (
        "no frame rate",
        |c| drop(c.database["d"].as_object_mut().unwrap().remove("fps")),
        &[(Error, FpsMissing, Some("d"))],
    ),
    (
        "no duration",
        |c| drop(c.database["d"].as_object_mut().unwrap().remove("duration")),
        &[(Warning, DurationMissing, Some("d"))],
    ),
    (
        "a class that is only tested",
        |c| {
            for id in ["a", "b", "c", "d"] {
                c.annotation(id, 2)["label"] = json!("run");
                c.annotation(id, 2)["label_id"] = json!(0);
            }
        },
        &[(Warning, ClassOnlyInTest, Some("t"))],
    ),
    (
        "an action shorter than a feature",
        |c| c.annotation("a", 2)["segment"] = json!([12.0, 12.1]),
        &[(Warning, ActionTooShort, Some("a"))],
    ),
    (
        "another spelling of a subset",
        |c| c.database["b"]["subset"] = json!("Training"),
        &[(Note, SubsetCase, None)],
    ),
    (
        "a subset that is not used",
        |c| c.database["b"]["subset"] = json!("validation"),
        &[(Note, SubsetUnused, None)],
    ),
];

const CONFIG_FAULTS: &[Fault] = &[
    (
        "too many labels",
        |c| {
            for (id, recording) in &mut c.database {
                for annotation in recording["annotations"].as_array_mut().unwrap() {
                    annotation.as_object_mut().unwrap().remove("label_id");
                    if id == "c" && annotation["label"] == "run" {
                        annotation["label"] = json!("walk");
                    }
                }
            }
        },
        &[
            (Error, TooManyLabels, None),
            (Note, ClassWithoutExamples, None),
        ],
    ),
    (
        "a subset that does not exist",
        |c| c.set("dataset.test_subsets=[validation]"),
        &[(Error, SubsetEmpty, None), (Note, SubsetUnused, None)],
    ),
    (
        "a test without answers",
        |c| {
            for id in ["t", "u"] {
                c.database[id]["annotations"] = json!([]);
            }
        },
        &[(Error, SubsetWithoutAnnotations, None)],
    ),
    (
        "a subset for training and test",
        |c| c.set("dataset.test_subsets=[test, Training]"),
        &[(Error, SplitOverlap, None)],
    ),
    (
        "a class without examples",
        |c| c.set("dataset.num_classes=4"),
        &[(Warning, ClassWithoutExamples, None)],
    ),
    (
        "a recording longer than max_seq_len",
        |c| {
            c.set("dataset.max_seq_len=160");
            c.database["b"]["duration"] = json!(30.0);
            c.features.insert(
                "b".into(),
                ((0..222 * 4).map(|i| i as f32).collect(), vec![222, 4]),
            );
        },
        &[(Note, RecordingTooLong, Some("b"))],
    ),
    (
        "an action longer than all ranges",
        |c| {
            c.set(
                "decoder.regression_range=[[0, 4], [4, 8], [8, 16], [16, 32], [32, 40], [40, 50]]",
            );
            c.annotation("d", 1)["segment"] = json!([1.0, 19.0]);
        },
        &[(Warning, ActionTooLong, Some("d"))],
    ),
    (
        "an action between two ranges",
        |c| {
            c.set("decoder.regression_range=[[0, 4], [4, 8], [8, 16], [40, 60], [60, 90], [90, 10000]]");
            c.annotation("d", 1)["segment"] = json!([6.0, 12.0]);
        },
        &[(Warning, ActionWithoutLevel, Some("d"))],
    ),
    (
        "a grid of another raw signal",
        |c| {
            c.set("dataset.features.format={type: inertial, window: 1, stride: 1}");
            c.set("dataset.num_frames=1");
        },
        &[(Error, GridMismatch, None)],
    ),
    (
        "a frame rate that is half",
        |c| c.set("dataset.fps=15"),
        &[(Error, FeatureRate, None)],
    ),
    (
        "a folder that does not exist",
        |c| c.set("dataset.features.dir=elsewhere"),
        &[(Error, FeatureDirMissing, None)],
    ),
];

const FEATURE_FAULTS: &[Fault] = &[
    (
        "no features",
        |c| drop(c.features.remove("c")),
        &[(Error, FeatureMissing, Some("c"))],
    ),
    (
        "a file that is something else",
        |c| {
            c.features.remove("c");
            let path = c.folder.path().join("features");
            std::fs::create_dir_all(&path).unwrap();
            std::fs::write(path.join("c.npy"), "nothing").unwrap();
        },
        &[(Error, FeatureUnreadable, Some("c"))],
    ),
    (
        "three dimensions",
        |c| c.features.get_mut("t").unwrap().1.insert(1, 1),
        &[(Error, FeatureShape, Some("t"))],
    ),
    (
        "another number of channels",
        |c| c.features.get_mut("t").unwrap().1.reverse(),
        &[(Error, FeatureChannels, Some("t"))],
    ),
    (
        "a value that is no number",
        |c| c.features.get_mut("b").unwrap().0[77] = f32::NAN,
        &[(Error, FeatureNotFinite, Some("b"))],
    ),
    (
        "zeros",
        |c| c.features.get_mut("b").unwrap().0.fill(0.0),
        &[(Warning, FeatureConstant, Some("b"))],
    ),
    (
        "half of the features",
        |c| {
            let (values, shape) = c.features.get_mut("b").unwrap();
            values.truncate(LEN / 2 * 4);
            shape[0] = LEN / 2;
        },
        &[(Error, FeatureLength, Some("b"))],
    ),
    (
        "the features of another recording",
        |c| {
            let of_a = c.features["a"].clone();
            c.features.insert("u".into(), of_a);
        },
        &[(Error, FeatureRepeated, Some("u"))],
    ),
    (
        "features of no recording",
        |c| drop(c.features.insert("x".into(), (vec![0.0; 8], vec![2, 4]))),
        &[(Note, FeatureOrphan, Some("x"))],
    ),
];

fn plant(fault: &Fault) -> Audit {
    let mut corpus = Corpus::new();
    fault.1(&mut corpus);
    corpus.check(false)
}

pub(crate) fn found(audit: &Audit) -> Vec<(Severity, Code, Option<&str>)> {
    let findings = audit.findings.iter();
    findings
        .map(|one| (one.severity, one.code, one.recording.as_deref()))
        .collect()
}

#[test]
fn every_planted_fault_is_found_and_nothing_else() {
    let faults = [ANNOTATION_FAULTS, CONFIG_FAULTS, FEATURE_FAULTS].concat();
    assert!(faults.len() >= 20);
    for fault in &faults {
        let audit = plant(fault);
        let mut expected = fault.2.to_vec();
        expected.sort();
        assert_eq!(
            found(&audit),
            expected,
            "{}: {:#?}",
            fault.0,
            audit.findings
        );
        for finding in &audit.findings {
            assert!(
                !finding.found.is_empty() && !finding.expected.is_empty(),
                "{finding:?}"
            );
        }
        let num_errors = expected.iter().filter(|one| one.0 == Error).count();
        assert_eq!(audit.num_errors, num_errors, "{}", fault.0);
        assert!(audit.complete && !audit.quick);
    }
}

#[test]
fn a_right_data_set_has_no_findings() {
    let audit = Corpus::new().check(false);
    assert_eq!(audit.findings, []);
    let counts: Vec<_> = audit
        .subsets
        .iter()
        .map(|s| {
            (
                s.name.as_str(),
                s.role,
                s.num_recordings,
                s.num_annotations,
                s.num_features_read,
            )
        })
        .collect();
    assert_eq!(
        counts,
        [
            ("training", "training", 4, 12, 4),
            ("test", "test", 2, 6, 2)
        ]
    );
    assert_eq!(DURATION * 30.0, 16.0 + 4.0 * LEN as f64 - 4.0);
}

#[test]
fn quick_looks_for_files_without_reading_them() {
    for fault in FEATURE_FAULTS {
        let mut corpus = Corpus::new();
        fault.1(&mut corpus);
        let audit = corpus.check(true);
        let seen = found(&audit);
        match fault.2[0].1 {
            FeatureMissing | FeatureOrphan => assert_eq!(seen, fault.2, "{}", fault.0),
            _ => assert_eq!(seen, [], "{}", fault.0),
        }
        assert!(audit.quick && audit.subsets.iter().all(|one| one.num_features_read == 0));
    }
}

pub(crate) fn only(audit: &Audit) -> &Finding {
    assert_eq!(audit.findings.len(), 1, "{:#?}", audit.findings);
    &audit.findings[0]
}

#[test]
fn findings_say_what_is_likely_wrong() {
    let mut corpus = Corpus::new();
    corpus.set("dataset.fps=60");
    let audit = corpus.check(false);
    let rate = &audit.findings[0];
    assert_eq!(
        rate.found,
        "6 of 6 recordings have 0.500 times as many features as expected"
    );
    assert_eq!(rate.expected, "feat_stride is likely 8, or fps 30");

    let mut corpus = Corpus::new();
    corpus.set("dataset.features.prefix=v_");
    let audit = corpus.check(true);
    assert_eq!(audit.num_errors, 6);
    assert!(
        audit.findings[0]
            .expected
            .contains("there is \"a.npy\": check features.prefix")
    );

    let mut corpus = Corpus::new();
    for recording in corpus.database.values_mut() {
        for annotation in recording["annotations"].as_array_mut().unwrap() {
            annotation["label_id"] = json!(annotation["label_id"].as_u64().unwrap() + 1);
        }
    }
    let audit = corpus.check(true);
    let out = audit
        .findings
        .iter()
        .find(|one| one.code == LabelOutOfRange)
        .unwrap();
    assert_eq!(out.expected, "ids from 0; here they seem to start at 1");

    let mut corpus = Corpus::new();
    corpus.add("a", 2.0, 4.0, "run", 0);
    corpus.add("a", 6.0, 9.0, "jump", 1);
    corpus.set("dataset.remove_duplicates=true");
    let audit = corpus.check(true);
    assert_eq!(only(&audit).severity, Note);
    assert_eq!(
        only(&audit).found,
        "2 annotations are repetitions, first \"run\" at [2, 4]"
    );
}

#[test]
fn all_faults_at_once_are_told_together() {
    let mut corpus = Corpus::new();
    corpus.annotation("a", 0)["segment"] = json!([4.0, 2.0]);
    corpus.annotation("a", 1)["segment"] = json!([9.0, 2.0]);
    corpus.annotation("b", 1)["label_id"] = json!(50);
    corpus.features.remove("c");
    corpus.features.get_mut("d").unwrap().0[0] = f32::INFINITY;
    let audit = corpus.check(false);
    assert_eq!(
        found(&audit),
        [
            (Error, LabelOutOfRange, Some("b")),
            (Error, SegmentReversed, Some("a")),
            (Error, FeatureMissing, Some("c")),
            (Error, FeatureNotFinite, Some("d")),
        ]
    );
    assert_eq!(audit.findings[1].count, 2);
}

#[test]
fn features_of_fixed_length_share_out_the_duration() {
    let mut corpus = Corpus::new();
    corpus.set("dataset.feat_stride=null");
    assert_eq!(corpus.check(false).findings, []);
    corpus.database["a"]
        .as_object_mut()
        .unwrap()
        .remove("duration");
    let audit = corpus.check(false);
    assert_eq!(only(&audit).code, DurationMissing);
    assert_eq!(only(&audit).severity, Error);
}

#[test]
fn work_that_is_ended_early_tells_so() {
    let config = Corpus::new();
    let config = (config.config(), config);
    let stop = std::sync::atomic::AtomicBool::new(true);
    let watch = tal_corpus::audit::Watch {
        progress: &|_, _| panic!("nothing is done"),
        stop: &stop,
    };
    let audit = tal_corpus::audit::check(&config.0, false, &watch);
    assert!(!audit.complete);
    assert!(check(&config.0, false).complete);
}
