//! Broken annotation files: their right parts, and all errors.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tal_core::GroundTruth;

use super::document::Document;
use super::{AnnotationError, SegmentRule, check, read_bytes};
use crate::json::from_json;

/// Result of [`salvage`].
#[derive(Debug)]
pub struct Salvage {
    /// The recordings and annotations that are right.
    pub truth: GroundTruth,
    /// All errors: those of single recordings and annotations in the order of the file, then those of labels and ids.
    pub errors: Vec<AnnotationError>,
    /// Subsets of the recordings that occur more than once, by their ids.
    pub repeated: BTreeMap<String, Vec<String>>,
}

/// Reads an annotation file as [`super::read`] does, but leaves out wrong parts instead of stopping there.
///
/// A wrong annotation is left out alone, a wrong recording with all its annotations. Of a label with two ids, or an id with
/// two labels, the pair that stands first in the file stays.
///
/// # Errors
/// A file that is unreadable, not JSON, or without database.
pub fn salvage(path: &Path, num_classes: Option<usize>) -> Result<Salvage, AnnotationError> {
    let document: Document = from_json(&read_bytes(path)?, path)?;
    let mut errors = Vec::new();
    let truth = check::ground_truth(
        &document,
        path,
        num_classes,
        SegmentRule::AUDIT,
        &mut |error| {
            errors.push(error);
            Ok(())
        },
    )?;
    let mut repeated: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, value) in &document.entries(path)?.0 {
        let subset = value.get("subset").and_then(Value::as_str);
        let subsets = repeated.entry(id.clone()).or_default();
        subsets.push(subset.unwrap_or_default().to_owned());
    }
    repeated.retain(|_, subsets| subsets.len() > 1);
    Ok(Salvage {
        truth,
        errors,
        repeated,
    })
}
