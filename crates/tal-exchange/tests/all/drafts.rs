//! Detections as drafts.

use tal_core::{ClassMap, Detection, Segment};
use tal_exchange::ReadOptions;
use tal_exchange::drafts::{self, DraftOptions, DraftRecording};

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
    let project = drafts::project(&[recording], &classes, options);
    assert_eq!(project.classes, ["pour", "stir", "wait"]);
    let events = project.tracks[0].events.iter();
    events
        .map(|e| (e.class.clone(), e.start, e.end.unwrap(), e.score.unwrap()))
        .collect()
}

#[test]
fn options_cut_and_leave_out() {
    let event = |class: &str, start, end, score| (class.to_owned(), start, end, score);
    assert_eq!(events(&DraftOptions::default()).len(), 5);
    let options = DraftOptions {
        min_duration: 0.2,
        one_at_a_time: true,
        ..DraftOptions::default()
    };
    let expected = [
        event("pour", 0.0, 2.0, 0.9),
        event("stir", 2.0, 2.5, 0.6),
        event("pour", 2.5, 3.0, 0.4),
        event("wait", 7.0, 9.0, 0.05),
    ];
    assert_eq!(events(&options), expected);
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
        let read = tal_exchange::read(None, &[out], &ReadOptions::default()).unwrap();
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
    let project = drafts::project(&[recording], &ClassMap::default(), &options);
    assert_eq!(project.classes, ["proposal"]);
}
