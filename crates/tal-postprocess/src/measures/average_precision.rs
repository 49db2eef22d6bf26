//! Average precision of frames.

use serde::{Deserialize, Serialize};

use super::error::MeasureError;
use super::frames::FrameRate;
use super::input::{ScoredRecording, check_scored, classes};

/// Mean average precision of frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameMap {
    /// Mean over the classes that have annotated frames; NaN if there is none.
    pub map: f64,
    /// Classes that have annotated frames, by id.
    pub classes: Vec<ClassAveragePrecision>,
}

/// Average precision of the frames of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassAveragePrecision {
    /// The class id.
    pub label: u32,
    /// Average precision.
    pub average_precision: f64,
}

/// Mean average precision of frames: [`frame_average_precision`] of each class over the frames of all recordings.
///
/// The score of a frame is the highest of the detections of the class that cover it; a frame that none covers comes last.
///
/// # Errors
/// If a segment, a score or a length is not usable, or a recording has too many frames.
///
/// # Source
/// `average_precision_score` of scikit-learn, with `average="macro"` over the classes with annotations.
pub fn frame_map(
    recordings: &[ScoredRecording<'_>],
    rate: FrameRate,
) -> Result<FrameMap, MeasureError> {
    check_scored(recordings)?;
    rate.check(recordings.iter().map(|one| one.duration))?;
    let labels = classes(recordings.iter().map(|one| one.truth));
    let classes: Vec<ClassAveragePrecision> = labels
        .into_iter()
        .filter_map(|label| {
            let (scores, positive) = pooled(recordings, rate, label);
            let average_precision = frame_average_precision(&scores, &positive)?;
            Some(ClassAveragePrecision {
                label,
                average_precision,
            })
        })
        .collect();
    let sum: f64 = classes.iter().map(|class| class.average_precision).sum();
    Ok(FrameMap {
        map: sum / classes.len() as f64,
        classes,
    })
}

/// Average precision of frames with scores: Σ (Rₙ − Rₙ₋₁) Pₙ over the different scores from the highest down.
///
/// Frames of equal score are taken together. `None` if no frame is positive or the two lists differ in length.
///
/// # Source
/// `average_precision_score` of scikit-learn.
pub fn frame_average_precision(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let num_positive = positive.iter().filter(|p| **p).count();
    if num_positive == 0 || scores.len() != positive.len() {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let (mut hits, mut before, mut area) = (0usize, 0usize, 0.0);
    for (position, frame) in order.iter().enumerate() {
        hits += usize::from(positive[*frame]);
        let next = order.get(position + 1).map(|next| scores[*next]);
        if next != Some(scores[*frame]) {
            let precision = hits as f64 / (position + 1) as f64;
            area += (hits - before) as f64 / num_positive as f64 * precision;
            before = hits;
        }
    }
    Some(area)
}

/// Scores and annotations of the frames of all recordings.
fn pooled(
    recordings: &[ScoredRecording<'_>],
    rate: FrameRate,
    label: u32,
) -> (Vec<f64>, Vec<bool>) {
    let (mut scores, mut positive) = (Vec::new(), Vec::new());
    for recording in recordings {
        let num_frames = rate.num_frames(recording.duration);
        let first = scores.len();
        scores.resize(first + num_frames, f64::NEG_INFINITY);
        positive.resize(first + num_frames, false);
        for row in recording.found.iter().filter(|row| row.label == label) {
            for score in &mut scores[first..][rate.frames(row.segment, num_frames)] {
                *score = score.max(row.score);
            }
        }
        for row in recording.truth.iter().filter(|row| row.label == label) {
            positive[first..][rate.frames(row.segment, num_frames)].fill(true);
        }
    }
    (scores, positive)
}
