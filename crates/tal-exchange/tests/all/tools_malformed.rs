//! Bad input of the formats of labelling services, sounds, sports and frames.

use std::path::PathBuf;

use tal_exchange::{Format, ReadOptions};

/// Format, content, parts of the message.
const CASES: &[(&str, &str, &[&str])] = &[
    ("label-studio", "", &["line 1", "the file is empty"]),
    (
        "label-studio",
        "[1]",
        &["[0].data: missing", "not JSON-MIN"],
    ),
    (
        "label-studio",
        r#"[{"id": 1, "video": "a.mp4"}]"#,
        &["[0].data: missing", "not JSON-MIN"],
    ),
    (
        "label-studio",
        r#"[{"data": {}}]"#,
        &["[0].annotations: missing"],
    ),
    (
        "label-studio",
        r#"[{"data": {"fps": -1}, "annotations": []}]"#,
        &["[0].data.fps: -1", "above 0"],
    ),
    (
        "label-studio",
        r#"[{"data": {"fps": "fast"}, "annotations": []}]"#,
        &["[0].data.fps: \"fast\""],
    ),
    (
        "label-studio",
        r#"[{"data": {}, "annotations": {}}]"#,
        &["annotations: {}", "expected a list"],
    ),
    (
        "label-studio",
        r#"[{"data": {}, "annotations": [{"result": [{"value": {"ranges": [{"start": 5, "end": 2}], "timelinelabels": ["a"]}}]}]}]"#,
        &[
            "[0].annotations[0].result[0].value.ranges[0].end: 2",
            "not before start",
        ],
    ),
    (
        "label-studio",
        r#"[{"data": {}, "annotations": [{"result": [{"value": {"ranges": [{"start": "x", "end": 2}], "timelinelabels": ["a"]}}]}]}]"#,
        &["ranges[0].start: \"x\"", "the number of a frame from 1"],
    ),
    (
        "label-studio",
        r#"[{"data": {}, "annotations": [{"result": [{"value": {"start": "2026-01-01", "end": 2, "timeserieslabels": ["a"]}}]}]}]"#,
        &[
            "value.start: \"2026-01-01\"",
            "a column of seconds, not of dates",
        ],
    ),
    (
        "label-studio",
        r#"[{"data": {}, "annotations": [{"result": [{"value": {"start": 1, "end": 2, "labels": [""]}}]}]}]"#,
        &["value.labels[0]: \"\"", "the name of a class"],
    ),
    (
        "dcase",
        "",
        &[
            "line 1",
            "filename, onset, offset and event_label, separated by tabs",
        ],
    ),
    (
        "dcase",
        "a.wav 1 2 x\n",
        &["line 1: \"a.wav 1 2 x\"", "separated by tabs"],
    ),
    (
        "dcase",
        "a.wav\t1\t0.5\tx\n",
        &["line 1, column \"offset\": \"0.5\"", "not before the onset"],
    ),
    (
        "dcase",
        "filename\tonset\toffset\tevent_label\na.wav\tx\t2\ty\n",
        &["line 2, column \"onset\": \"x\"", "seconds from 0"],
    ),
    (
        "dcase",
        "filename\tonset\toffset\tevent_label\na.wav\t1\t2\t\n",
        &["line 2, column \"event_label\"", "the name of a class"],
    ),
    (
        "dcase",
        "filename\tonset\tevent_label\na.wav\t1\tx\n",
        &["no column \"offset\"", "filename,onset,offset,event_label"],
    ),
    (
        "dcase",
        "a.wav\t1\t2\tx\nb.wav\t1\n",
        &["line 2: \"2 fields\"", "4, as in the first line"],
    ),
    (
        "dcase",
        "a.wav\t1\tNaN\tx\n",
        &["column \"offset\": \"NaN\""],
    ),
    (
        "rttm",
        "SPEAKER a 1 0.5\n",
        &["line 1", "SPEAKER, recording, channel, start, duration"],
    ),
    (
        "rttm",
        "SPEAKER a 1 0 1 <NA> <NA> x <NA> <NA>\nTALKER a 1 0 1 <NA> <NA> x <NA> <NA>\n",
        &["line 2: \"TALKER a"],
    ),
    (
        "rttm",
        "SPEAKER a 1 -1 1 <NA> <NA> x <NA> <NA>\n",
        &["line 1", "seconds from 0 as fourth field"],
    ),
    (
        "rttm",
        "SPEAKER a 1 0 inf <NA> <NA> x <NA> <NA>\n",
        &["as fifth, duration"],
    ),
    (
        "rttm",
        "SPEAKER a 1 0 1 <NA> <NA> x high <NA>\n",
        &["a confidence or <NA> as ninth field"],
    ),
    (
        "bids",
        "onset\tduration\n1\t2\n",
        &["no column \"trial_type\"", "onset,duration,trial_type"],
    ),
    (
        "bids",
        "onset\tduration\ttrial_type\nx\t2\tgo\n",
        &["line 2, column \"onset\": \"x\"", "seconds"],
    ),
    (
        "bids",
        "onset\tduration\ttrial_type\n1\t-2\tgo\n",
        &["column \"duration\": \"-2\"", "or n/a"],
    ),
    (
        "bids",
        "onset\tduration\ttrial_type\tscore\n1\t2\tgo\tbad\n",
        &["column \"score\": \"bad\""],
    ),
    (
        "mabe",
        "video_id,agent_id,target_id,action,start_frame\n",
        &["no column \"stop_frame\""],
    ),
    (
        "mabe",
        "video_id,agent_id,target_id,action,start_frame,stop_frame\nv,1,2,x,1.5,3\n",
        &["column \"start_frame\": \"1.5\"", "whole number"],
    ),
    (
        "mabe",
        "video_id,agent_id,target_id,action,start_frame,stop_frame\nv,1,2,x,5,3\n",
        &["column \"stop_frame\": \"3\"", "not before start_frame"],
    ),
    (
        "mabe",
        "video_id,agent_id,target_id,action,start_frame,stop_frame\nv,1,2,,1,3\n",
        &["column \"action\"", "the name of a behaviour"],
    ),
    (
        "soccernet",
        "{}",
        &["annotations: missing", "gameTime and label"],
    ),
    (
        "soccernet",
        r#"{"annotations": [{"label": "x"}]}"#,
        &["annotations[0].gameTime: missing", "1 - 07:31"],
    ),
    (
        "soccernet",
        r#"{"annotations": [{"gameTime": "1 07:31", "label": "x"}]}"#,
        &["gameTime: \"1 07:31\""],
    ),
    (
        "soccernet",
        r#"{"annotations": [{"gameTime": "0 - 07:31", "label": "x"}]}"#,
        &["gameTime: \"0 - 07:31\""],
    ),
    (
        "soccernet",
        r#"{"annotations": [{"gameTime": "1 - 07:31", "position": "-3", "label": "x"}]}"#,
        &["position: \"-3\"", "milliseconds from 0"],
    ),
    (
        "soccernet",
        r#"{"annotations": [{"gameTime": "1 - 07:31", "label": ""}]}"#,
        &["annotations[0].label: \"\"", "the name of a class"],
    ),
    ("osl", "[]", &["data: missing", "a list"]),
    ("osl", r#"{"version": "2.0"}"#, &["data: missing", "a list"]),
    (
        "osl",
        r#"{"data": [{"events": []}]}"#,
        &["data[0].id: missing"],
    ),
    (
        "osl",
        r#"{"data": [{"id": "a", "events": [{"label": "x"}]}]}"#,
        &["data[0].events[0].position_ms: missing"],
    ),
    (
        "osl",
        r#"{"data": [{"id": "a", "inputs": [{"fps": 0}]}]}"#,
        &["data[0].inputs[0].fps: 0", "above 0"],
    ),
    ("feral", r#"{"labels": {}}"#, &["class_names: missing"]),
    (
        "feral",
        r#"{"class_names": {"a": "x"}, "labels": {}}"#,
        &["class_names.a: \"x\"", "a whole number as key"],
    ),
    (
        "feral",
        r#"{"class_names": {"0": "x"}, "labels": {"v": [0, 1]}}"#,
        &["labels.v[1]: 1", "of class_names"],
    ),
    (
        "feral",
        r#"{"class_names": {"0": "x"}, "labels": {"v": [[0], [2]]}}"#,
        &["labels.v[1]: [2]"],
    ),
    (
        "feral",
        r#"{"class_names": {"0": "x"}, "labels": {"v": 3}}"#,
        &["labels.v: 3", "an item for every frame"],
    ),
    ("fiftyone", r#"{"classes": ["x"]}"#, &["labels: missing"]),
    (
        "fiftyone",
        r#"{"labels": {"v": [{"label": 0, "support": [1, 2]}]}}"#,
        &["labels.v[0].label: 0", "its number among classes"],
    ),
    (
        "fiftyone",
        r#"{"labels": {"v": [{"label": "x", "support": [0, 2]}]}}"#,
        &["support: [0,2]", "whole numbers from 1"],
    ),
    (
        "fiftyone",
        r#"{"labels": {"v": [{"label": "x", "support": [3, 2]}]}}"#,
        &["support: [3,2]"],
    ),
    (
        "fiftyone",
        r#"{"labels": {"v": [{"label": "x", "timestamps": [3]}]}}"#,
        &["timestamps: [3]", "in seconds from 0"],
    ),
    (
        "fiftyone",
        r#"{"labels": {"v": [{"label": "x"}]}}"#,
        &["timestamps: missing", "support, frames, or the start"],
    ),
    (
        "jsonl",
        "{\"recording\": \"a\"}\n{\"recording\"",
        &["line 2"],
    ),
    (
        "jsonl",
        "{\"recording\": \"a\", \"start\": 1}",
        &["line 1.label: missing"],
    ),
    (
        "jsonl",
        "{\"recording\": \"a\", \"start\": 2, \"end\": 1, \"label\": \"x\"}",
        &["line 1.end: 1", "not before the start"],
    ),
    (
        "jsonl",
        "{\"recording\": \"a\", \"start\": -2, \"label\": \"x\"}",
        &["line 1.start: -2", "seconds from 0"],
    ),
    (
        "jsonl",
        "[]",
        &["line 1.recording: missing", "the id of a recording"],
    ),
];

fn parse(name: &str, content: &[u8], fps: Option<f64>) -> Result<tal_exchange::Project, String> {
    let options = ReadOptions {
        fps,
        ..ReadOptions::default()
    };
    let files = [(PathBuf::from("bad.txt"), content.to_vec())];
    let format = Format::of_name(name).unwrap();
    tal_exchange::parse(Some(format), &files, &options).map_err(|error| error.to_string())
}

#[test]
fn messages_name_place_value_and_way_out() {
    for (name, content, parts) in CASES {
        let error = match parse(name, content.as_bytes(), Some(25.0)) {
            Ok(project) => panic!("{name}: {content} was read as {project:?}"),
            Err(error) => error,
        };
        for part in ["bad.txt: "].iter().chain(*parts) {
            assert!(
                error.contains(part),
                "{name}: {content}\n  {error}\n  lacks {part}"
            );
        }
    }
}

#[test]
fn formats_of_frames_ask_for_the_frame_rate() {
    for (name, content) in [
        (
            "mabe",
            "video_id,agent_id,target_id,action,start_frame,stop_frame\n",
        ),
        ("feral", r#"{"class_names": {}, "labels": {}}"#),
        (
            "fiftyone",
            r#"{"labels": {"v": [{"label": "x", "support": [1, 2]}]}}"#,
        ),
    ] {
        for fps in [None, Some(0.0), Some(f64::NAN)] {
            let error = parse(name, content.as_bytes(), fps).unwrap_err();
            assert!(error.contains("name the frame rate (--fps)"), "{error}");
        }
    }
}

/// Files of every format that are whole.
const WHOLE: &[(&str, &str)] = &[
    (
        "label-studio",
        r#"[{"id": 1, "data": {"video": "ü.mp4", "fps": 25}, "annotations": [{"completed_by": 1, "result": [
          {"id": "a", "type": "timelinelabels", "score": 0.5, "value": {"ranges": [{"start": 1, "end": 5}], "timelinelabels": ["pour"]}},
          {"id": "b", "type": "labels", "value": {"start": 1.5, "end": 5, "labels": ["stir"]}},
          {"id": "c", "type": "timeserieslabels", "value": {"start": 1, "end": 1, "instant": true, "timeserieslabels": ["x"]}}]}]}]"#,
    ),
    (
        "dcase",
        "filename\tonset\toffset\tevent_label\nü.wav\t0.5\t2.0\tdog \"bark\"\nb.wav\t\t\t\n",
    ),
    ("dcase", "a.wav\t0.5\t2.0\tdog\nb.wav\t3\t3\tcat\n"),
    (
        "rttm",
        ";; x\nSPEAKER ü 1 0.100000 0.200000 <NA> <NA> x 0.5 <NA>\nNON-SPEECH a 1 0 1 <NA> <NA> y <NA> <NA>\n",
    ),
    (
        "bids",
        "onset\tduration\ttrial_type\tscore\n1\t0.5\tgo ü\t0.5\n2\tn/a\tstop\tn/a\n",
    ),
    (
        "mabe",
        "video_id,agent_id,target_id,action,start_frame,stop_frame\nü,1,2,\"x,y\",5,30\n",
    ),
    (
        "soccernet",
        r#"{"UrlLocal": "a/b/", "annotations": [{"gameTime": "1 - 01:05", "label": "Goal ü", "position": "65250", "team": "home", "visibility": "visible"}],
          "predictions": [{"gameTime": "2 - 01:05", "label": "Foul", "position": "5", "half": "2", "confidence": "0.5"}]}"#,
    ),
    (
        "osl",
        r#"{"version": "2.0", "labels": {"action": {"type": "single_label", "labels": ["pass"]}}, "data": [{"id": "ü",
          "inputs": [{"type": "video", "path": "a.mp4", "fps": 25}], "events": [{"head": "action", "label": "pass", "position_ms": 5, "confidence": 0.5}]}]}"#,
    ),
    (
        "feral",
        r#"{"is_multilabel": true, "class_names": {"0": "other", "1": "ü"}, "splits": {"train": ["v.mp4"]}, "labels": {"v.mp4": [[1, 0], [0, 1]]}}"#,
    ),
    (
        "fiftyone",
        r#"{"classes": ["ü"], "labels": {"a": [{"label": 0, "support": [1, 5], "confidence": 0.5, "attributes": {"subject": "s"}}]}}"#,
    ),
    (
        "jsonl",
        "{\"recording\":\"ü\",\"start\":1,\"end\":2.5,\"label\":\"x\",\"score\":0.5,\"modifiers\":[\"m\"]}\n{\"recording\":\"b\"}\n",
    ),
];

#[test]
fn a_file_cut_anywhere_or_with_a_bad_byte_is_read_or_refused() {
    for (name, content) in WHOLE {
        let bytes = content.as_bytes();
        let whole =
            parse(name, bytes, Some(25.0)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(whole.events().count() > 0, "{name}");
        let found = tal_exchange::recognise(bytes, "whole.txt".as_ref()).unwrap();
        assert_eq!(found.name, *name);
        for end in 0..bytes.len() {
            let _ = parse(name, &bytes[..end], Some(25.0));
            let _ = tal_exchange::recognise(&bytes[..end], "cut.txt".as_ref());
            for byte in [0, b'"', b'9', b'-', 0xff] {
                let mut changed = bytes.to_vec();
                changed[end] = byte;
                let _ = parse(name, &changed, Some(25.0));
            }
        }
    }
}
