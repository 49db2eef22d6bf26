//! The shared JSON, with its own strict reader.

use std::path::Path;

use super::raw::{Label, Parsed, RawInstance, RawRecording};
use super::{ClassList, SourceError};
use tal_data::annotations::{self, SegmentRule};

pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Parsed, SourceError> {
    let truth = annotations::parse_with(bytes, path, None, SegmentRule::ALL)?;
    let recordings = truth
        .recordings
        .into_iter()
        .map(|recording| RawRecording {
            instances: recording
                .instances
                .iter()
                .map(|instance| RawInstance {
                    segment: instance.segment,
                    label: Label::Name(truth.classes.display_name(instance.label)),
                })
                .collect(),
            id: recording.id,
            subset: Some(recording.subset),
            duration: recording.duration,
            fps: recording.fps,
            not_primary: Vec::new(),
            path: path.to_owned(),
        })
        .collect();
    Ok(Parsed {
        recordings,
        classes: Some(ClassList::from_map(truth.classes)),
    })
}
