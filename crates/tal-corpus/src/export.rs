//! Annotations in other formats.

use std::path::Path;

use serde_json::{Map, Value, json};
use tal_core::atomic::write_atomic;
use tal_core::{ClassMap, GroundTruth};

use crate::source::COLUMNS;
use tal_data::AnnotationError;

/// Writes the JSON of ActivityNet: labels without ids, the classes as leaves of a taxonomy. An existing file is replaced at
/// once.
///
/// Evaluators of the ActivityNet challenge read it; frame rates are not part of it.
///
/// # Units
/// Segments and durations in seconds.
///
/// # Errors
/// If the file cannot be written.
pub fn write_activity_net(
    path: &Path,
    truth: &GroundTruth,
    version: &str,
) -> Result<(), AnnotationError> {
    let mut database = Map::new();
    for recording in &truth.recordings {
        let annotations: Vec<Value> = recording
            .instances
            .iter()
            .map(|instance| {
                json!({
                    "segment": [instance.segment.start, instance.segment.end],
                    "label": truth.classes.display_name(instance.label),
                })
            })
            .collect();
        let mut entry = Map::new();
        if let Some(duration) = recording.duration {
            entry.insert("duration".into(), json!(duration));
        }
        entry.insert("subset".into(), json!(recording.subset));
        entry.insert("annotations".into(), Value::Array(annotations));
        database.insert(recording.id.clone(), Value::Object(entry));
    }
    let document = json!({
        "version": version,
        "taxonomy": taxonomy(&truth.classes),
        "database": database,
    });
    write_atomic(path, |out| {
        serde_json::to_writer(&mut *out, &document)?;
        out.write_all(b"\n")
    })
    .map_err(|source| AnnotationError::Write {
        path: path.to_owned(),
        source,
    })
}

fn taxonomy(classes: &ClassMap) -> Vec<Value> {
    let root = json!({"nodeId": 0, "nodeName": "Root", "parentId": null, "parentName": null});
    let leaves = classes.iter().map(|(id, name)| {
        json!({"nodeId": u64::from(id) + 1, "nodeName": name, "parentId": 0, "parentName": "Root"})
    });
    std::iter::once(root).chain(leaves).collect()
}

/// Writes a table with a row per annotation, which [`crate::source::SourceFormat::Csv`] reads back; a recording without
/// annotations has a row without times and label. An existing file is replaced at once.
///
/// # Units
/// Times in seconds, `fps` in frames per second.
///
/// # Errors
/// If the file cannot be written.
pub fn write_csv(path: &Path, truth: &GroundTruth) -> Result<(), AnnotationError> {
    write_atomic(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(COLUMNS)?;
        for recording in &truth.recordings {
            let optional = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
            let mut row = [
                recording.id.clone(),
                String::new(),
                String::new(),
                String::new(),
                recording.subset.clone(),
                optional(recording.duration),
                optional(recording.fps),
                String::new(),
            ];
            if recording.instances.is_empty() {
                writer.write_record(&row)?;
            }
            for instance in &recording.instances {
                row[1] = instance.segment.start.to_string();
                row[2] = instance.segment.end.to_string();
                row[3] = truth.classes.display_name(instance.label);
                row[7] = instance.label.to_string();
                writer.write_record(&row)?;
            }
        }
        writer.flush()
    })
    .map_err(|source| AnnotationError::Write {
        path: path.to_owned(),
        source,
    })
}
