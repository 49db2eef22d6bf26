//! Detections as drafts.

use std::collections::BTreeMap;

use tal_core::{ClassMap, Detection, Segment};
use tal_corpus::drafts::{self, DraftOptions, DraftRecording, Thresholds};
use tal_corpus::exchange::{self, ReadOptions};

use super::{format, plain};

fn detections() -> Vec<Detection> {
    [
        (0.0, 2.0, 0, 0.9),
        (2.2, 3.0, 0, 0.4),
        (1.0, 2.5, 1, 0.6),
        (5.0, 5.1, 1, 0.8),
        (7.0, 9.0, 2, 0.05),
    ]
    .map(|(start, end, label, score)| Detection {
        segment: Segment::new(start, end),
        label,
        score,
    })
    .to_vec()
}

fn events(options: &DraftOptions) -> Vec<(String, f64, f64, f64)> {
    let classes = ClassMap::from_names(["pour", "stir", "wait"]).unwrap();
    let found = detections();
    let recording = DraftRecording {
        id: "a",
        duration: Some(10.0),
        fps: Some(25.0),
        media: None,
        detections: &found,
    };
    let project = drafts::project(&[recording], &classes, options).unwrap();
    assert_eq!(project.classes, ["pour", "stir", "wait"]);
    let events = project.tracks[0].events.iter();
    events
        .map(|e| (e.class.clone(), e.start, e.end.unwrap(), e.score.unwrap()))
        .collect()
}

#[test]
fn options_choose_join_cut_and_leave_out() {
    let event = |class: &str, start, end, score| (class.to_owned(), start, end, score);
    let pour = event("pour", 0.0, 2.0, 0.9);
    assert_eq!(events(&DraftOptions::default()).len(), 5);
    let thresholds = BTreeMap::from([("stir".to_owned(), 0.7), ("default".to_owned(), 0.5)]);
    let options = DraftOptions {
        min_score: Some(0.0),
        thresholds: Thresholds::new(thresholds),
        ..DraftOptions::default()
    };
    assert_eq!(
        events(&options),
        [pour.clone(), event("stir", 5.0, 5.1, 0.8)]
    );
    let options = DraftOptions {
        min_score: Some(0.3),
        min_gap: 0.5,
        min_duration: 0.2,
        ..DraftOptions::default()
    };
    assert_eq!(
        events(&options),
        [event("pour", 0.0, 3.0, 0.9), event("stir", 1.0, 2.5, 0.6)]
    );
    let options = DraftOptions {
        min_score: Some(0.3),
        one_at_a_time: true,
        ..DraftOptions::default()
    };
    let expected = [
        pour,
        event("stir", 2.0, 2.5, 0.6),
        event("pour", 2.5, 3.0, 0.4),
        event("stir", 5.0, 5.1, 0.8),
    ];
    assert_eq!(events(&options), expected);
}

#[test]
fn thresholds_are_read_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.yaml");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Thresholds::read(&path)
    };
    for text in [
        "pour: 0.4\ndefault: 0.3\n",
        "{\"pour\": 0.4, \"default\": 0.3}",
    ] {
        let thresholds = read(text).unwrap();
        assert_eq!(
            (thresholds.of("pour"), thresholds.of("stir")),
            (Some(0.4), Some(0.3))
        );
    }
    for text in ["[1]", "pour: high", "pour: .nan"] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains("t.yaml"), "{error}");
    }
    let unknown = Thresholds::new(BTreeMap::from([("stri".to_owned(), 0.5)]));
    let options = DraftOptions {
        thresholds: unknown,
        ..DraftOptions::default()
    };
    let classes = ClassMap::from_names(["stir"]).unwrap();
    let error = drafts::project(&[], &classes, &options)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "--thresholds \"stri\" does not occur; the files have \"stir\""
    );
}

#[test]
fn drafts_are_files_that_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let classes = ClassMap::from_names(["pour", "stir", "wait"]).unwrap();
    let found = detections();
    let recording = |id| DraftRecording {
        id,
        duration: Some(10.0),
        fps: None,
        media: Some(format!("/films/{id}.avi")),
        detections: &found,
    };
    let options = DraftOptions {
        write: plain(),
        ..DraftOptions::default()
    };
    let recordings = [recording("a"), recording("b")];
    for (name, num_files) in [("elan", 2), ("boris", 1), ("audacity", 2)] {
        let out = folder.path().join(name);
        let written = drafts::write(format(name), &recordings, &classes, &out, &options).unwrap();
        assert_eq!((written.paths.len(), written.num_events), (num_files, 10));
        let losses = (name == "audacity")
            .then(|| "10 scores cannot be written to Audacity labels".to_owned());
        assert_eq!(written.losses, losses);
        let read = exchange::read(None, &[out], &ReadOptions::default()).unwrap();
        assert_eq!(read.events().count(), 10);
    }
    let proposal = Detection {
        label: Detection::NO_CLASS,
        ..found[0]
    };
    let recording = DraftRecording {
        detections: &[proposal],
        ..recording("a")
    };
    let project = drafts::project(&[recording], &ClassMap::default(), &options).unwrap();
    assert_eq!(project.classes, ["proposal"]);
}
