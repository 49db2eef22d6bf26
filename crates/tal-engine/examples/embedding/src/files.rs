//! Annotations of any format to a file of detections.

use std::error::Error;
use std::path::Path;

use tal_core::{Detection, DetectionSet};
use tal_corpus::source::{self, SourceFormat, SourceOptions};

/// Writes every annotation of a table as a certain detection, such as to see that it scores 100 mAP.
pub(crate) fn convert(annotations: &Path, detections: &Path) -> Result<(), Box<dyn Error>> {
    let format = SourceFormat::of_name("csv").ok_or("an unknown format")?;
    let truth = source::read(format, &[annotations.to_owned()], &SourceOptions::default())?.truth;
    let mut found = DetectionSet::new();
    for recording in truth.recordings {
        let certain = recording.instances.iter().map(|action| Detection {
            segment: action.segment,
            score: 1.0,
            label: action.label,
        });
        found.insert(recording.id.clone(), certain.collect());
    }
    Ok(tal_data::results::write(detections, &found, &truth.classes)?)
}
