//! Files for the independent readers in `tests/readers/tools.py`.

use std::path::Path;

use serde_json::json;
use tal_exchange::{
    Event, Format, LabelStudioResults, LabelStudioTemplate, Project, Track, WriteOptions,
};

const FPS: f64 = 25.0;
const CLASSES: [&str; 4] = ["pour", "stir the pot", "größer ü & <co>", "切る, \"fein\""];
const NAMES: [&str; 10] = [
    "label-studio",
    "dcase",
    "rttm",
    "bids",
    "mabe",
    "soccernet",
    "osl",
    "feral",
    "fiftyone",
    "jsonl",
];

/// Recordings with overlapping events of all classes, none of which touches another one of its class.
fn project() -> Project {
    let tracks = (0..3usize).map(|recording| {
        let events = (0..40 * recording).map(|number| {
            let class = (number * 7 + recording) % CLASSES.len();
            let first = (number / CLASSES.len() * 60 + class * 9) as f64;
            let length = (1 + (number * 13) % 50) as f64;
            Event {
                score: Some(1.0 / (number + 1) as f64),
                ..Event::new(CLASSES[class], first / FPS, (first + length) / FPS)
            }
        });
        Track {
            id: format!("day {recording} ü"),
            fps: Some(FPS),
            events: events.collect(),
            ..Track::default()
        }
    });
    Project::with_classes(CLASSES.map(str::to_owned).to_vec(), tracks.collect())
}

fn write(name: &str, project: &Project, folder: &Path, options: &WriteOptions) {
    tal_exchange::write(Format::of_name(name).unwrap(), project, folder, options).unwrap();
}

fn write_all(out: &Path) {
    let project = project();
    let recordings: Vec<_> = (project.tracks.iter())
        .map(|track| {
            let event = |one: &Event| {
                json!({"label": one.class, "start": one.start, "end": one.end, "score": one.score})
            };
            json!({"id": track.id, "events": track.events.iter().map(event).collect::<Vec<_>>()})
        })
        .collect();
    for name in NAMES {
        write(name, &project, &out.join(name), &WriteOptions::default());
    }
    for (name, template, results) in [
        (
            "timeline",
            LabelStudioTemplate::Timeline,
            LabelStudioResults::Predictions,
        ),
        (
            "labels",
            LabelStudioTemplate::Labels,
            LabelStudioResults::Predictions,
        ),
        (
            "series",
            LabelStudioTemplate::TimeSeries,
            LabelStudioResults::Predictions,
        ),
        (
            "annotations",
            LabelStudioTemplate::Timeline,
            LabelStudioResults::Annotations,
        ),
    ] {
        let options = WriteOptions {
            template: Some(template),
            results: Some(results),
            ..WriteOptions::default()
        };
        write(
            "label-studio",
            &project,
            &out.join("label-studio").join(name),
            &options,
        );
    }
    let expected = json!({"fps": FPS, "recordings": recordings}).to_string();
    std::fs::write(out.join("expected.json"), expected).unwrap();
}

#[test]
fn files_for_other_readers_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = std::env::var_os("TAL_EXCHANGE_OUT");
    let out = out.as_deref().map_or(folder.path(), Path::new);
    write_all(out);
    for name in NAMES {
        let files = std::fs::read_dir(out.join(name)).unwrap();
        assert!(files.count() > 0, "{name}");
    }
}
