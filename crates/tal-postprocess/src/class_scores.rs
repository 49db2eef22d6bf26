//! Classes for class-agnostic detections, from scores of whole recordings.

use std::collections::BTreeMap;

use tal_core::config::{ClassScoresRule, ScoreCombination};
use tal_core::{Detection, DetectionSet};

use crate::order::descending;

/// Class scores of whole recordings, by recording id; position `c` has the score of class `c`.
pub type ClassScores = BTreeMap<String, Vec<f64>>;

/// Why detections cannot be given classes.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassAssignmentError {
    /// A number in the configuration is 0.
    #[error("{field} is 0, must be at least 1")]
    Zero {
        /// Field of [`ClassScoresRule`].
        field: &'static str,
    },
    /// The recording has no class scores.
    #[error("there are no class scores; give one per class")]
    NoClasses,
    /// The score of a class is negative or not finite.
    #[error("class {class} has the score {value}, must be finite and at least 0")]
    ClassScore {
        /// The class id.
        class: usize,
        /// The score.
        value: f64,
    },
    /// The score of a detection is negative or not finite.
    #[error("detection {row} has the score {value}, must be finite and at least 0")]
    DetectionScore {
        /// Position of the detection in the recording.
        row: usize,
        /// The score.
        value: f64,
    },
    /// The product of two scores is not finite.
    #[error(
        "the product of {class_score} (class {class}) and {score} (detection {row}) is not finite; scores should not exceed 1"
    )]
    Overflow {
        /// The class id.
        class: usize,
        /// Score of the class.
        class_score: f64,
        /// Position of the detection in the recording.
        row: usize,
        /// Score of the detection.
        score: f64,
    },
    /// A recording is missing in the class scores.
    #[error(
        "recording {recording:?} has no class scores, neither under this id nor with \"v_\" added to it or removed from it"
    )]
    MissingRecording {
        /// Id of the recording.
        recording: String,
    },
    /// The detections of one recording cannot be given classes.
    #[error("recording {recording:?}: {source}")]
    Recording {
        /// Id of the recording.
        recording: String,
        /// The reason.
        source: Box<ClassAssignmentError>,
    },
}

fn check(config: &ClassScoresRule) -> Result<(), ClassAssignmentError> {
    let zero = |field| Err(ClassAssignmentError::Zero { field });
    match (config.top_k, config.max_segments) {
        (0, _) => zero("top_k"),
        (_, Some(0)) => zero("max_segments"),
        _ => Ok(()),
    }
}

/// Gives each of the best detections of a recording the best classes of that recording.
///
/// A detector that only says where something happens takes the classes from a classifier of whole recordings. For the
/// score `v_c` of class `c` and the score `s` of a detection, the result has `√(v_c · s)` or `v_c · s`. Segments stay;
/// labels of the input are ignored. The result is sorted by score, highest first. Equal scores are ordered by the score of
/// the detection, then by its position in the input, then by the score of the class, then by the class id.
///
/// # Errors
/// A score that is negative or not finite, even if it is not used; a product that is not finite; no classes; a `top_k` or
/// `max_segments` of 0.
///
/// # Source
/// The authors' public code (external class scores).
pub fn assign_classes(
    detections: &[Detection],
    class_scores: &[f64],
    config: &ClassScoresRule,
) -> Result<Vec<Detection>, ClassAssignmentError> {
    check(config)?;
    let usable = |value: f64| value.is_finite() && value >= 0.0;
    if class_scores.is_empty() {
        return Err(ClassAssignmentError::NoClasses);
    }
    if let Some(class) = class_scores.iter().position(|value| !usable(*value)) {
        let value = class_scores[class];
        return Err(ClassAssignmentError::ClassScore { class, value });
    }
    if let Some(row) = detections.iter().position(|d| !usable(d.score)) {
        let value = detections[row].score;
        return Err(ClassAssignmentError::DetectionScore { row, value });
    }

    let mut classes: Vec<usize> = (0..class_scores.len()).collect();
    classes.sort_by(|a, b| descending(class_scores[*a], class_scores[*b]));
    classes.truncate(config.top_k);
    let mut rows: Vec<usize> = (0..detections.len()).collect();
    rows.sort_by(|a, b| descending(detections[*a].score, detections[*b].score));
    rows.truncate(config.max_segments.unwrap_or(usize::MAX));

    let mut classified = Vec::with_capacity(rows.len() * classes.len());
    for &row in &rows {
        let Detection { segment, score, .. } = detections[row];
        for &class in &classes {
            let class_score = class_scores[class];
            let product = class_score * score;
            let combined = match config.combine {
                ScoreCombination::ProductRoot => product.sqrt(),
                ScoreCombination::Product => product,
            };
            if !combined.is_finite() {
                return Err(ClassAssignmentError::Overflow {
                    class,
                    class_score,
                    row,
                    score,
                });
            }
            classified.push(Detection {
                segment,
                label: class as u32,
                score: combined,
            });
        }
    }
    classified.sort_by(|a, b| descending(a.score, b.score));
    Ok(classified)
}

/// [`assign_classes`] for every recording.
///
/// The class scores of a recording are looked up by its id, then without or with a leading `v_`, because files about
/// ActivityNet differ in that. Class scores of other recordings are ignored.
///
/// # Errors
/// Those of [`assign_classes`], with the recording; a recording without class scores, even if it has no detections.
pub fn assign_classes_to_all(
    detections: &DetectionSet,
    class_scores: &ClassScores,
    config: &ClassScoresRule,
) -> Result<DetectionSet, ClassAssignmentError> {
    check(config)?;
    detections
        .iter()
        .map(|(id, detections)| {
            let recording = id.clone();
            let Some(class_scores) = of_recording(class_scores, id) else {
                return Err(ClassAssignmentError::MissingRecording { recording });
            };
            match assign_classes(detections, class_scores, config) {
                Ok(classified) => Ok((recording, classified)),
                Err(source) => Err(ClassAssignmentError::Recording {
                    recording,
                    source: Box::new(source),
                }),
            }
        })
        .collect()
}

fn of_recording<'a>(class_scores: &'a ClassScores, id: &str) -> Option<&'a Vec<f64>> {
    class_scores
        .get(id)
        .or_else(|| class_scores.get(id.strip_prefix("v_")?))
        .or_else(|| class_scores.get(&format!("v_{id}")))
}
