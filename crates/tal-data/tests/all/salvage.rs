//! Usable annotations of broken files.

use serde_json::{Value, json};
use tal_data::AnnotationError;
use tal_data::annotations::{Salvage, salvage};

fn salvaged(database: Value, num_classes: usize) -> Salvage {
    text(&json!({ "database": database }).to_string(), num_classes)
}

fn text(text: &str, num_classes: usize) -> Salvage {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    std::fs::write(&path, text).unwrap();
    salvage(&path, Some(num_classes)).unwrap()
}

fn action(start: f64, end: f64, label: &str, id: u32) -> Value {
    json!({"segment": [start, end], "label": label, "label_id": id})
}

#[test]
fn everything_wrong_is_named_and_the_rest_is_read() {
    let salvage = salvaged(
        json!({
            "a": {"subset": "training", "annotations": [
                action(0.0, 1.0, "run", 0), action(3.0, 2.0, "run", 0), action(1.0, 2.0, "jump", 7),
                {"segment": "x", "label": "run"}, action(4.0, 5.0, "jump", 1)]},
            "b": {"annotations": [action(0.0, 1.0, "run", 0)]},
            "c": {"subset": "test", "fps": -1, "annotations": []},
            "d": {"subset": "test", "annotations": {}},
            "e": 5,
            "f": {"subset": "test"},
        }),
        2,
    );
    let places: Vec<String> = salvage
        .errors
        .into_iter()
        .map(|error| {
            let place = error.place().unwrap();
            format!("{} {:?}", place.recording, place.annotation)
        })
        .collect();
    assert_eq!(
        places,
        [
            "a Some(1)",
            "a Some(2)",
            "a Some(3)",
            "b None",
            "c None",
            "d None",
            "e None"
        ]
    );
    let left = salvage.truth.recordings;
    let left: Vec<_> = left
        .iter()
        .map(|r| (r.id.as_str(), r.instances.len()))
        .collect();
    assert_eq!(left, [("a", 2), ("f", 0)]);
}

#[test]
fn conflicting_labels_are_told_once() {
    let salvage = salvaged(
        json!({
            "a": {"subset": "s", "annotations": [action(0.0, 1.0, "run", 0), action(0.0, 1.0, "fall", 0)]},
            "b": {"subset": "s", "annotations": [action(0.0, 1.0, "fall", 0), action(2.0, 3.0, "run", 1)]},
            "c": {"subset": "s", "annotations": [
                {"segment": [0, 1], "label": "run"}, {"segment": [0, 1], "label": "jump"}]},
        }),
        2,
    );
    let errors: Vec<String> = salvage.errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors[0].contains("recording \"a\", annotation 1: class id 0 has two names"));
    assert!(
        errors[1].contains("recording \"b\", annotation 1: class \"run\" has two ids, 0 and 1")
    );
    assert!(errors[2].contains("recording \"c\", annotation 1: label \"jump\" has no label_id"));
    let counts: Vec<_> = salvage
        .truth
        .recordings
        .iter()
        .map(|r| r.instances.len())
        .collect();
    assert_eq!(counts, [1, 0, 1]);
}

#[test]
fn repeated_recordings_tell_their_subsets() {
    let salvage = text(
        r#"{"database": {"a": {"subset": "training"}, "a": {"subset": "test"}, "b": {"subset": "test"}}}"#,
        2,
    );
    assert_eq!(salvage.truth.recordings.len(), 2);
    assert_eq!(salvage.repeated["a"], ["training", "test"]);
    assert_eq!(salvage.repeated.len(), 1);
    assert!(matches!(
        salvage.errors[..],
        [AnnotationError::RepeatedRecording { .. }]
    ));
}

#[test]
fn too_many_labels_and_meaningless_ids_leave_names() {
    let names = ["a", "b", "c"].map(|label| json!({"segment": [0, 1], "label": label}));
    let salvage = salvaged(json!({"r": {"subset": "s", "annotations": names}}), 2);
    assert!(matches!(
        salvage.errors[..],
        [AnnotationError::TooManyLabels { found: 3, .. }]
    ));
    assert_eq!(salvage.truth.classes.len(), 3);
    let ids: Vec<Value> = (0..300).map(|id| action(0.0, 1.0, "run", id)).collect();
    let salvage = salvaged(json!({"r": {"subset": "s", "annotations": ids}}), 1000);
    assert_eq!(salvage.errors.len(), 100);
    assert_eq!(salvage.truth.classes.len(), 1);
}
