//! The JSON of ActivityNet, which HACS Segments shares.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tal_core::ClassMap;

use super::json::{Object, wrong};
use super::raw::{Label, Parsed, RawInstance, RawRecording};
use super::{ClassList, SourceError};
use tal_data::json::{Entries, from_json};

#[derive(Deserialize)]
struct Outline {
    database: Option<Entries>,
    taxonomy: Option<Value>,
}

pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Parsed, SourceError> {
    let outline: Outline = from_json(bytes, path)?;
    let database = outline.database.ok_or_else(|| {
        let expected = "an object from recording ids to recordings";
        wrong(path, "", "database", None, expected)
    })?;
    let recordings = database
        .0
        .iter()
        .map(|(id, value)| recording(id, value, path))
        .collect::<Result<_, _>>()?;
    let classes = outline.taxonomy.map(|value| taxonomy(&value, path));
    Ok(Parsed {
        recordings,
        classes: classes.transpose()?.flatten(),
    })
}

fn recording(id: &str, value: &Value, path: &Path) -> Result<RawRecording, SourceError> {
    let place = format!("recording {id:?}");
    let entry = Object::new(value, "recording", path, place.clone())?;
    Ok(RawRecording {
        id: id.to_owned(),
        subset: Some(
            entry
                .text("subset", "training, validation or testing")?
                .to_owned(),
        ),
        duration: entry.positive("duration", "seconds above 0")?,
        fps: entry.positive("fps", "frames per second above 0")?,
        instances: instances(&entry, path, &place)?,
        not_primary: Vec::new(),
        path: path.to_owned(),
    })
}

/// The annotations of a recording.
pub(super) fn instances(
    recording: &Object<'_>,
    path: &Path,
    place: &str,
) -> Result<Vec<RawInstance>, SourceError> {
    let annotations = recording.list("annotations", true, "a list")?;
    annotations
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let place = format!("{place}, annotation {index}");
            let entry = Object::new(value, "annotation", path, place)?;
            Ok(RawInstance {
                segment: entry.segment("segment")?,
                label: Label::Name(entry.text("label", "the name of a class")?.to_owned()),
            })
        })
        .collect()
}

/// The nodes that are nobody's parent are the classes: they are the same in every part of the data set.
fn taxonomy(value: &Value, path: &Path) -> Result<Option<ClassList>, SourceError> {
    let Value::Array(nodes) = value else {
        let expected = "a list of nodes with nodeName and parentName";
        return Err(wrong(path, "", "taxonomy", Some(value), expected));
    };
    let (mut names, mut parents) = (BTreeSet::new(), BTreeSet::new());
    for (index, node) in nodes.iter().enumerate() {
        let node = Object::new(node, "node", path, format!("taxonomy, node {index}"))?;
        let name = node.text("nodeName", "the name of a node")?;
        names.insert(name);
        // The root has none.
        if let Ok(parent) = node.text("parentName", "") {
            parents.insert(parent);
        }
    }
    let leaves: Vec<&str> = names.difference(&parents).copied().collect();
    if leaves.is_empty() {
        return Ok(None);
    }
    let map = ClassMap::from_names(leaves).map_err(|source| SourceError::Classes {
        path: path.to_owned(),
        source,
    })?;
    Ok(Some(ClassList::from_map(map)))
}
