//! Formats of labelling services, sounds, sports and frames: round trips, their own rules, bad input.

use std::path::PathBuf;

use proptest::prelude::*;
use tal_exchange::{
    Event, Format, JsonLines, LabelStudioResults, LabelStudioTemplate, Project, ReadOptions, Track,
    WriteOptions,
};

const FPS: f64 = 25.0;

pub(super) fn format(name: &str) -> &'static Format {
    Format::of_name(name).unwrap()
}

pub(super) fn read_with(
    name: &str,
    file: &str,
    text: &[u8],
    options: &ReadOptions,
) -> Result<Project, tal_exchange::ExchangeError> {
    let files = [(PathBuf::from(file), text.to_vec())];
    tal_exchange::parse(Some(format(name)), &files, options)
}

pub(super) fn with_fps() -> ReadOptions {
    ReadOptions {
        fps: Some(FPS),
        ..ReadOptions::default()
    }
}

pub(super) fn read(name: &str, file: &str, text: &str) -> Project {
    read_with(name, file, text.as_bytes(), &with_fps()).unwrap()
}

pub(super) fn written(name: &str, project: &Project, options: &WriteOptions) -> Vec<u8> {
    let mut files = tal_exchange::files(format(name), project, options).unwrap();
    files.remove(0).content
}

pub(super) fn to_write() -> WriteOptions {
    WriteOptions {
        fps: Some(FPS),
        date: "2026-11-30T12:00:00".into(),
        ..WriteOptions::default()
    }
}

pub(super) fn track(id: &str, events: Vec<Event>) -> Track {
    Track {
        id: id.into(),
        events,
        ..Track::default()
    }
}

/// An event in steps of a format: class, start, length, whether it has a score.
type Steps = (usize, u32, u32, bool);

const CLASSES: [&str; 5] = ["pour", "stir the pot", "größer ü", "a,b\t\"c\"", "切る 🍳"];

fn cases(longest: u32) -> impl Strategy<Value = Vec<Vec<Steps>>> {
    let event = (0..CLASSES.len(), 0..90_000u32, 0..=longest, any::<bool>());
    prop::collection::vec(prop::collection::vec(event, 0..12), 0..4)
}

/// Recordings with events of whole steps; an event without length is a point.
fn project(cases: &[Vec<Steps>], per_second: f64) -> Project {
    let tracks = (0..).zip(cases).map(|(number, events): (usize, _)| {
        let event = |(class, start, length, has_score): &Steps| {
            let [start, end] = [*start, start + length].map(|step| f64::from(step) / per_second);
            let class = CLASSES[*class].replace('\t', " ");
            Event {
                score: has_score.then_some(0.25 + f64::from(*length % 64) / 100.0),
                ..match *length {
                    0 => Event::point(class, start),
                    _ => Event::new(class, start, end),
                }
            }
        };
        track(
            &format!("day {number}/ü{number}"),
            events.iter().map(event).collect(),
        )
    });
    Project::new(tracks.collect())
}

/// Events of a recording by class, without what a format does not carry.
fn plain(track: &Track, keeps_scores: bool) -> Vec<Event> {
    let mut events: Vec<Event> = (track.events.iter())
        .map(|event| Event {
            class: event.class.clone(),
            start: event.start,
            end: event.end,
            score: event.score.filter(|_| keeps_scores),
            ..Event::default()
        })
        .collect();
    events.sort_by(|a, b| {
        let key = |e: &Event| {
            (
                e.class.clone(),
                e.start.to_bits(),
                e.end_or_start().to_bits(),
            )
        };
        (key(a), a.score.map(f64::to_bits)).cmp(&(key(b), b.score.map(f64::to_bits)))
    });
    events
}

fn assert_same(name: &str, first: &Project, again: &Project, keeps_scores: bool) {
    let first: Vec<&Track> = first.tracks.iter().collect();
    assert_eq!(first.len(), again.tracks.len(), "{name}");
    for one in first {
        let other = again.tracks.iter().find(|track| track.id == one.id);
        let other = other.unwrap_or_else(|| panic!("{name}: no {:?}", one.id));
        assert_eq!(
            plain(one, keeps_scores),
            plain(other, keeps_scores),
            "{name}"
        );
    }
}

fn round_trip(name: &str, project: &Project) -> Project {
    let files = tal_exchange::files(format(name), project, &to_write()).unwrap();
    let found: Vec<(PathBuf, Vec<u8>)> = (files.into_iter())
        .filter(|file| !file.name.ends_with(".xml"))
        .map(|file| (file.name.into(), file.content))
        .collect();
    tal_exchange::parse(Some(format(name)), &found, &with_fps()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn seconds_come_back(cases in cases(5000)) {
        // Milliseconds; whatever the format.
        let all = project(&cases, 1000.0);
        assert_same("jsonl", &all, &round_trip("jsonl", &all), true);
        assert_same("dcase", &all, &round_trip("dcase", &all), false);
        let mut one_by_one = all.clone();
        for track in &mut one_by_one.tracks {
            track.id = track.id.replace('/', "-");
        }
        assert_same("bids", &one_by_one, &round_trip("bids", &one_by_one), true);
        let mut spaceless = all.clone();
        spaceless.tracks.retain(|track| !track.events.is_empty());
        for track in &mut spaceless.tracks {
            track.id = track.id.replace(' ', "_");
            track.events.iter_mut().for_each(|event| event.class = event.class.replace(' ', "_"));
        }
        let spaceless = Project::new(spaceless.tracks);
        assert_same("rttm", &spaceless, &round_trip("rttm", &spaceless), true);
    }

    #[test]
    fn frames_come_back(cases in cases(400)) {
        let mut all = project(&cases, FPS);
        for event in all.tracks.iter_mut().flat_map(|track| &mut track.events) {
            // No format of frames holds less than one of them.
            event.end = Some(event.end_or_start().max(((event.start * FPS).round() + 1.0) / FPS));
        }
        assert_same("fiftyone", &all, &round_trip("fiftyone", &all), true);
        assert_same("label-studio", &all, &round_trip("label-studio", &all), true);
        let mut not_empty = all.clone();
        not_empty.tracks.retain(|track| !track.events.is_empty());
        assert_same("mabe", &not_empty, &round_trip("mabe", &not_empty), false);
        // Per frame, events that touch become one.
        let mut apart = all.clone();
        for track in &mut apart.tracks {
            track.id = track.id.replace(['/', ' '], "_");
            let mut ends = std::collections::BTreeMap::new();
            track.events.sort_by(|a, b| a.start.total_cmp(&b.start));
            track.events.retain(|event| {
                let end = ends.entry(event.class.clone()).or_insert(-1.0);
                let is_apart = event.start > *end;
                if is_apart {
                    *end = event.end_or_start();
                }
                is_apart
            });
        }
        assert_same("feral", &apart, &round_trip("feral", &apart), false);
    }

    #[test]
    fn points_come_back(cases in cases(0)) {
        let mut all = project(&cases, 1000.0);
        assert_same("osl", &all, &round_trip("osl", &all), true);
        for track in &mut all.tracks {
            track.id = track.id.replace('/', "-");
        }
        assert_same("soccernet", &all, &round_trip("soccernet", &all), true);
        // Two halves of a match share a file.
        if let [first, second, ..] = &mut all.tracks[..] && !second.events.is_empty() {
            (first.id, second.id) = ("a match/1".into(), "a match/2".into());
            let files = tal_exchange::files(format("soccernet"), &all, &to_write()).unwrap();
            prop_assert_eq!(files.len(), all.tracks.len() - 1);
            if !all.tracks[0].events.is_empty() {
                assert_same("soccernet", &all, &round_trip("soccernet", &all), true);
            }
        }
    }

    #[test]
    fn labels_in_seconds_come_back(cases in cases(5000)) {
        let all = project(&cases, 1000.0);
        for template in [LabelStudioTemplate::Labels, LabelStudioTemplate::TimeSeries] {
            for results in [LabelStudioResults::Predictions, LabelStudioResults::Annotations] {
                let options = WriteOptions { template: Some(template), results: Some(results), ..to_write() };
                let text = written("label-studio", &all, &options);
                let again = read_with("label-studio", "x.json", &text, &ReadOptions::default()).unwrap();
                assert_same("label-studio", &all, &again, true);
            }
        }
    }
}

#[test]
fn ten_thousand_events_and_none() {
    let event = |number: u32| Event::new("pour", f64::from(2 * number), f64::from(2 * number + 1));
    let many = Project::new(vec![track("a", (0..10_000).map(event).collect())]);
    for name in [
        "jsonl",
        "dcase",
        "bids",
        "rttm",
        "mabe",
        "feral",
        "fiftyone",
        "label-studio",
    ] {
        assert_same(name, &many, &round_trip(name, &many), false);
    }
    let none = Project::with_classes(vec!["pour".into()], vec![track("a", Vec::new())]);
    for name in [
        "jsonl",
        "dcase",
        "bids",
        "feral",
        "fiftyone",
        "label-studio",
        "osl",
        "soccernet",
    ] {
        let again = round_trip(name, &none);
        assert_eq!(again.tracks.len(), 1, "{name}");
        assert_eq!(again.events().count(), 0, "{name}");
    }
    // Tables with a row per event do not know recordings without events, and it is said.
    for name in ["rttm", "mabe"] {
        let said = format(name).losses(&none).unwrap();
        assert_eq!(said, "recordings without events (1) are left out", "{name}");
        assert_eq!(round_trip(name, &none).tracks.len(), 0, "{name}");
    }
}

/// A task of Label Studio with a timeline label from frame 26 to 50, after `more` in its data.
#[test]
fn event_lists_have_a_header_or_none() {
    let expected = [Event::new("dog bark", 0.5, 2.0), Event::point("click", 3.0)];
    for text in [
        "filename\tonset\toffset\tevent_label\naudio/a.wav\t0.5\t2.0\tdog bark\naudio/a.wav\t3\t3\tclick\n",
        "filename,onset,offset,event_label\naudio/a.wav,0.5,2.0,dog bark\naudio/a.wav,3,3,click\n",
        "audio/a.wav\t0.5\t2.0\tdog bark\naudio/a.wav\t3\t3\tclick\n",
        "audio/a.wav\thome\t0.5\t2.0\tdog bark\r\naudio/a.wav\thome\t3\t3\tclick",
    ] {
        let project = read("dcase", "x.tsv", text);
        assert_eq!(project.tracks[0].id, "audio/a", "{text}");
        assert_eq!(project.tracks[0].media.as_deref(), Some("audio/a.wav"));
        assert_eq!(project.tracks[0].events, expected, "{text}");
    }
    let project = read("dcase", "b.txt", "0.5\t2.0\tdog bark\n3\t3\tclick\n");
    assert_eq!(
        (project.tracks[0].id.as_str(), &project.tracks[0].events[..]),
        ("b", &expected[..])
    );
    let project = read(
        "dcase",
        "x.tsv",
        "filename\tonset\toffset\tevent_label\na.wav\t\t\t\n",
    );
    assert_eq!(
        project.tracks,
        [Track {
            media: Some("a.wav".into()),
            ..track("a", Vec::new())
        }]
    );
}

#[test]
fn other_rules_of_formats() {
    let project = read(
        "rttm",
        "x.rttm",
        ";; note\nSPKR-INFO a 1 <NA> <NA> <NA> unknown x <NA> <NA>\nSPEAKER a 1 0.1 0.2 <NA> <NA> x 0.5 <NA>\nSPEAKER b 1 1 0 <NA> <NA> y\n",
    );
    let scored = Event {
        score: Some(0.5),
        ..Event::new("x", 0.1, 0.3)
    };
    assert_eq!(
        project.tracks,
        [
            track("a", vec![scored]),
            track("b", vec![Event::point("y", 1.0)])
        ]
    );
    assert_eq!(
        project.unread.get("lines that are not of the type SPEAKER"),
        Some(&1)
    );

    let text =
        "onset\tduration\ttrial_type\tvalue\n-1\t0.5\tgo\t1\n2\tn/a\tstop\t2\n3\t0\tn/a\t3\n";
    let project = read("bids", "sub-01_task-x_events.tsv", text);
    assert_eq!(project.tracks[0].id, "sub-01_task-x");
    assert_eq!(
        project.tracks[0].events,
        [Event::new("go", -1.0, -0.5), Event::point("stop", 2.0)]
    );
    assert_eq!(project.unread.values().sum::<usize>(), 2);

    let text = "row_id,video_id,agent_id,target_id,action,start_frame,stop_frame\n0,v,mouse2,self,rear,0,25\n1,v,mouse1,mouse2,sniff,50,100\n";
    let project = read("mabe", "x.csv", text);
    let who = |who: &str, whom: &[&str], event| Event {
        subject: Some(who.into()),
        modifiers: whom.iter().map(|name| (*name).to_owned()).collect(),
        ..event
    };
    let events = [
        who("mouse2", &[], Event::new("rear", 0.0, 1.0)),
        who("mouse1", &["mouse2"], Event::new("sniff", 2.0, 4.0)),
    ];
    assert_eq!(project.tracks[0].events, events);
    let again = round_trip("mabe", &project);
    assert_eq!(again.tracks[0].events, events);

    let text = r#"{"UrlLocal": "league/2015/A - B/", "annotations": [
        {"gameTime": "1 - 01:05", "label": "Goal", "position": "65250", "team": "home", "visibility": "not shown"},
        {"gameTime": "2 - 00:07", "label": "Foul", "team": "not applicable", "visibility": "visible"}]}"#;
    let project = read("soccernet", "Labels-v2.json", text);
    let goal = who("home", &["not shown"], Event::point("Goal", 65.25));
    assert_eq!(
        project.tracks,
        [
            track("league/2015/A - B/1", vec![goal]),
            track("league/2015/A - B/2", vec![Event::point("Foul", 7.0)])
        ]
    );
    let project = read(
        "soccernet",
        "some/match/Labels-v2.json",
        r#"{"annotations": []}"#,
    );
    assert_eq!(project.tracks[0].id, "match");

    let text = r#"{"version": "2.0", "labels": {"action": {"type": "single_label", "labels": ["pass", "shot"]}},
        "data": [{"inputs": [{"type": "video", "path": "clips/a.mp4", "fps": 25.0}],
        "events": [{"head": "action", "label": "pass", "position_ms": 1240}, {"head": "foot", "label": "left", "position_ms": "2000", "confidence_score": 0.5}],
        "dense_captions": [{"position_ms": 1, "text": "t"}]}]}"#;
    let project = read("osl", "x.json", text);
    assert_eq!(project.classes, ["pass", "shot", "left"]);
    assert_eq!(
        (project.tracks[0].id.as_str(), project.tracks[0].fps),
        ("a", Some(25.0))
    );
    let left = Event {
        score: Some(0.5),
        modifiers: vec!["foot".into()],
        ..Event::point("left", 2.0)
    };
    assert_eq!(project.tracks[0].events, [Event::point("pass", 1.24), left]);
    assert_eq!(project.unread.get("captions"), Some(&1));

    let text = r#"{"is_multilabel": false, "class_names": {"0": "other", "1": "walk"}, "splits": {"train": ["v.mp4"]}, "labels": {"v.mp4": [0, 1, 1, 0, 1]}}"#;
    let project = read("feral", "x.json", text);
    assert_eq!(project.classes, ["walk"]);
    assert_eq!(project.tracks[0].duration, Some(0.2));
    assert_eq!(
        project.tracks[0].events,
        [
            Event::new("walk", 0.04, 0.12),
            Event::new("walk", 0.16, 0.2)
        ]
    );
    let text = r#"{"is_multilabel": true, "class_names": {"0": "rest", "1": "walk"}, "labels": {"v.mp4": [[1, 0], [1, 1], [0, 1.0]]}}"#;
    let project = read("feral", "x.json", text);
    assert_eq!(
        project.tracks[0].events,
        [
            Event::new("rest", 0.0, 0.08),
            Event::new("walk", 0.04, 0.12)
        ]
    );

    let text = r#"{"classes": ["pour", "stir"], "labels": {"a/b": [{"label": 1, "support": [1, 25], "confidence": 0.5},
        {"label": "new", "timestamps": [1.5, 2.25]}], "c": null}}"#;
    let project = read("fiftyone", "labels.json", text);
    let stir = Event {
        score: Some(0.5),
        ..Event::new("stir", 0.0, 1.0)
    };
    assert_eq!(
        project.tracks[0].events,
        [stir, Event::new("new", 1.5, 2.25)]
    );
    assert_eq!(project.tracks[1].id, "c");
}

#[test]
fn lines_are_written_one_recording_at_a_time() {
    let mut lines = JsonLines::new(Vec::new());
    let scored = Event {
        score: Some(0.5),
        ..Event::new("pour", 0.5, 2.0)
    };
    lines
        .append(&track("a", vec![scored, Event::point("bell", 3.0)]))
        .unwrap();
    lines.append(&track("b", Vec::new())).unwrap();
    let text = String::from_utf8(lines.into_inner()).unwrap();
    assert_eq!(
        text,
        "{\"recording\":\"a\",\"start\":0.5,\"end\":2.0,\"label\":\"pour\",\"score\":0.5}\n\
         {\"recording\":\"a\",\"start\":3.0,\"label\":\"bell\"}\n{\"recording\":\"b\"}\n"
    );
    assert_eq!(
        tal_exchange::recognise(text.as_bytes(), "x.jsonl".as_ref())
            .unwrap()
            .name,
        "jsonl"
    );
}

#[test]
fn what_formats_cannot_say_is_named() {
    let project = Project::new(vec![track(
        "a b",
        vec![
            Event::new("x y", 0.0, 1.0),
            Event::new("x y", 1.0, 2.0),
            Event::point("z", 5.0),
        ],
    )]);
    let said = |name: &str| format(name).losses(&project);
    assert_eq!(
        said("rttm").unwrap(),
        "spaces in names (2) become underscores"
    );
    assert_eq!(
        said("osl").unwrap(),
        "events with an end (2) become points in their middle"
    );
    assert_eq!(
        said("feral").unwrap(),
        "point events (1) become as short as FERAL allows; events that overlap or touch one of their class (1) become one with it"
    );
    assert_eq!(said("jsonl"), None);
    let same = Project::new(vec![track(
        "a",
        vec![Event::new("x y", 0.0, 1.0), Event::new("x_y", 1.0, 2.0)],
    )]);
    let error = tal_exchange::files(format("rttm"), &same, &to_write()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "recording \"a\" cannot be written as RTTM: spaces become underscores, and the classes \"x y\" and \"x_y\" would have \
         one name; rename one of them"
    );
}
