//! Formats of labelling services, sounds, sports and frames: round trips, their own rules, bad input.

use std::path::PathBuf;

use proptest::prelude::*;
use tal_corpus::exchange::{
    self, EndFrame, Event, Format, JsonLines, LabelStudioResults, LabelStudioTemplate, Project,
    ReadOptions, Track, WriteOptions,
};

const FPS: f64 = 25.0;

fn format(name: &str) -> &'static Format {
    Format::of_name(name).unwrap()
}

fn read_with(
    name: &str,
    file: &str,
    text: &[u8],
    options: &ReadOptions,
) -> Result<Project, exchange::ExchangeError> {
    let files = [(PathBuf::from(file), text.to_vec())];
    exchange::parse(Some(format(name)), &files, options)
}

fn with_fps() -> ReadOptions {
    ReadOptions {
        fps: Some(FPS),
        ..ReadOptions::default()
    }
}

fn read(name: &str, file: &str, text: &str) -> Project {
    read_with(name, file, text.as_bytes(), &with_fps()).unwrap()
}

fn written(name: &str, project: &Project, options: &WriteOptions) -> Vec<u8> {
    let mut files = exchange::files(format(name), project, options).unwrap();
    files.remove(0).content
}

fn to_write() -> WriteOptions {
    WriteOptions {
        fps: Some(FPS),
        date: "2026-11-30T12:00:00".into(),
        ..WriteOptions::default()
    }
}

fn track(id: &str, events: Vec<Event>) -> Track {
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
    let files = exchange::files(format(name), project, &to_write()).unwrap();
    let found: Vec<(PathBuf, Vec<u8>)> = (files.into_iter())
        .filter(|file| !file.name.ends_with(".xml"))
        .map(|file| (file.name.into(), file.content))
        .collect();
    exchange::parse(Some(format(name)), &found, &with_fps()).unwrap()
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
            let files = exchange::files(format("soccernet"), &all, &to_write()).unwrap();
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
fn timeline(more: &str) -> String {
    format!(
        r#"[{{"id": 7, "data": {{"video": "/data/upload/3/0a1b2c3d-my film.mp4"{more}}}, "annotations": [
          {{"completed_by": {{"email": "x@y.z"}}, "result": [
            {{"id": "a", "from_name": "t", "to_name": "v", "type": "timelinelabels", "meta": {{"text": ["unsure"]}},
              "value": {{"ranges": [{{"start": 26, "end": 50}}], "timelinelabels": ["pour", "stir"]}}}},
            {{"id": "b", "type": "choices", "value": {{"choices": ["good"]}}}},
            {{"id": "c", "type": "timelinelabels", "value": {{"sequence": [], "timelinelabels": ["box"]}}}}]}},
          {{"was_cancelled": true, "result": []}}],
          "predictions": [{{"score": 0.5, "result": []}}]}}]"#
    )
}

#[test]
fn timeline_labels_need_a_frame_rate() {
    let options = ReadOptions::default();
    let error = read_with("label-studio", "x.json", timeline("").as_bytes(), &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "x.json: [0].annotations[0].result[0]: timeline labels count frames, and no data.fps says how many per second; \
         name the frame rate (--fps), or add fps to the data of the tasks"
    );
    let of_data = read_with(
        "label-studio",
        "x.json",
        timeline(", \"fps\": 25").as_bytes(),
        &options,
    );
    let of_option = read_with(
        "label-studio",
        "x.json",
        timeline("").as_bytes(),
        &with_fps(),
    );
    assert_eq!(of_data.unwrap(), of_option.unwrap());
    // The task's own comes first.
    let text = timeline(", \"fps\": \"50\"");
    let project = read_with("label-studio", "x.json", text.as_bytes(), &with_fps()).unwrap();
    assert_eq!(project.tracks[0].events[0].start, 0.5);
    assert_eq!(project.tracks[0].fps, Some(50.0));
}

#[test]
fn the_end_of_a_timeline_label_is_included_or_not() {
    let with = |end_frame| ReadOptions {
        end_frame,
        ..with_fps()
    };
    let of = |end_frame, text: &str| {
        let project =
            read_with("label-studio", "x.json", text.as_bytes(), &with(end_frame)).unwrap();
        let event = &project.tracks[0].events[0];
        (event.start, event.end.unwrap())
    };
    // Frames 26 to 50 are the second second of 25 frames per second.
    assert_eq!(of(EndFrame::Included, &timeline("")), (1.0, 2.0));
    assert_eq!(of(EndFrame::Excluded, &timeline("")), (1.0, 1.96));
    // A click labels one frame, whatever the rule.
    let click = timeline("").replace("\"end\": 50", "\"end\": 26");
    for rule in [EndFrame::Included, EndFrame::Excluded] {
        assert_eq!(of(rule, &click), (1.0, 1.04));
    }
    let project = Project::new(vec![track("a", vec![Event::new("pour", 1.0, 2.0)])]);
    for (end_frame, end) in [(EndFrame::Included, "50"), (EndFrame::Excluded, "51")] {
        let options = WriteOptions {
            end_frame,
            ..to_write()
        };
        let text = String::from_utf8(written("label-studio", &project, &options)).unwrap();
        assert!(
            text.contains("\"start\": 26") && text.contains(&format!("\"end\": {end}")),
            "{text}"
        );
        assert_eq!(of(end_frame, &text), (1.0, 2.0));
    }
}

#[test]
fn label_studio_keeps_who_and_names_what_it_leaves_out() {
    let project = read("label-studio", "x.json", &timeline(""));
    let [track] = &project.tracks[..] else {
        panic!()
    };
    assert_eq!(track.id, "my film");
    let event = |class: &str| Event {
        annotator: Some("x@y.z".into()),
        comment: Some("unsure".into()),
        ..Event::new(class, 1.0, 2.0)
    };
    assert_eq!(track.events, [event("pour"), event("stir")]);
    let unread: Vec<(&str, usize)> = project.unread.into_iter().collect();
    assert_eq!(
        unread,
        [
            ("cancelled annotations", 1),
            ("predictions beside annotations", 1),
            ("results other than labels in time", 2)
        ]
    );
    // Seconds need no frame rate; an instant is a point.
    let text = r#"[{"data": {"audio": "s3://b/a%20b.wav?x=1.5"}, "annotations": [{"completed_by": 4, "result": [
        {"type": "labels", "original_length": 9.5, "value": {"start": 0.5, "end": 2, "channel": 0, "labels": ["bark"]}},
        {"type": "labels", "value": {"start": 0, "end": 4, "text": "word", "labels": ["noun"]}},
        {"type": "timeserieslabels", "value": {"start": 3, "end": 3, "instant": true, "timeserieslabels": ["peak"]}}]}]},
        {"id": 12, "data": {"note": "no file"}, "annotations": [],
         "predictions": [{"result": [{"type": "labels", "value": {"start": 0, "end": 1, "labels": ["draft"]}}]}]},
        {"data": {"video": "/data/local-files/?d=films%2Fday/c.mp4"}, "annotations": []}]"#;
    let options = ReadOptions::default();
    let project = read_with("label-studio", "x.json", text.as_bytes(), &options).unwrap();
    let ids: Vec<&str> = project
        .tracks
        .iter()
        .map(|track| track.id.as_str())
        .collect();
    assert_eq!(ids, ["a b", "task-12", "c"]);
    assert_eq!(project.tracks[0].duration, Some(9.5));
    let who = |event| Event {
        annotator: Some("4".into()),
        ..event
    };
    assert_eq!(
        project.tracks[0].events,
        [
            who(Event::new("bark", 0.5, 2.0)),
            who(Event::point("peak", 3.0))
        ]
    );
    // A draft beside annotations of others is no annotation.
    assert!(project.tracks[1].events.is_empty());
}

#[test]
fn label_studio_gets_the_configuration_beside_the_tasks() {
    let mut found = track("a", vec![Event::new("a<b", 1.0, 2.0)]);
    found.events[0].score = Some(0.75);
    let project = Project::new(vec![found]);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("drafts.json");
    let paths = exchange::write(format("label-studio"), &project, &out, &to_write()).unwrap();
    let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(names, ["drafts.json", "drafts-config.xml"]);
    let text = std::fs::read_to_string(&paths[1]).unwrap();
    assert_eq!(
        text,
        "<View>\n  <TimelineLabels name=\"label\" toName=\"video\">\n    <Label value=\"a&lt;b\"/>\n  </TimelineLabels>\n  \
         <Video name=\"video\" value=\"$video\" frameRate=\"$fps\"/>\n</View>\n"
    );
    let text = std::fs::read_to_string(&paths[0]).unwrap();
    assert!(
        text.contains("\"predictions\"") && text.contains("\"score\": 0.75"),
        "{text}"
    );
    let none = WriteOptions {
        fps: None,
        ..to_write()
    };
    let error = exchange::files(format("label-studio"), &project, &none).unwrap_err();
    assert_eq!(
        error.to_string(),
        "recording \"a\" cannot be written as Label Studio: it counts frames, and the frame rate is not known; name it (--fps)"
    );
    // A sound has labels in seconds.
    let mut sound = project.clone();
    sound.tracks[0].media = Some("a.WAV".into());
    let files = exchange::files(format("label-studio"), &sound, &none).unwrap();
    assert!(
        String::from_utf8_lossy(&files[1].content)
            .contains("<Audio name=\"audio\" value=\"$audio\"/>")
    );
}

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
        exchange::recognise(text.as_bytes(), "x.jsonl".as_ref())
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
    let error = exchange::files(format("rttm"), &same, &to_write()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "recording \"a\" cannot be written as RTTM: spaces become underscores, and the classes \"x y\" and \"x_y\" would have \
         one name; rename one of them"
    );
}
