//! The folder of clips.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tal_core::atomic::{FolderError, write_folder};
use tal_data::annotations;
use tal_data::json::write_pretty;

use super::{ClipError, Clips, SubsetReport};

/// Lets `fill` write clips into a folder of the name `features` and adds the other files.
pub(super) fn write(
    out: &Path,
    features: &str,
    fill: impl FnOnce(&Path) -> Result<Clips, ClipError>,
) -> Result<Vec<SubsetReport>, ClipError> {
    // The annotations last: they prove that all else is there.
    let names = [features, "dataset.yaml", "clicks.json", "annotations.json"];
    write_folder(out, &names, |folder| {
        let at = FolderError::at;
        let [features, overlay, clicks, annotations] = names.map(|name| folder.join(name));
        fs::create_dir(&features).map_err(at(&features))?;
        let clips = fill(&features)?;
        fs::write(&overlay, &clips.overlay).map_err(at(&overlay))?;
        if let Some(all) = &clips.clicks {
            all.write(&clicks)?;
        }
        write_pretty(&annotations, &document(&clips)).map_err(at(&annotations))?;
        Ok(clips.reports)
    })
}

/// The annotation file with the remainders of actions.
fn document(clips: &Clips) -> Value {
    let mut document = annotations::to_json(&clips.truth, "clips-1");
    for (id, remainders) in &clips.cut_off {
        let list = remainders.iter().map(|action| {
            json!({
                "segment": [action.segment.start, action.segment.end],
                "label": clips.truth.classes.display_name(action.label),
            })
        });
        document["database"][id.as_str()]["cut_off"] = list.collect();
    }
    document
}
