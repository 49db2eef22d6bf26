//! Formats of annotation tools: recognised, read, written, and read again.

mod corpus;
mod drafts;
mod label_studio;
mod malformed;
mod references;
mod round_trips;
mod samples;
mod tools;
mod tools_malformed;
mod tools_readers;

use std::path::PathBuf;

use tal_exchange::{
    Event, ExchangeError, FORMATS, Format, Project, ReadOptions, Track, WriteOptions,
};

fn format(name: &str) -> &'static Format {
    Format::of_name(name).unwrap()
}

fn parse_with(
    name: &str,
    file: &str,
    bytes: &[u8],
    options: &ReadOptions,
) -> Result<Project, ExchangeError> {
    let files = [(PathBuf::from(file), bytes.to_vec())];
    tal_exchange::parse(Some(format(name)), &files, options)
}

fn parse(name: &str, file: &str, text: &str) -> Project {
    parse_with(name, file, text.as_bytes(), &ReadOptions::default()).unwrap()
}

fn event(class: &str, start: f64, end: f64) -> Event {
    Event::new(class, start, end)
}

/// Options without today's date.
fn plain() -> WriteOptions {
    WriteOptions {
        date: "2026-01-02T03:04:05".to_owned(),
        ..WriteOptions::default()
    }
}

#[test]
fn names_differ_and_every_format_can_be_read_or_written() {
    for (index, one) in FORMATS.iter().enumerate() {
        assert!(one.can_read() || one.can_write(), "{}", one.name);
        let mut others = FORMATS[..index].iter();
        assert!(others.all(|other| other.name != one.name), "{}", one.name);
    }
}

#[test]
fn what_is_written_is_recognised() {
    let events = vec![
        event("pour", 0.5, 2.0),
        event("stir", 1.0, 3.0),
        event("pour", 4.0, 5.0),
    ];
    let track = Track {
        id: "a".into(),
        events,
        duration: Some(10.0),
        fps: Some(25.0),
        ..Track::default()
    };
    let project = Project::new(vec![track]);
    for one in FORMATS
        .iter()
        .filter(|one| one.can_write() && one.can_read())
    {
        let file = tal_exchange::files(one, &project, &plain())
            .unwrap()
            .remove(0);
        let found = tal_exchange::recognise(&file.content, file.name.as_ref());
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", one.name));
        assert_eq!(found.name, one.name);
    }
}

#[test]
fn what_a_format_cannot_say_is_named_once() {
    let events = vec![
        Event {
            score: Some(0.5),
            modifiers: vec!["fast".into(), "left".into()],
            ..event("pour", -1.0, 2.0)
        },
        Event {
            subject: Some("Ann".into()),
            ..Event::point("pour", 1.0)
        },
    ];
    let project = Project::new(vec![Track {
        id: "a".into(),
        fps: Some(25.0),
        events,
        ..Track::default()
    }]);
    let losses = |name: &str| format(name).losses(&project);
    assert_eq!(
        losses("audacity").unwrap(),
        "1 score, 1 subject, 2 modifiers, 1 frame rate cannot be written to Audacity labels; starts before 0 s (1) become 0"
    );
    assert!(
        losses("srt")
            .unwrap()
            .contains("point events (1) become as short as SubRip allows")
    );
    assert_eq!(losses("boris").unwrap(), "starts before 0 s (1) become 0");
}

#[test]
fn a_file_of_no_format_says_what_it_looks_like() {
    for (content, expected) in [
        ("", "the file is empty"),
        ("{\"a\": 1, \"b\": 2}", "it is JSON with the fields a, b"),
        (
            "[{\"a\": 1}]",
            "it is a JSON list of objects with the fields a",
        ),
        (
            "<html></html>",
            "it looks like XML that begins with \"<html></html>\"",
        ),
        ("hello\nyou", "it is a text that begins with \"hello\""),
        ("\0\u{1}", "it is not a text"),
    ] {
        let error = tal_exchange::recognise(content.as_bytes(), "a.x".as_ref())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("boris, boris-csv, elan"), "{error}");
    }
}

#[test]
fn a_folder_gives_the_files_of_a_format() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("a.txt", "0\t1\tpour\n"),
        ("b.srt", "1\n00:00:01,000 --> 00:00:02,500\npour\n"),
        ("c.mp4", "film"),
    ] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let inputs = [folder.path().to_owned()];
    let read = |format| tal_exchange::read(format, &inputs, &ReadOptions::default());
    let ids =
        |project: &Project| Vec::from_iter(project.tracks.iter().map(|track| track.id.clone()));
    assert_eq!(ids(&read(Some(format("audacity"))).unwrap()), ["a"]);
    assert_eq!(ids(&read(None).unwrap()), ["a", "b"]);
    let error = read(Some(format("elan"))).unwrap_err().to_string();
    assert!(
        error.ends_with("the folder has no file with the ending .eaf"),
        "{error}"
    );
}

#[test]
fn files_are_written_to_a_folder_or_to_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let track = |id: &str| Track {
        id: id.into(),
        events: vec![event("pour", 0.0, 1.0)],
        ..Track::default()
    };
    let write = |name: &str, ids: &[&str], out: &str| {
        let project = Project::new(ids.iter().map(|id| track(id)).collect());
        tal_exchange::write(format(name), &project, &folder.path().join(out), &plain())
    };
    let names = |paths: Vec<PathBuf>| {
        let names = paths
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap());
        Vec::from_iter(names.map(|name| name.to_str().unwrap().to_owned()))
    };
    assert_eq!(
        names(write("elan", &["a", "b/c"], "d").unwrap()),
        ["d/a.eaf", "d/b_c.eaf"]
    );
    assert_eq!(
        names(write("elan", &["a"], "one.EAF").unwrap()),
        ["one.EAF"]
    );
    assert_eq!(
        names(write("boris", &["a", "b"], "d").unwrap()),
        ["d/annotations.boris"]
    );
    assert_eq!(
        names(write("boris", &["a", "b"], "p.boris.gz").unwrap()),
        ["p.boris.gz"]
    );
    let packed = std::fs::read(folder.path().join("p.boris.gz")).unwrap();
    assert!(packed.starts_with(&[0x1f, 0x8b]));
    let again = tal_exchange::read(
        None,
        &[folder.path().join("p.boris.gz")],
        &ReadOptions::default(),
    );
    assert_eq!(again.unwrap().tracks.len(), 2);
    let error = write("elan", &["a", "b"], "one.eaf")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("holds one recording, and there are 2; name a folder"),
        "{error}"
    );
    let error = write("srt", &["a/b", "a:B"], "e").unwrap_err().to_string();
    assert!(error.contains("would both be written to"), "{error}");
    let error = write("boris-csv", &["a"], "e").unwrap_err().to_string();
    assert!(
        error.contains("boris-csv cannot be written; formats that can: boris, elan"),
        "{error}"
    );
}
