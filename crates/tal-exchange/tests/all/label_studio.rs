//! Rules of Label Studio's files.

use tal_exchange::{EndFrame, Event, Project, ReadOptions, WriteOptions};

use super::tools::{format, read, read_with, to_write, track, with_fps, written};

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
    let paths = tal_exchange::write(format("label-studio"), &project, &out, &to_write()).unwrap();
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
    let error = tal_exchange::files(format("label-studio"), &project, &none).unwrap_err();
    assert_eq!(
        error.to_string(),
        "recording \"a\" cannot be written as Label Studio: it counts frames, and the frame rate is not known; name it (--fps)"
    );
    // A sound has labels in seconds.
    let mut sound = project.clone();
    sound.tracks[0].media = Some("a.WAV".into());
    let files = tal_exchange::files(format("label-studio"), &sound, &none).unwrap();
    assert!(
        String::from_utf8_lossy(&files[1].content)
            .contains("<Audio name=\"audio\" value=\"$audio\"/>")
    );
}
