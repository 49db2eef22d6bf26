//! The second side of a comparison: detections, or another annotator's annotations.

use std::path::Path;

use anyhow::{Result, anyhow};
use tal_core::{ClassMap, Detection, DetectionSet};
use tal_data::{annotations, results};

/// Reads detections, or the annotations of another annotator as detections with the score 1.
pub(super) fn read(file: &Path, classes: &ClassMap) -> Result<DetectionSet> {
    let error = match results::read(file, classes) {
        Ok(detections) => return Ok(detections),
        Err(error) => error,
    };
    // Whatever is no annotation file either is answered as a file of detections.
    let Ok(other) = annotations::read(file, None) else {
        return Err(error.into());
    };
    let mut detections = DetectionSet::new();
    for recording in &other.recordings {
        let rows = recording.instances.iter().map(|instance| -> Result<Detection> {
            let name = other.classes.display_name(instance.label);
            let label = classes.id(&name).ok_or_else(|| {
                let known: Vec<&str> = classes.iter().map(|(_, name)| name).take(5).collect();
                anyhow!(
                    "{}: recording {:?} has the class {name:?}, which the annotations lack; theirs begin with {}",
                    file.display(),
                    recording.id,
                    known.join(", ")
                )
            })?;
            Ok(Detection {
                segment: instance.segment,
                label,
                score: 1.0,
            })
        });
        detections.insert(recording.id.clone(), rows.collect::<Result<_>>()?);
    }
    Ok(detections)
}
