//! Class-agnostic detections and the classes of a classifier of whole recordings.
//!
//! A detector that only says where something happens gets the classes from a classifier of whole recordings: [`fuse`]
//! gives each of the best segments the best classes of its recording, with a score made of both.

use std::cmp::Ordering;
use std::collections::BTreeMap;

pub use tal_core::config::{ClassScoresRule, ScoreCombination};
use tal_core::{Detection, DetectionSet};

/// Scores of whole recordings by recording id; the score of class `c` is at position `c`.
pub type ClassScores = BTreeMap<String, Vec<f64>>;

/// Why scores cannot be fused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FusionError {
    /// A count of the configuration is 0.
    #[error("{field} is 0, must be at least 1")]
    Zero {
        /// The field of [`ClassScoresRule`].
        field: &'static str,
    },
    /// There is no class.
    #[error("there are no class scores, expected one per class")]
    NoClasses,
    /// The score of a class is negative or not finite.
    #[error("class {class} has score {value}, must be finite and at least 0")]
    ClassScore {
        /// The class id.
        class: usize,
        /// The score.
        value: f64,
    },
    /// The score of a detection is negative or not finite.
    #[error("detection {row} has score {value}, must be finite and at least 0")]
    DetectionScore {
        /// Its position in the recording.
        row: usize,
        /// The score.
        value: f64,
    },
    /// A product is too large for a number.
    #[error(
        "the product of {class_score} (class {class}) and {score} (detection {row}) is not finite; scores should not exceed 1"
    )]
    Overflow {
        /// The class id.
        class: usize,
        /// Its score.
        class_score: f64,
        /// Position of the detection in the recording.
        row: usize,
        /// Its score.
        score: f64,
    },
    /// A recording has no class scores.
    #[error(
        "recording {recording:?} has no class scores, under this id or with or without a leading \"v_\""
    )]
    MissingRecording {
        /// Its id.
        recording: String,
    },
    /// One recording cannot be fused.
    #[error("recording {recording:?}: {source}")]
    Recording {
        /// Its id.
        recording: String,
        /// Why.
        source: Box<FusionError>,
    },
}

fn check(config: &ClassScoresRule) -> Result<(), FusionError> {
    if config.top_k == 0 {
        return Err(FusionError::Zero { field: "top_k" });
    }
    if config.max_segments == Some(0) {
        let field = "max_segments";
        return Err(FusionError::Zero { field });
    }
    Ok(())
}

fn combined(combination: ScoreCombination, class_score: f64, score: f64) -> f64 {
    let product = class_score * score;
    match combination {
        ScoreCombination::ProductRoot => product.sqrt(),
        ScoreCombination::Product => product,
    }
}

/// The best detections of one recording, once for each of its best classes.
///
/// `score = √(v_c · s)` or `v_c · s`; labels of the input do not matter, segments stay as they are. The result is sorted by
/// score, highest first; of equal scores the one whose segment had the higher score comes first, then the one that came
/// first in the input, then the better class. Among detections of equal score those earlier in the input are better, among
/// classes of equal score those with the lower id.
///
/// # Errors
/// A score that is negative or not finite, whether it is used or not; a product that is not finite; no classes; a `top_k`
/// or `max_segments` of 0.
///
/// # Source
/// The authors' public code (external class scores).
pub fn fuse(
    detections: &[Detection],
    class_scores: &[f64],
    config: &ClassScoresRule,
) -> Result<Vec<Detection>, FusionError> {
    check(config)?;
    let usable = |value: f64| value.is_finite() && value >= 0.0;
    if class_scores.is_empty() {
        return Err(FusionError::NoClasses);
    }
    if let Some(class) = class_scores.iter().position(|value| !usable(*value)) {
        let value = class_scores[class];
        return Err(FusionError::ClassScore { class, value });
    }
    if let Some(row) = detections.iter().position(|d| !usable(d.score)) {
        let value = detections[row].score;
        return Err(FusionError::DetectionScore { row, value });
    }

    let mut classes: Vec<usize> = (0..class_scores.len()).collect();
    classes.sort_by(|a, b| descending(class_scores[*a], class_scores[*b]));
    classes.truncate(config.top_k);
    let mut rows: Vec<usize> = (0..detections.len()).collect();
    rows.sort_by(|a, b| descending(detections[*a].score, detections[*b].score));
    rows.truncate(config.max_segments.unwrap_or(usize::MAX));

    let mut fused = Vec::with_capacity(rows.len() * classes.len());
    for &row in &rows {
        let Detection { segment, score, .. } = detections[row];
        for &class in &classes {
            let class_score = class_scores[class];
            let combined = combined(config.combine, class_score, score);
            if !combined.is_finite() {
                return Err(FusionError::Overflow {
                    class,
                    class_score,
                    row,
                    score,
                });
            }
            fused.push(Detection {
                segment,
                label: class as u32,
                score: combined,
            });
        }
    }
    fused.sort_by(|a, b| descending(a.score, b.score));
    Ok(fused)
}

/// [`fuse`] for every recording.
///
/// The class scores of a recording are those under its id; where there are none, those under the id with a leading `v_`
/// more or less, since files about ActivityNet differ in that. Class scores of other recordings do not matter.
///
/// # Errors
/// As [`fuse`], with the recording; a recording without class scores, also where it has no detections.
pub fn fuse_all(
    detections: &DetectionSet,
    class_scores: &ClassScores,
    config: &ClassScoresRule,
) -> Result<DetectionSet, FusionError> {
    check(config)?;
    detections
        .iter()
        .map(|(id, detections)| {
            let recording = || id.clone();
            let class_scores =
                of_recording(class_scores, id).ok_or_else(|| FusionError::MissingRecording {
                    recording: recording(),
                })?;
            let fused = fuse(detections, class_scores, config).map_err(|source| {
                FusionError::Recording {
                    recording: recording(),
                    source: Box::new(source),
                }
            })?;
            Ok((recording(), fused))
        })
        .collect()
}

fn of_recording<'a>(class_scores: &'a ClassScores, id: &str) -> Option<&'a Vec<f64>> {
    class_scores
        .get(id)
        .or_else(|| class_scores.get(id.strip_prefix("v_")?))
        .or_else(|| class_scores.get(&format!("v_{id}")))
}

/// The order from high to low of finite numbers.
fn descending(a: f64, b: f64) -> Ordering {
    b.partial_cmp(&a).unwrap_or(Ordering::Equal)
}
