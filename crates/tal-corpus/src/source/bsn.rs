//! The JSON of BSN, BMN and mmaction2:
//! `{"v_ID": {"duration_second": 82.7, "annotations": [{"segment": [6.1, 11.5], "label": "…"}]}}`, no subset.

use std::path::Path;

use super::SourceError;
use super::activity_net::instances;
use super::json::Object;
use super::raw::{Parsed, RawRecording};
use tal_data::json::{Entries, from_json};

pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Parsed, SourceError> {
    let entries: Entries = from_json(bytes, path)?;
    let recordings = entries
        .0
        .iter()
        .map(|(id, value)| {
            let place = format!("recording {id:?}");
            let entry = Object::new(value, "recording", path, place.clone())?;
            Ok(RawRecording {
                id: id.to_owned(),
                subset: entry.optional_text("subset", "a text, such as \"training\"")?,
                duration: entry.positive("duration_second", "seconds above 0")?,
                fps: None,
                instances: instances(&entry, path, &place)?,
                not_primary: Vec::new(),
                path: path.to_owned(),
            })
        })
        .collect::<Result<_, SourceError>>()?;
    Ok(Parsed {
        recordings,
        classes: None,
    })
}
