//! The JSON that MultiTHUMOS (and Charades) were turned into for models of overlapping actions:
//! `{"ID": {"duration": 16.1, "subset": "training", "actions": [[39, 2.0, 3.7]]}}`, actions as number, start and end.

use std::path::Path;

use serde_json::Value;
use tal_core::Segment;

use super::SourceError;
use super::json::{Object, number, wrong};
use super::raw::{Label, Parsed, RawInstance, RawRecording};
use tal_data::json::{Entries, from_json};

pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Parsed, SourceError> {
    let entries: Entries = from_json(bytes, path)?;
    let recordings = entries
        .0
        .iter()
        .map(|(id, value)| recording(id, value, path))
        .collect::<Result<_, _>>()?;
    Ok(Parsed {
        recordings,
        classes: None,
    })
}

fn recording(id: &str, value: &Value, path: &Path) -> Result<RawRecording, SourceError> {
    let place = format!("recording {id:?}");
    let entry = Object::new(value, "recording", path, place.clone())?;
    let actions = entry.list("actions", false, "a list of [class, start, end]")?;
    let instances = actions
        .iter()
        .enumerate()
        .map(|(index, value)| {
            action(value).ok_or_else(|| {
                let place = format!("{place}, action {index}");
                let expected = "[class, start, end]: a whole number from 0 and two of seconds";
                wrong(path, &place, "actions", Some(value), expected)
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(RawRecording {
        id: id.to_owned(),
        subset: Some(entry.text("subset", "training or testing")?.to_owned()),
        duration: entry.positive("duration", "seconds above 0")?,
        fps: None,
        instances,
        not_primary: Vec::new(),
        path: path.to_owned(),
    })
}

fn action(value: &Value) -> Option<RawInstance> {
    let [class, start, end] = value.as_array()?.as_slice() else {
        return None;
    };
    // Some writers turn whole numbers into floats.
    let class =
        number(class).filter(|n| *n >= 0.0 && n.fract() == 0.0 && *n < f64::from(u32::MAX))?;
    Some(RawInstance {
        segment: Segment::new(number(start)?, number(end)?),
        label: Label::Number(class as u32),
    })
}
