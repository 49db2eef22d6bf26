//! Click files: ours, and archives in the layout that the authors of BackTAL distribute.

use std::io::Write;
use std::path::Path;

use tal_core::config::{AppendedFeatures, DatasetConfig, FeatureFormat, FeatureLayout};
use tal_core::{Instance, Recording, Segment};
use tal_data::clicks::Clicks;
use tal_data::clicks::released;
use tal_data::read_features;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn parse(text: &str) -> Result<Clicks, String> {
    Clicks::parse(text.as_bytes(), Path::new("c.json")).map_err(|error| error.to_string())
}

fn recording(id: &str, duration: Option<f64>) -> Recording {
    Recording {
        id: id.into(),
        subset: "training".into(),
        duration,
        fps: None,
        instances: Vec::new(),
    }
}

#[test]
fn written_files_read_back_unchanged() {
    let clicks =
        parse(r#"{"version": 1, "clicks": {"b": [7.25, 0, 3.1], "a": [], "c/d": [1e-3]}}"#)
            .unwrap();
    assert_eq!(clicks.of("b"), [0.0, 3.1, 7.25]);
    assert_eq!(clicks.of("nobody"), [0.0; 0]);
    assert_eq!((clicks.len(), clicks.iter().count()), (4, 3));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clicks.json");
    clicks.write(&path).unwrap();
    assert_eq!(Clicks::read(&path).unwrap(), clicks);
}

#[test]
fn what_is_wrong_in_a_file_is_named() {
    for (text, expected) in [
        (
            r#"{"version": 2, "clicks": {}}"#,
            "c.json: version 2; expected 1",
        ),
        (
            r#"{"version": 1, "clicks": {"a": [1, -2]}}"#,
            "c.json: recording \"a\": a click is -2; expected seconds from 0",
        ),
        (
            r#"{"version": 1, "clicks": {"a": ["3"]}}"#,
            "c.json: recording \"a\": a click is \"3\"; expected a number of seconds, finite and from 0",
        ),
        (
            r#"{"version": 1, "clicks": {"a": 3}}"#,
            "c.json: recording \"a\": a click is 3; expected a list of seconds",
        ),
        (
            r#"{"version": 1, "clicks": {"a": [], "b": [], "a": [1]}}"#,
            "c.json: recording \"a\" occurs twice; give all its clicks in one list",
        ),
        (r#"{"version": 1, "click": {}}"#, "unknown field `click`"),
        (r#"{"clicks": {}}"#, "missing field `version`"),
        (r#"{"version": 1}"#, "missing field `clicks`"),
        ("{\"version\": 1,\n \"clicks\": {\"a\": [NaN]}}", "line 2"),
        (r#"{"version": 1, "clicks": {"a": [1e999]}}"#, "c.json"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(expected), "{error}\n{expected}");
    }
    let error = Clicks::read(Path::new("none.json"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("cannot read click file none.json"),
        "{error}"
    );
}

#[test]
fn clicks_behind_the_end_and_in_actions_are_found() {
    let clicks = parse(r#"{"version": 1, "clicks": {"a": [1.5, 4.0, 5.0], "b": [99]}}"#).unwrap();
    let mut a = recording("a", Some(5.0));
    a.instances = vec![Instance {
        segment: Segment::new(1.0, 4.0),
        label: 2,
    }];
    let path = Path::new("c.json");
    clicks
        .check_durations([&a, &recording("b", None)], path)
        .unwrap();
    let in_actions = clicks.in_actions([&a]);
    assert_eq!(in_actions.len(), 1);
    assert_eq!((in_actions[0].click, in_actions[0].action.label), (1.5, 2));
    a.duration = Some(4.5);
    assert_eq!(
        clicks.check_durations([&a], path).unwrap_err().to_string(),
        "c.json: recording \"a\": a click at 5 s, but the recording lasts 4.5 s; expected 0 to 4.5 s"
    );
}

#[test]
fn tables_are_told_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("A1.TXT");
    std::fs::write(
        &path,
        "URLID,URL,TagID,Tag,Start,End,Time,State\nv,v.mp4,20,background_background,2,2,1,1\n",
    )
    .unwrap();
    assert_eq!(Clicks::read(&path).unwrap().of("v"), [2.0]);
}

/// An array file of any type: what NumPy's `save` would write.
fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let unpadded = 10 + header.len() + 1;
    header += &" ".repeat(unpadded.next_multiple_of(64) - unpadded);
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values);
    bytes
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn longs(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Arrays of a recording with two and one channels, four snippets, three classes.
fn arrays() -> Vec<(&'static str, Vec<u8>)> {
    let spatial = [0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0];
    vec![
        ("feat_spa", npy("<f4", "(2, 4)", &floats(&spatial))),
        (
            "feat_tem",
            npy("<f4", "(1, 4)", &floats(&[20.0, 21.0, 22.0, 23.0])),
        ),
        (
            "cls_label",
            npy(
                "<f8",
                "(3,)",
                &[1f64, 0.0, 1.0].map(f64::to_le_bytes).concat(),
            ),
        ),
        (
            "point_label",
            npy("<i8", "(4,)", &longs(&[-100, 3, -100, 3])),
        ),
        ("vid_name", npy("<U1", "()", &[97, 0, 0, 0])),
    ]
}

fn archive(path: &Path, arrays: &[(&str, Vec<u8>)]) {
    let mut zip = ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in arrays {
        zip.start_file(format!("{name}.npy"), SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn released_archives_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("video_1.npz");
    archive(&path, &arrays());
    let read = released::read(&path).unwrap();
    assert_eq!(read.id, "video_1");
    assert_eq!((read.features.num_channels(), read.features.len()), (3, 4));
    assert_eq!(read.features.channel(1), [10.0, 11.0, 12.0, 13.0]);
    assert_eq!(read.features.channel(2), [20.0, 21.0, 22.0, 23.0]);
    assert_eq!((read.labels, read.num_classes), (vec![0, 2], 3));
    assert_eq!(read.clicks.unwrap(), [1, 3]);
    assert_eq!(
        (read.frame_num, read.fps, read.duration),
        (None, None, None)
    );

    // Those to test on have no clicks, but times.
    let mut arrays = arrays();
    arrays.retain(|(name, _)| *name != "point_label");
    arrays.push(("frame_num", npy("<i4", "()", &300i32.to_le_bytes())));
    arrays.push(("fps", npy("<f4", "()", &floats(&[30.0]))));
    arrays.push(("duration", npy("<f8", "()", &10.5f64.to_le_bytes())));
    archive(&path, &arrays);
    let read = released::read(&path).unwrap();
    assert_eq!(read.clicks, None);
    assert_eq!(
        (read.frame_num, read.fps, read.duration),
        (Some(300.0), Some(30.0), Some(10.5))
    );
}

#[test]
fn both_streams_of_a_given_archive_are_features() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.npz");
    archive(&path, &arrays());
    let mut config = crate::common::config(folder.path(), 3);
    let format = |key: &str| FeatureFormat::Npz {
        key: key.into(),
        layout: FeatureLayout::ChannelFirst,
    };
    // As the released layout is configured: neither file is looked for there.
    let dir = std::path::PathBuf::from("/nowhere/{subset}");
    config.features.dir.clone_from(&dir);
    config.features.suffix = ".npz".into();
    config.features.format = format("feat_spa");
    config.features.append = vec![AppendedFeatures {
        dir,
        prefix: String::new(),
        suffix: ".npz".into(),
        format: format("feat_tem"),
        columns: None,
    }];
    let read = |config: &DatasetConfig| {
        read_features(config, &path, Some(30.0), Some(8.0)).map_err(|error| error.to_string())
    };
    let features = read(&config).unwrap();
    assert_eq!(features.id, "new");
    assert_eq!(features.array.channel(1), [10.0, 11.0, 12.0, 13.0]);
    assert_eq!(features.array.channel(2), [20.0, 21.0, 22.0, 23.0]);
    // What is appended from elsewhere is looked for there.
    config.features.append[0].dir = "/elsewhere".into();
    let error = read(&config).unwrap_err();
    assert!(error.contains("/elsewhere/new.npz"), "{error}");
}

#[test]
fn clicks_of_released_archives_lie_in_the_middle_of_their_snippets() {
    let folder = tempfile::tempdir().unwrap();
    archive(&folder.path().join("video_1.npz"), &arrays());
    let recordings = [recording("video_1", Some(8.0)), recording("other", None)];
    let clicks = released::read_clicks(folder.path(), &recordings).unwrap();
    assert_eq!(clicks.of("video_1"), [3.0, 7.0]);
    assert_eq!(clicks.iter().count(), 1);
    let error = released::read_clicks(folder.path(), &[recording("video_1", None)]).unwrap_err();
    assert!(
        error.to_string().contains("\"video_1\" has no duration"),
        "{error}"
    );

    // The archive's own duration counts only where the recording has none.
    let mut arrays = arrays();
    arrays.push(("duration", npy("<f8", "()", &16.0f64.to_le_bytes())));
    archive(&folder.path().join("video_1.npz"), &arrays);
    for (duration, expected) in [(Some(8.0), [3.0, 7.0]), (None, [6.0, 14.0])] {
        let recordings = [recording("video_1", duration)];
        let clicks = released::read_clicks(folder.path(), &recordings).unwrap();
        assert_eq!(clicks.of("video_1"), expected);
    }
}

#[test]
fn a_folder_without_any_clicks_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let recordings = [
        recording("video_1", Some(8.0)),
        recording("video_2", Some(8.0)),
    ];
    let read = || released::read_clicks(folder.path(), &recordings).map_err(|e| e.to_string());
    let error = read().unwrap_err();
    assert!(error.contains("first looked at: "), "{error}");
    assert!(error.contains("video_1.npz"), "{error}");
    // Archives to test on have no clicks.
    let mut arrays = arrays();
    arrays.retain(|(name, _)| *name != "point_label");
    archive(&folder.path().join("video_2.npz"), &arrays);
    let error = read().unwrap_err();
    assert!(error.contains("video_2.npz"), "{error}");
    assert!(error.contains("\"point_label\""), "{error}");
}

#[test]
fn released_archives_with_other_values_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.npz");
    for (name, bytes, expected) in [
        (
            "point_label",
            npy("<i8", "(4,)", &longs(&[-100, 1, 3, 3])),
            "array \"point_label\" is 1 at snippet 1; expected 3 (background) or -100 (not clicked)",
        ),
        (
            "point_label",
            npy("<i8", "(3,)", &longs(&[3, 3, 3])),
            "array \"point_label\" has the shape [3]; expected one value per snippet, (4)",
        ),
        (
            "cls_label",
            npy("<i8", "(3,)", &longs(&[0, 2, 0])),
            "array \"cls_label\" is 2 for class 1; expected 0 or 1",
        ),
        (
            "cls_label",
            npy("<i8", "(1, 3)", &longs(&[0, 1, 0])),
            "array \"cls_label\" has the shape [1, 3]; expected one value per class",
        ),
        (
            "feat_tem",
            npy("<f4", "(1, 3)", &floats(&[0.0; 3])),
            "array \"feat_tem\" has 3 snippets; expected 4 as in feat_spa",
        ),
        (
            "feat_tem",
            npy("<f4", "(4,)", &floats(&[0.0; 4])),
            "expected (channels, snippets)",
        ),
        (
            "feat_spa",
            npy("<f4", "(1, 4)", &floats(&[0.0, f32::NAN, 0.0, 0.0])),
            "array \"feat_spa\" has NaN at channel 0, snippet 1; expected finite values",
        ),
    ] {
        let mut arrays = arrays();
        arrays.retain(|(other, _)| *other != name);
        arrays.push((name, bytes));
        archive(&path, &arrays);
        let error = released::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("v.npz") && error.contains(expected),
            "{error}"
        );
    }
    let mut arrays = arrays();
    arrays.retain(|(name, _)| *name != "cls_label");
    archive(&path, &arrays);
    let error = released::read(&path).unwrap_err().to_string();
    assert!(
        error.contains("cls_label") && error.contains("feat_spa"),
        "{error}"
    );
}
