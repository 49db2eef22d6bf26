//! Faults that are looked for if whole recordings have labels.

use serde_json::json;
use tal_corpus::audit::Code::*;
use tal_corpus::audit::Severity::*;

use super::corpus::Corpus;
use super::faults::{found, only};

/// Whole recordings have labels; only those to test on have segments.
fn weak() -> Corpus {
    let mut corpus = Corpus::new();
    corpus.set("preset=backtal_thumos14");
    for id in ["a", "b", "c", "d"] {
        let recording = corpus.database[id].as_object_mut().unwrap();
        recording.remove("annotations");
        recording.insert("labels".to_owned(), json!(["jump", "run", "fall"]));
    }
    corpus
}

#[test]
fn labels_of_recordings_are_what_backtal_trains_on() {
    assert_eq!(weak().check(false).findings, []);

    let mut corpus = weak();
    corpus.database["b"]["labels"] = json!([]);
    corpus.database["c"]["labels"] = json!(["jmup", "run", "fall"]);
    let audit = corpus.check(false);
    assert_eq!(
        found(&audit),
        [
            (Error, LabelUnknown, Some("c")),
            (Error, RecordingWithoutAnnotations, Some("b")),
        ]
    );
    assert_eq!(
        (&*audit.findings[0].found, &*audit.findings[0].expected),
        (
            "\"labels\" names the class \"jmup\"",
            "a class of the file, such as \"jump\""
        )
    );

    // Its actions begin and end at frames, also where features share out the duration.
    let mut corpus = weak();
    corpus.set("dataset.feat_stride=null");
    corpus.database["a"].as_object_mut().unwrap().remove("fps");
    assert_eq!(
        found(&corpus.check(false)),
        [(Error, FpsMissing, Some("a"))]
    );

    // Without the section there is nothing to train on.
    let mut corpus = weak();
    corpus.overrides.clear();
    assert_eq!(
        corpus.check(true).findings[0].code,
        SubsetWithoutAnnotations
    );
}

#[test]
fn a_dialect_that_refuses_untested_classes_is_told() {
    let mut corpus = Corpus::new();
    for id in ["t", "u"] {
        let annotations = corpus.database[id]["annotations"].as_array_mut();
        annotations.unwrap().retain(|one| one["label"] != "fall");
    }
    assert_eq!(only(&corpus.check(false)).severity, Note);
    corpus.set("evaluation.dialect=activitynet");
    let audit = corpus.check(false);
    assert_eq!(only(&audit).severity, Error);
    assert_eq!(
        only(&audit).found,
        "1 classes are not tested: \"fall\"; evaluation.dialect: activitynet refuses what is found of them"
    );
}
