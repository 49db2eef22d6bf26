//! VIA 3 projects written.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::attributes::{CLASS, FURTHER, SELECT, SEPARATOR, TEXT};
use crate::model::{Event, Project};
use crate::options::{file_name, is_sound};
use crate::{ExchangeError, WriteOptions};

/// Version of the format.
const VERSION: &str = "3.1.1";
/// Attributes of segments in time.
const ANCHOR: &str = "FILE1_Z2_XY0";

pub(super) fn write(project: &Project, options: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let further: Vec<&str> = FURTHER
        .into_iter()
        .filter(|name| project.events().any(|event| value(event, name).is_some()))
        .collect();
    let numbers: BTreeMap<&str, usize> = project
        .classes
        .iter()
        .map(String::as_str)
        .zip(0..)
        .collect();
    let choices = numbers_in_order(&project.classes);
    let attribute = |name: &str, kind: u64, choices: Map<String, Value>| {
        json!({
            "aname": name,
            "anchor_id": ANCHOR,
            "type": kind,
            "desc": "",
            "options": choices,
            "default_option_id": "",
        })
    };
    let mut attributes = Map::new();
    attributes.insert("1".to_owned(), attribute(CLASS, SELECT, choices));
    for (number, name) in (2..).zip(&further) {
        attributes.insert(i32::to_string(&number), attribute(name, TEXT, Map::new()));
    }
    let (mut files, mut views, mut metadata) = (Map::new(), Map::new(), Map::new());
    let mut ids = Vec::new();
    for (number, track) in (1..).zip(&project.tracks) {
        let id = i32::to_string(&number);
        let media = options.media_of(track);
        let ending = file_name(&media)
            .rsplit_once('.')
            .map_or("mp4", |(_, ending)| ending);
        let name = format!("{}.{ending}", track.id);
        let (place, source) = match media.split_once("://") {
            Some(("http" | "https", _)) => (2, media.as_str()),
            Some(("file", _)) => (3, media.as_str()),
            // A page may not open files: the user picks those that have this name.
            _ => (1, ""),
        };
        let kind = if is_sound(&media) { 8 } else { 4 };
        files.insert(
            id.clone(),
            json!({"fid": id, "fname": name, "type": kind, "loc": place, "src": source}),
        );
        views.insert(id.clone(), json!({"fid_list": [id]}));
        for (number, event) in (1..).zip(&track.events) {
            let time = |seconds: f64| (seconds * 1e3).round() / 1e3;
            let times: Vec<f64> = [Some(event.start), event.end]
                .into_iter()
                .flatten()
                .map(time)
                .collect();
            let class = numbers
                .get(event.class.as_str())
                .copied()
                .unwrap_or_default();
            let mut values = Map::new();
            values.insert("1".to_owned(), json!(class.to_string()));
            for (number, name) in (2..).zip(&further) {
                if let Some(text) = value(event, name) {
                    values.insert(i32::to_string(&number), json!(text));
                }
            }
            metadata.insert(
                format!("{id}_{}", i32::to_string(&number)),
                json!({"vid": id, "flg": 0, "z": times, "xy": [], "av": values}),
            );
        }
        ids.push(id);
    }
    let document = json!({
        "project": {
            "pid": "__VIA_PROJECT_ID__",
            "rev": "__VIA_PROJECT_REV_ID__",
            "rev_timestamp": "__VIA_PROJECT_REV_TIMESTAMP__",
            "pname": "tal",
            "data_format_version": VERSION,
            "creator": "tal",
            "created": 0,
            "vid_list": ids,
        },
        "config": {
            "file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}},
            "ui": {
                "file_content_align": "center",
                "file_metadata_editor_visible": true,
                "spatial_metadata_editor_visible": true,
                "spatial_region_label_attribute_id": "",
                "gtimeline_visible_row_count": "4",
            },
        },
        "attribute": attributes,
        "file": files,
        "metadata": metadata,
        "view": views,
    });
    Ok(serde_json::to_vec(&document).unwrap_or_default())
}

fn numbers_in_order(classes: &[String]) -> Map<String, Value> {
    let choices = classes.iter().enumerate();
    choices
        .map(|(number, class)| (number.to_string(), json!(class)))
        .collect()
}

/// Text of an attribute, if the event has one.
fn value(event: &Event, attribute: &str) -> Option<String> {
    match attribute {
        super::attributes::SCORE => event.score.map(|score| format!("{score:.4}")),
        super::attributes::SUBJECT => event.subject.clone(),
        super::attributes::ANNOTATOR => event.annotator.clone(),
        super::attributes::COMMENT => event.comment.clone(),
        _ => (!event.modifiers.is_empty()).then(|| event.modifiers.join(SEPARATOR)),
    }
}
