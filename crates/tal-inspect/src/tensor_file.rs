//! Files of named tensors: checkpoints, weights of other programs, features and detections.

use std::path::Path;

use tal_data::features::{safetensors, tensors};
use tal_pth::{PthFile, Value};
use tal_runs::{CheckpointHeader, TensorEntry};

use crate::checkpoint::CheckpointFacts;
use crate::content::{Content, InspectOptions};
use crate::detections;
use crate::error::InspectError;
use crate::features::{FeatureFacts, Found};
use crate::weights::WeightFacts;

/// Most tensors of a file of features.
const MAX_ARRAYS: usize = 16;
/// Levels of dictionaries that are searched for tensors.
const DEEPEST: usize = 5;

/// A safetensors file: a checkpoint of `tal` has a manifest, features are few arrays without one.
pub(crate) fn safetensors(path: &Path, options: &InspectOptions) -> Result<Content, InspectError> {
    let header = CheckpointHeader::read(path)?;
    if let Some(manifest) = header.manifest() {
        let facts = CheckpointFacts::of(path, manifest, header.tensors, options.depth);
        return Ok(Content::Checkpoint(Box::new(facts)));
    }
    let entry = chosen(&header.tensors, options.key.as_deref());
    if let Some(entry) = entry.filter(|_| are_features(&header.tensors) || options.key.is_some()) {
        return Ok(features(
            "safetensors",
            entry,
            &header.tensors,
            safetensors::read(path, Some(&entry.name))?,
        ));
    }
    let metadata = header.metadata.into_iter().collect();
    Ok(Content::Weights(WeightFacts::new(
        "safetensors",
        metadata,
        header.tensors,
        options.depth,
    )))
}

/// A file of `torch.save` or a pickle.
pub(crate) fn pickled(path: &Path, options: &InspectOptions) -> Result<Content, InspectError> {
    let file = PthFile::open(path)?;
    let root = file.root();
    if root.get("t-start").is_some() {
        return Ok(Content::Detections(detections::read_pickle(path, root)?));
    }
    let mut entries = Vec::new();
    let mut others = Vec::new();
    collect("", root, 0, &mut entries, &mut others);
    if entries.is_empty() {
        // Data frames of pandas are objects whose columns lie deeper.
        if let Ok(facts) = detections::read_pickle(path, root) {
            return Ok(Content::Detections(facts));
        }
        let reason = format!("is a pickle without tensors: {}", root.describe());
        return Err(InspectError::unknown(path, reason));
    }
    let format = "PyTorch or pickle";
    if let Value::Tensor(_) = root {
        let array = tensors::read(path, &[])?.remove(0);
        return Ok(features(format, &entries[0], &[], array));
    }
    let entry = chosen(&entries, options.key.as_deref());
    if let Some(entry) = entry.filter(|_| are_features(&entries) || options.key.is_some())
        && root.get(&entry.name).is_some()
    {
        let array = tensors::read(path, std::slice::from_ref(&entry.name))?.remove(0);
        return Ok(features(format, entry, &entries, array));
    }
    Ok(Content::Weights(WeightFacts::new(
        format,
        others,
        entries,
        options.depth,
    )))
}

/// Tensors with dotted names, and other values in words.
fn collect(
    name: &str,
    value: &Value,
    depth: usize,
    entries: &mut Vec<TensorEntry>,
    others: &mut Vec<(String, String)>,
) {
    match value {
        Value::Tensor(tensor) => entries.push(TensorEntry {
            name: name.to_owned(),
            dtype: format!("{:?}", tensor.dtype),
            shape: tensor.shape.clone(),
        }),
        Value::Dict(members) if depth < DEEPEST => {
            for (key, member) in members {
                let key = match key {
                    Value::Str(key) => key.clone(),
                    key => key
                        .as_i64()
                        .map_or_else(|| key.describe(), |key| key.to_string()),
                };
                let name = match name {
                    "" => key,
                    _ => format!("{name}.{key}"),
                };
                collect(&name, member, depth + 1, entries, others);
            }
        }
        _ if depth <= 1 => {
            let text = value.as_i64().map(|number| number.to_string());
            let text = text.or_else(|| value.as_f64().map(|number| number.to_string()));
            let text = text.or_else(|| value.as_str().map(tal_core::excerpt));
            others.push((name.to_owned(), text.unwrap_or_else(|| value.describe())));
        }
        _ => {}
    }
}

fn chosen<'a>(entries: &'a [TensorEntry], key: Option<&str>) -> Option<&'a TensorEntry> {
    match key {
        Some(key) => entries.iter().find(|entry| entry.name == key),
        None => entries.first(),
    }
}

/// Whether tensors are features: few, all of two or three dimensions.
fn are_features(entries: &[TensorEntry]) -> bool {
    let is_one =
        |entry: &TensorEntry| (2..=3).contains(&entry.shape.len()) && !entry.name.contains('.');
    entries.len() <= MAX_ARRAYS && entries.iter().all(is_one)
}

fn features(
    format: &'static str,
    entry: &TensorEntry,
    all: &[TensorEntry],
    values: tal_data::features::npy::Array,
) -> Content {
    Content::Features(FeatureFacts::of(Found {
        format,
        array: (!entry.name.is_empty()).then(|| entry.name.clone()),
        names: all.iter().map(|entry| entry.name.clone()).collect(),
        value_type: Some(entry.dtype.clone()),
        values,
    }))
}
