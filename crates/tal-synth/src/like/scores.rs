//! Class scores of whole recordings, as a classifier of videos would give them.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};
use tal_core::GroundTruth;
use tal_core::atomic::{FolderError, write_atomic};

use crate::SynthError;

/// Score that the classes of a recording share; the others share the rest.
const PRESENT: f64 = 0.9;

/// Writes `{"results": {ID: [score, …]}, "class": [name, …]}`, which [`tal_data::class_scores`] reads.
pub(super) fn write(path: &Path, truth: &GroundTruth) -> Result<(), SynthError> {
    let ids: Vec<u32> = truth.classes.iter().map(|(id, _)| id).collect();
    let mut results = Map::new();
    for recording in &truth.recordings {
        let present: BTreeSet<u32> = recording.instances.iter().map(|i| i.label).collect();
        let absent = ids.len() - present.len();
        // Where all or none are present there is nothing to share.
        let scores: Vec<f64> = ids
            .iter()
            .map(|id| match present.contains(id) {
                true if absent == 0 => 1.0 / present.len() as f64,
                true => PRESENT / present.len() as f64,
                false if present.is_empty() => 1.0 / absent as f64,
                false => (1.0 - PRESENT) / absent as f64,
            })
            .collect();
        results.insert(recording.id.clone(), json!(scores));
    }
    let names: Vec<&str> = truth.classes.iter().map(|(_, name)| name).collect();
    let document = json!({"results": Value::Object(results), "class": names});
    write_atomic(path, |out| {
        serde_json::to_writer(&mut *out, &document)?;
        out.write_all(b"\n")
    })
    .map_err(|source| FolderError::at(path)(source).into())
}
