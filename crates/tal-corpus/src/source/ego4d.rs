//! The JSON of Ego4D's Moments Queries, `moments_train.json` and `moments_val.json`.

use std::path::Path;

use serde_json::Value;
use tal_core::Segment;

use super::SourceError;
use super::json::Object;
use super::raw::{Label, Parsed, RawInstance, RawRecording};
use tal_data::json::from_json;

/// The files of a folder.
pub(super) const FILES: [&str; 3] = [
    "moments_train.json",
    "moments_val.json",
    "moments_test_unannotated.json",
];

pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Parsed, SourceError> {
    let root: Value = from_json(bytes, path)?;
    let root = Object::new(&root, "file", path, String::new())?;
    let mut recordings = Vec::new();
    for (index, video) in root.list("videos", false, "a list")?.iter().enumerate() {
        let place = format!("video {index}");
        let video = Object::new(video, "video", path, place.clone())?;
        let subset = video.text("split", "train, val or test")?;
        for (index, clip) in video.list("clips", false, "a list")?.iter().enumerate() {
            let place = format!("{place}, clip {index}");
            recordings.push(recording(clip, subset, path, place)?);
        }
    }
    Ok(Parsed {
        recordings,
        classes: None,
    })
}

fn recording(
    clip: &Value,
    subset: &str,
    path: &Path,
    place: String,
) -> Result<RawRecording, SourceError> {
    const SECONDS: &str = "a number of seconds";
    let clip = Object::new(clip, "clip", path, place.clone())?;
    let id = clip.text("clip_uid", "the id of a clip")?;
    let [from, to] = [
        clip.number("video_start_sec", SECONDS)?,
        clip.number("video_end_sec", SECONDS)?,
    ];
    let mut instances = Vec::new();
    let mut not_primary = Vec::new();
    let annotations = clip.list("annotations", true, "a list")?;
    for (annotator, annotation) in annotations.iter().enumerate() {
        let place = format!("{place}, annotation {annotator}");
        let annotation = Object::new(annotation, "annotation", path, place.clone())?;
        let labels = annotation.list("labels", false, "a list")?;
        for (index, label) in labels.iter().enumerate() {
            let label = Object::new(label, "label", path, format!("{place}, label {index}"))?;
            let instance = RawInstance {
                segment: Segment::new(
                    label.number("start_time", SECONDS)?,
                    label.number("end_time", SECONDS)?,
                ),
                label: Label::Name(label.text("label", "the name of a class")?.to_owned()),
            };
            if label.flag("primary")? {
                instances.push(instance);
            } else {
                not_primary.push(instance);
            }
        }
    }
    Ok(RawRecording {
        id: id.to_owned(),
        subset: Some(subset.to_owned()),
        duration: Some(to - from).filter(|seconds| *seconds > 0.0 && seconds.is_finite()),
        fps: None,
        instances,
        not_primary,
        path: path.to_owned(),
    })
}
