//! Recordings as the measures take them.

use std::collections::BTreeSet;

use tal_core::{Detection, Instance, Segment};

use super::error::MeasureError;

/// Annotations of a recording, and the labels that somebody or something else gave it.
///
/// # Units
/// Seconds. What lies outside 0 … `duration` does not count.
#[derive(Debug, Clone, Copy)]
pub struct LabelledRecording<'a> {
    /// Annotations.
    pub truth: &'a [Instance],
    /// What was found: [`super::Labelling::apply`], or a second annotator.
    pub found: &'a [Instance],
    /// Length of the recording.
    pub duration: f64,
}

/// Annotations of a recording, and detections with scores.
///
/// # Units
/// Seconds. What lies outside 0 … `duration` does not count.
#[derive(Debug, Clone, Copy)]
pub struct ScoredRecording<'a> {
    /// Annotations.
    pub truth: &'a [Instance],
    /// Detections.
    pub found: &'a [Detection],
    /// Length of the recording.
    pub duration: f64,
}

/// Checks recordings whose labels have no score.
pub(super) fn check_labelled(recordings: &[LabelledRecording<'_>]) -> Result<(), MeasureError> {
    for (position, recording) in recordings.iter().enumerate() {
        check_duration(position, recording.duration)?;
        check_segments("annotation", position, segments(recording.truth))?;
        check_segments("detection", position, segments(recording.found))?;
    }
    Ok(())
}

/// Checks recordings with scores.
pub(super) fn check_scored(recordings: &[ScoredRecording<'_>]) -> Result<(), MeasureError> {
    for (position, recording) in recordings.iter().enumerate() {
        check_duration(position, recording.duration)?;
        check_segments("annotation", position, segments(recording.truth))?;
        let found = recording.found.iter().map(|row| row.segment);
        check_segments("detection", position, found)?;
        if let Some(row) = recording.found.iter().position(|row| row.score.is_nan()) {
            return Err(MeasureError::Score {
                recording: position,
                row,
            });
        }
    }
    Ok(())
}

/// Classes of annotations.
pub(super) fn classes<'a>(instances: impl IntoIterator<Item = &'a [Instance]>) -> BTreeSet<u32> {
    let all = instances.into_iter().flatten();
    all.map(|instance| instance.label).collect()
}

/// Classes of annotations and of what was found.
pub(super) fn all_classes(recordings: &[LabelledRecording<'_>]) -> BTreeSet<u32> {
    classes(recordings.iter().flat_map(|one| [one.truth, one.found]))
}

fn segments(instances: &[Instance]) -> impl Iterator<Item = Segment> {
    instances.iter().map(|instance| instance.segment)
}

fn check_duration(recording: usize, duration: f64) -> Result<(), MeasureError> {
    if duration.is_finite() && duration >= 0.0 {
        return Ok(());
    }
    Err(MeasureError::Duration {
        recording,
        duration,
    })
}

fn check_segments(
    noun: &'static str,
    recording: usize,
    segments: impl Iterator<Item = Segment>,
) -> Result<(), MeasureError> {
    for (row, Segment { start, end }) in segments.enumerate() {
        if !Segment::new(start, end).is_ordered() {
            return Err(MeasureError::Segment {
                noun,
                recording,
                row,
                start,
                end,
            });
        }
    }
    Ok(())
}
