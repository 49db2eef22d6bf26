//! BORIS projects written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::lanes;
use crate::marks::{OVERLAPPING, SEPARATOR, comment};
use crate::model::{Event, Project, Track};
use crate::options::is_sound;
use crate::{ExchangeError, WriteOptions};

/// Version of the format, not the newest, so that older BORIS opens it, too.
const VERSION: &str = "7.0";
/// Steps in a second.
const TICKS: f64 = 1e3;
/// Keys of the keyboard for behaviours.
const KEYS: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

pub(super) fn write(project: &Project, options: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let mut subjects: BTreeMap<String, &str> = BTreeMap::new();
    let mut observations = Map::new();
    let points: BTreeSet<&str> = (project.classes.iter().map(String::as_str))
        .filter(|class| is_point(class, project))
        .collect();
    for track in &project.tracks {
        let events = rows(track, &points, &mut subjects, options)?;
        observations.insert(track.id.clone(), observation(track, events, options));
    }
    let subjects = (0..).zip(subjects).map(|(number, (name, description))| {
        let subject = json!({"key": "", "name": name, "description": description});
        (i32::to_string(&number), subject)
    });
    let document = json!({
        "time_format": "hh:mm:ss",
        "project_date": options.date,
        "project_name": "tal",
        "project_description": "",
        "project_format_version": VERSION,
        "subjects_conf": Value::Object(subjects.collect()),
        "behaviors_conf": behaviours(project, &points),
        "observations": observations,
        "behavioral_categories": [],
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    });
    let mut text = serde_json::to_vec_pretty(&document).unwrap_or_default();
    text.push(b'\n');
    Ok(text)
}

/// Whether all events of a class are points.
fn is_point(class: &str, project: &Project) -> bool {
    let mut events = project
        .events()
        .filter(|event| event.class == class)
        .peekable();
    events.peek().is_some() && events.all(|event| event.end.is_none())
}

fn behaviours(project: &Project, points: &BTreeSet<&str>) -> Value {
    let mut keys: Vec<char> = KEYS.chars().collect();
    let mut values: BTreeMap<&str, Vec<BTreeSet<&str>>> = BTreeMap::new();
    for event in project.events() {
        let sets = values.entry(&event.class).or_default();
        sets.resize(sets.len().max(event.modifiers.len()), BTreeSet::new());
        for (set, modifier) in sets.iter_mut().zip(&event.modifiers) {
            set.insert(modifier);
        }
    }
    let behaviours = (0..).zip(&project.classes).map(|(number, class)| {
        let first = class.chars().next().map_or(' ', |letter| letter.to_ascii_lowercase());
        let key = keys.iter().position(|key| *key == first).or((!keys.is_empty()).then_some(0));
        let key = key.map(|place| keys.remove(place).to_string());
        let sets = values.remove(class.as_str()).unwrap_or_default();
        let sets = (0..).zip(sets).map(|(number, set)| {
            let set = json!({"name": "", "description": "", "type": 0, "ask at stop": false, "values": set});
            (i32::to_string(&number), set)
        });
        let sets: Map<String, Value> = sets.collect();
        let behaviour = json!({
            "type": if points.contains(class.as_str()) { "Point event" } else { "State event" },
            "key": key.unwrap_or_default(),
            "code": class,
            "description": "",
            "color": "",
            "category": "",
            "modifiers": if sets.is_empty() { json!("") } else { Value::Object(sets) },
            "excluded": "",
            "coding map": "",
        });
        (i32::to_string(&number), behaviour)
    });
    Value::Object(behaviours.collect())
}

fn observation(track: &Track, events: Vec<Value>, options: &WriteOptions) -> Value {
    let media = options.media_of(track);
    let of_media = |value: Option<Value>| {
        let pairs = value.map(|value| (media.clone(), value));
        Value::Object(pairs.into_iter().collect())
    };
    let is_sound = is_sound(&media);
    let mut files: Map<String, Value> = (1..=8).map(|n| (n.to_string(), json!([]))).collect();
    files.insert("1".to_owned(), json!([media]));
    json!({
        "file": files,
        "type": "MEDIA",
        "date": options.date,
        "description": "",
        "time offset": 0,
        "events": events,
        "observation time interval": [0, 0],
        "independent_variables": {},
        "visualize_spectrogram": false,
        "visualize_waveform": false,
        "close_behaviors_between_videos": false,
        "media_info": {
            "length": of_media(track.duration.map(|duration| json!(duration))),
            "fps": of_media(options.fps_of(track).map(|fps| json!(fps))),
            "hasVideo": of_media(Some(json!(!is_sound))),
            "hasAudio": of_media(Some(json!(is_sound))),
            "offset": {"1": 0.0},
        },
    })
}

/// Rows by time. A state that overlaps another one of its class and subject gets a subject of its own.
fn rows(
    track: &Track,
    points: &BTreeSet<&str>,
    subjects: &mut BTreeMap<String, &str>,
    options: &WriteOptions,
) -> Result<Vec<Value>, ExchangeError> {
    let fps = options.fps_of(track);
    let mut rows: Vec<(i64, Value)> = Vec::new();
    let mut add = |time: i64, subject: &str, event: &Event, comment: String| {
        let seconds = time as f64 / TICKS;
        let frame = fps.map_or_else(|| json!("NA"), |fps| json!((seconds * fps).round() as i64));
        let modifiers = event.modifiers.join(&SEPARATOR.to_string());
        rows.push((
            time,
            json!([seconds, subject, event.class, modifiers, comment, frame]),
        ));
    };
    let lanes = lanes::lanes(&[], &track.events, TICKS, 0);
    for lane in &lanes {
        let first = lane.subject.unwrap_or_default();
        let is_point = points.contains(lane.class);
        let subject = match lane.number {
            number if number > 1 && !is_point => format!("{first} #{number}").trim().to_owned(),
            _ => first.to_owned(),
        };
        for (start, end, event) in &lane.events {
            if let Some(modifier) = event.modifiers.iter().find(|text| text.contains(SEPARATOR)) {
                return Err(ExchangeError::Unwritable {
                    id: track.id.clone(),
                    format: "BORIS project",
                    reason: format!(
                        "the modifier {modifier:?} has a {SEPARATOR}, which separates modifiers; rename it"
                    ),
                });
            }
            if !subject.is_empty() {
                subjects.insert(
                    subject.clone(),
                    if subject == first { "" } else { OVERLAPPING },
                );
            }
            add(
                *start,
                &subject,
                event,
                comment(event.score, event.comment.as_deref()),
            );
            if !is_point {
                add(*end, &subject, event, String::new());
            }
        }
    }
    rows.sort_by_key(|(time, _)| *time);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}
