//! Ids of the labels of an annotation file.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use tal_core::ClassMap;

use super::AnnotationError;
use super::draft::{Draft, Sink};

/// Most conflicts between labels and ids that are reported; a file with more has ids without meaning.
const MAX_CONFLICTS: usize = 100;

/// The classes of the annotations: by their ids, or, if none has an id, by the file's list, or else by their sorted names.
/// Every draft that stays gets its id.
pub(super) fn class_map<'a>(
    path: &Path,
    drafts: &mut Vec<Draft<'a>>,
    listed: Option<&[&str]>,
    sink: &mut Sink<'_>,
) -> Result<ClassMap, AnnotationError> {
    if drafts.iter().any(|draft| draft.id.is_some()) {
        if let Some(classes) = by_ids(drafts, sink)? {
            return Ok(classes);
        }
        drafts.iter_mut().for_each(|draft| draft.id = None);
    }
    let names: BTreeSet<&'a str> = drafts.iter().map(|draft| draft.label).collect();
    let mut classes = ClassMap::default();
    let mut is_listed = false;
    match listed.map(|names| ClassMap::from_names(names.iter().copied())) {
        Some(Ok(list)) => (classes, is_listed) = (list, true),
        Some(Err(source)) => {
            let path = path.to_owned();
            sink(AnnotationError::ClassList { path, source })?;
        }
        None => {}
    }
    if !is_listed {
        for (id, name) in names.iter().enumerate() {
            // Cannot fail: the names differ and each gets an id of its own.
            let _ = classes.insert(id as u32, *name);
        }
    }
    let ids: HashMap<&str, u32> = classes.iter().map(|(id, name)| (name, id)).collect();
    for mut draft in std::mem::take(drafts) {
        draft.id = ids.get(draft.label).copied();
        if draft.id.is_some() {
            drafts.push(draft);
        } else {
            sink(AnnotationError::UnlistedLabel {
                label: draft.label.to_owned(),
                nearest: classes.nearest(draft.label).map(str::to_owned),
                place: draft.place,
            })?;
        }
    }
    Ok(classes)
}

/// The classes by the ids of the annotations; `None` if there are too many conflicts to believe them.
///
/// The pair of label and id that stands first in the file stays. A conflicting pair is reported once, and so is a label that has
/// no id anywhere.
fn by_ids<'a>(
    drafts: &mut Vec<Draft<'a>>,
    sink: &mut Sink<'_>,
) -> Result<Option<ClassMap>, AnnotationError> {
    let mut classes = ClassMap::default();
    let mut known: HashMap<&'a str, u32> = HashMap::new();
    let mut refused: HashSet<(&'a str, u32)> = HashSet::new();
    let mut is_believed = true;
    for draft in drafts.iter() {
        let Some(id) = draft.id else { continue };
        let pair = (draft.label, id);
        if known.get(draft.label) == Some(&id) || refused.contains(&pair) {
            continue;
        }
        let Err(source) = classes.insert(id, draft.label) else {
            known.insert(draft.label, id);
            continue;
        };
        let place = draft.place.clone();
        sink(AnnotationError::ClassConflict { place, source })?;
        if refused.len() + 1 == MAX_CONFLICTS {
            is_believed = false;
            break;
        }
        refused.insert(pair);
    }
    drafts.retain(|draft| {
        draft
            .id
            .is_none_or(|id| !refused.contains(&(draft.label, id)))
    });
    if !is_believed {
        return Ok(None);
    }
    let mut without_id = HashSet::new();
    for mut draft in std::mem::take(drafts) {
        draft.id = known.get(draft.label).copied();
        if draft.id.is_some() {
            drafts.push(draft);
        } else if without_id.insert(draft.label) {
            let label = draft.label.to_owned();
            let place = draft.place;
            sink(AnnotationError::MissingLabelId { place, label })?;
        }
    }
    Ok(Some(classes))
}
