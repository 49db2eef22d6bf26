//! Classes that happen in a recording, from its list or from its annotated actions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tal_core::ClassMap;

use super::WeakError;
use crate::annotations::extra::Extra;

/// All classes: those of the annotated actions and those of `classes`. If the file has neither, the names of all label
/// lists in the order of the alphabet.
pub fn all_classes(
    annotated: &ClassMap,
    extra: &Extra,
    path: &Path,
) -> Result<ClassMap, WeakError> {
    let mut classes = annotated.clone();
    if let Some(names) = &extra.classes {
        for (id, name) in names.iter().enumerate() {
            classes
                .insert(id as u32, name.as_str())
                .map_err(|source| WeakError::Classes {
                    path: path.to_owned(),
                    source,
                })?;
        }
    } else if classes.is_empty() {
        let names: BTreeSet<&String> = extra.labels.values().flatten().collect();
        for (id, name) in names.into_iter().enumerate() {
            // Cannot fail: the names differ and each gets an id of its own.
            let _ = classes.insert(id as u32, name.as_str());
        }
    }
    Ok(classes)
}

/// The label lists as ids, ascending, each once.
pub(super) fn lists(
    classes: &ClassMap,
    extra: &Extra,
    path: &Path,
) -> Result<BTreeMap<String, Vec<u32>>, WeakError> {
    let ids: BTreeMap<&str, u32> = classes.iter().map(|(id, name)| (name, id)).collect();
    let mut lists = BTreeMap::new();
    for (recording, names) in &extra.labels {
        let list: BTreeSet<u32> = names
            .iter()
            .map(|name| {
                let unknown = || WeakError::UnknownClass {
                    path: path.to_owned(),
                    recording: recording.clone(),
                    label: name.clone(),
                    nearest: classes.nearest(name).map(str::to_owned),
                };
                ids.get(name.as_str()).copied().ok_or_else(unknown)
            })
            .collect::<Result<_, _>>()?;
        lists.insert(recording.clone(), list.into_iter().collect());
    }
    Ok(lists)
}
