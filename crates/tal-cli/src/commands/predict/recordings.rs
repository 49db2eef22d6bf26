//! The recordings of the command line: each once, or those that are named.

use std::collections::BTreeMap;

use anyhow::Result;
use tal_core::quoted_list;
use tal_engine::predict::Unit;

use super::source::Source;
use crate::args::PredictArgs;
use crate::failure::{UsageError, bail_usage};

/// The recordings to predict, after a check that their ids differ.
pub(super) fn chosen(
    args: &PredictArgs,
    units: Vec<Unit>,
    source: &mut Source<'_>,
) -> Result<Vec<Unit>> {
    let mut place_of: BTreeMap<String, usize> = BTreeMap::new();
    for (place, unit) in units.iter().enumerate() {
        let id = source.id(unit)?;
        if let Some(first) = place_of.insert(id.clone(), place) {
            return Err(UsageError(format!(
                "{} and {} both belong to the recording {id:?}; if folders tell them apart, name the folder that ids begin in \
                 with --below",
                units[first].path().display(),
                unit.path().display(),
            ))
            .into());
        }
    }
    let is_absent = |id: &&String| !place_of.contains_key(*id);
    if let Some(absent) = args.recording.iter().find(is_absent) {
        bail_usage!(
            "--recording {absent}: the files hold {}",
            quoted_list(place_of.keys())
        );
    }
    let mut kept = vec![args.recording.is_empty(); units.len()];
    for place in args.recording.iter().filter_map(|id| place_of.get(id)) {
        kept[*place] = true;
    }
    let pairs = units.into_iter().zip(kept);
    let units: Vec<Unit> = pairs
        .filter_map(|(unit, kept)| kept.then_some(unit))
        .collect();
    if args.duration.is_some() && units.len() > 1 {
        bail_usage!(
            "--duration belongs to one recording, but there are {}",
            units.len()
        );
    }
    Ok(units)
}
