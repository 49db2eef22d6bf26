//! Annotations written in every format and read again: equal within the format's resolution.

use proptest::prelude::*;
use tal_exchange::{Event, FORMATS, Format, Project, ReadOptions, Track, WriteOptions};

use super::plain;

const CLASSES: [&str; 8] = [
    "pour",
    "pour-2",
    "gießen & <b>",
    "日本 \"x\"",
    "a,b;c",
    "Ärger/Wut",
    "it's 100%",
    "pour@Ann",
];

/// What a format says about its times: milliseconds of the shortest state, and whether a point event stays one.
fn rules(format: &Format) -> (i64, bool) {
    match format.name {
        "elan" | "webvtt" | "srt" => (1, false),
        "textgrid" => (1, true),
        "via" => (0, true),
        _ => (0, false),
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let optional =
        |names: &'static [&'static str]| proptest::option::of(proptest::sample::select(names));
    let one = (
        proptest::sample::select(CLASSES.to_vec()),
        0..60_000i64,
        prop_oneof![Just(0i64), 1..5_000i64],
        any::<bool>(),
        proptest::option::of(0..=1000u32),
        optional(&["Ann", "rat 1", "Bö"]),
        optional(&["fast", "très vite"]),
        optional(&["see below", "\"quoted\" <i>"]),
    );
    let event = one.prop_map(
        |(class, start, length, is_point, score, subject, modifier, comment)| {
            let start = start as f64 / 1e3;
            Event {
                class: class.to_owned(),
                start,
                end: (!is_point).then_some((start * 1e3 + length as f64).round() / 1e3),
                score: score.map(|score| f64::from(score) / 1e3),
                subject: subject.map(str::to_owned),
                modifiers: modifier.into_iter().map(str::to_owned).collect(),
                comment: comment.map(str::to_owned),
                annotator: None,
            }
        },
    );
    proptest::collection::vec(event, 0..40)
}

/// Class; start, end and score; subject and comment; modifiers and whether it is a point.
type Key = (String, [i64; 3], [Option<String>; 2], Vec<String>);

/// What has to be equal, as far as the format carries it.
fn key(event: &Event, format: &Format) -> Key {
    let (least, keeps_points) = rules(format);
    let carries = format.carries;
    let milliseconds = |seconds: f64| (seconds * 1e3).round() as i64;
    let start = milliseconds(event.start);
    let end = milliseconds(event.end_or_start()).max(start + least);
    let score = event.score.filter(|_| carries.scores);
    let is_point = keeps_points && event.end.is_none();
    (
        event.class.clone(),
        [
            start,
            end,
            score.map_or(-1, |score| (score * 1e4).round() as i64),
        ],
        [
            event.subject.clone().filter(|_| carries.subjects),
            event.comment.clone().filter(|_| carries.comments),
        ],
        match carries.modifiers {
            true => event
                .modifiers
                .iter()
                .cloned()
                .chain([is_point.to_string()])
                .collect(),
            false => vec![is_point.to_string()],
        },
    )
}

/// Writes and reads again, recognising the format by content.
fn again(format: &Format, project: &Project, options: &WriteOptions) -> Project {
    let files = tal_exchange::files(format, project, options).unwrap();
    let files: Vec<_> = (files.into_iter())
        .map(|file| (file.name.into(), file.content))
        .collect();
    let options = ReadOptions {
        fps: options.fps,
        ..ReadOptions::default()
    };
    tal_exchange::parse(Some(format), &files, &options)
        .unwrap_or_else(|error| panic!("{}: {error}", format.name))
}

fn check(project: &Project) -> Result<(), TestCaseError> {
    for format in ours() {
        let read = again(format, project, &plain());
        prop_assert_eq!(read.tracks.len(), project.tracks.len(), "{}", format.name);
        for (before, after) in project.tracks.iter().zip(&read.tracks) {
            prop_assert_eq!(&before.id, &after.id, "{}", format.name);
            if format.carries.durations && before.duration.is_some() {
                prop_assert_eq!(before.duration, after.duration, "{}", format.name);
            }
            if format.carries.frame_rates {
                prop_assert_eq!(before.fps, after.fps, "{}", format.name);
            }
            let keys = |track: &Track| {
                let mut keys: Vec<_> = track
                    .events
                    .iter()
                    .map(|event| key(event, format))
                    .collect();
                keys.sort();
                keys
            };
            prop_assert_eq!(keys(before), keys(after), "{}", format.name);
        }
    }
    Ok(())
}

/// Formats whose times are seconds; those that count frames have tests of their own.
fn ours() -> impl Iterator<Item = &'static Format> {
    const NAMES: [&str; 8] = [
        "boris", "elan", "via", "v-trace", "textgrid", "webvtt", "srt", "audacity",
    ];
    FORMATS
        .iter()
        .copied()
        .filter(|format| NAMES.contains(&format.name))
}

proptest! {
    #[test]
    fn annotations_come_back(first in events(), second in events()) {
        let track = |id: &str, events, fps| Track {
            id: id.to_owned(),
            duration: Some(100.5),
            fps,
            events,
            ..Track::default()
        };
        check(&Project::new(vec![track("a", first, Some(25.0)), track("Füße 2.x", second, None)]))?;
    }

    #[test]
    fn files_that_end_early_never_panic(events in events(), at in 0.0..1.0f64) {
        let project = Project::new(vec![Track { id: "a".into(), events, ..Track::default() }]);
        for format in ours() {
            for file in tal_exchange::files(format, &project, &plain()).unwrap() {
                let end = (file.content.len() as f64 * at) as usize;
                let files = [(file.name.into(), file.content[..end].to_vec())];
                let _ = tal_exchange::parse(Some(format), &files, &ReadOptions::default());
                let _ = tal_exchange::parse(None, &files, &ReadOptions::default());
            }
        }
    }
}

#[test]
fn small_files_may_end_at_every_byte() {
    let events = vec![
        Event {
            score: Some(0.5),
            subject: Some("Bö".into()),
            ..Event::new("pour é", 0.5, 2.0)
        },
        Event::new("pour é", 1.0, 3.0),
        Event::point("bell", 4.0),
    ];
    let project = Project::new(vec![Track {
        id: "a".into(),
        events,
        ..Track::default()
    }]);
    for format in ours() {
        let file = tal_exchange::files(format, &project, &plain())
            .unwrap()
            .remove(0);
        for end in 0..file.content.len() {
            let files = [(file.name.clone().into(), file.content[..end].to_vec())];
            let _ = tal_exchange::parse(Some(format), &files, &ReadOptions::default());
        }
    }
}

#[test]
fn many_events_and_none_come_back() {
    let event = |number: u32| {
        let start = f64::from(number % 5000) * 0.4;
        Event::new(
            CLASSES[number as usize % 3],
            start,
            start + 0.25 + f64::from(number % 7) * 0.1,
        )
    };
    for num in [0, 10_000] {
        let events = (0..num).map(event).collect();
        let track = Track {
            id: "a".into(),
            events,
            duration: Some(3000.0),
            ..Track::default()
        };
        check(&Project::new(vec![track])).unwrap();
    }
}

#[test]
fn classes_without_events_stay_where_the_format_lists_classes() {
    let classes = vec!["pour".to_owned(), "stir".to_owned()];
    let track = Track {
        id: "a".into(),
        events: vec![Event::new("stir", 1.0, 2.0)],
        ..Track::default()
    };
    let project = Project::with_classes(classes.clone(), vec![track]);
    for name in ["boris", "via"] {
        assert_eq!(
            again(Format::of_name(name).unwrap(), &project, &plain()).classes,
            classes
        );
    }
}
