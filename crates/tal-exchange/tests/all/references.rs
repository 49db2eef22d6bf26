//! Files of every format for independent readers, see `tests/readers/formats.py`.

use std::path::Path;

use serde_json::json;
use tal_exchange::{Event, FORMATS, Project, Track, WriteOptions};

use super::plain;

/// Recordings with overlapping, repeated, zero-length and point events, and names with all kinds of letters.
fn project() -> Project {
    let classes = [
        "pour",
        "stir",
        "gießen & <b>",
        "日本 \"x\"",
        "a,b;c",
        "pour-2",
    ];
    let mut state = 7_u64;
    let mut draw = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut track = |id: &str, num: usize| {
        let events = (0..num).map(|number| {
            let start = draw(90_000);
            let length = if number % 10 == 3 { 0 } else { draw(8_000) };
            let class = if number % 8 == 5 {
                "bell"
            } else {
                classes[draw(6) as usize]
            };
            Event {
                score: (number % 3 > 0).then(|| draw(10_000) as f64 / 1e4),
                subject: (number % 4 == 1).then(|| "rat 1".to_owned()),
                end: (class != "bell").then_some((start + length) as f64 / 1e3),
                ..Event::point(class, start as f64 / 1e3)
            }
        });
        Track {
            id: id.to_owned(),
            duration: Some(100.0),
            fps: Some(25.0),
            events: events.collect(),
            ..Track::default()
        }
    };
    Project::new(vec![
        track("a", 60),
        track("Küche 2.x", 30),
        track("none", 0),
    ])
}

/// Writes `FOLDER/FORMAT/…` and `FOLDER/source.json`, the same events as they are, if `TAL_FORMAT_FILES` names a folder.
#[test]
fn format_files() {
    let Some(folder) = std::env::var_os("TAL_FORMAT_FILES") else {
        eprintln!("skipped: TAL_FORMAT_FILES is not set");
        return;
    };
    let folder = Path::new(&folder);
    let project = project();
    let options = WriteOptions {
        fps: Some(25.0),
        ..plain()
    };
    for format in FORMATS.iter().filter(|format| format.can_write()) {
        let out = folder.join(format.name);
        if out.exists() {
            std::fs::remove_dir_all(&out).unwrap();
        }
        tal_exchange::write(format, &project, &out, &options)
            .unwrap_or_else(|error| panic!("{}: {error}", format.name));
    }
    let recordings = project.tracks.iter().map(|track| {
        let events = track.events.iter().map(|event| {
            json!({
                "class": event.class,
                "start": event.start,
                "end": event.end,
                "subject": event.subject,
                "score": event.score,
            })
        });
        json!({
            "id": track.id,
            "duration": track.duration,
            "fps": track.fps,
            "events": events.collect::<Vec<_>>(),
        })
    });
    let source = json!({"classes": project.classes, "recordings": recordings.collect::<Vec<_>>()});
    std::fs::write(folder.join("source.json"), source.to_string()).unwrap();
}
