//! Formats of annotation tools: recognised, read, written, and read again.

use std::path::PathBuf;

use tal_corpus::exchange::{
    self, Event, FORMATS, Format, Project, ReadOptions, Track, WriteOptions,
};

fn format(name: &str) -> &'static Format {
    Format::of_name(name).unwrap()
}

fn parse(name: &str, file: &str, text: &str) -> Project {
    let files = [(PathBuf::from(file), text.as_bytes().to_vec())];
    exchange::parse(Some(format(name)), &files, &ReadOptions::default()).unwrap()
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
        Event::new("pour", 0.5, 2.0),
        Event::new("stir", 1.0, 3.0),
        Event::new("pour", 4.0, 5.0),
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
        let file = exchange::files(one, &project, &WriteOptions::default())
            .unwrap()
            .remove(0);
        let found = exchange::recognise(&file.content, file.name.as_ref());
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", one.name));
        assert_eq!(found.name, one.name);
    }
}

#[test]
fn audacity_labels_are_read() {
    let project = parse(
        "audacity",
        "b.txt",
        "0.5\t2\tpour\n\\\t100\t200\n3,25\t3,25\tbell ü\n",
    );
    let events = [Event::new("pour", 0.5, 2.0), Event::point("bell ü", 3.25)];
    assert_eq!(project.tracks[0].id, "b");
    assert_eq!(project.tracks[0].events, events);
    assert_eq!(project.unread.get("frequency ranges"), Some(&1));
}
