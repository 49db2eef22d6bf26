//! Suppression: of the candidates that lie on the same action, one keeps its score.
//!
//! All arithmetic is `f32` and the overlap of two candidates is `inter / (l_a + l_b − inter)` with
//! `l = end − start + 1e-6`, as in the released code, so that its scores are met to the last digits. Voting measures
//! overlap without the constant.
//!
//! # Order
//! Wherever the highest score is asked for, equal scores are ordered by row: the earlier candidate comes first. (The
//! released code swaps the selected entry with the one in its place, so that its order among equal scores depends on all
//! earlier selections; without equal scores the two agree.) The same order holds in the result: by score, then, per
//! class, by class id and order of selection.
//!
//! # Source
//! The authors' public code; Bodla et al., "Soft-NMS: Improving Object Detection With One Line of Code",
//! ICCV 2017.

mod hard;
mod live;
mod soft;
mod voting;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rayon::prelude::*;
use tal_core::config::{SuppressionConfig, SuppressionMethod};
use tal_core::segment::tiou_from_parts;
use tal_core::{Candidates, Segment};

use self::voting::Voters;

/// Added to lengths where candidates are compared with each other, so that two empty ones have a defined overlap.
const LENGTH_EPSILON: f32 = 1e-6;

/// From this many candidates on, classes are treated in parallel; below, waking threads takes longer than the work.
const MIN_PARALLEL: usize = 4_000;

/// Why candidates cannot be suppressed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SuppressionError {
    /// The columns have different numbers of rows.
    #[error(
        "candidates have {start} starts, {end} ends, {score} scores and {label} labels; all must be as many"
    )]
    RaggedColumns {
        /// Number of starts.
        start: usize,
        /// Number of ends.
        end: usize,
        /// Number of scores.
        score: usize,
        /// Number of labels.
        label: usize,
    },
    /// A score is NaN or infinite.
    #[error("candidate {row} has the score {score}; scores must be finite")]
    Score {
        /// The row.
        row: usize,
        /// The score.
        score: f32,
    },
    /// An end is NaN or infinite, or the end lies before the start.
    #[error("candidate {row} goes from {start} to {end}; both must be finite and start <= end")]
    Segment {
        /// The row.
        row: usize,
        /// The start.
        start: f32,
        /// The end.
        end: f32,
    },
}

/// Thins out the candidates of one recording.
///
/// Methods, with `o` the overlap of a candidate with one that was selected before it:
///
/// - Gaussian and linear: repeatedly the highest score is selected and every other one multiplied by
///   `exp(−o²/sigma)`, or by `1 − o` where `o ≥ iou_threshold`; what then falls below `min_score` is dropped. The very
///   first one selected is not held against `min_score`.
/// - Hard: scores not above `min_score` are dropped, and what overlaps a better one that was kept by
///   `o ≥ iou_threshold`.
/// - None: the candidates come back as they are, in their order and without a cap.
///
/// With `per_class` each class is treated by itself, classes in ascending order, each capped at `max_per_class` (where
/// that is not given, at `max_detections`); `voting` has no effect there. Without it all classes suppress each other,
/// `max_per_class` has no effect, and `voting` moves the ends of what is left to the weighted mean of the candidates that
/// overlap it. In the end rows are sorted by score, highest first, and capped at `max_detections`.
///
/// Candidates that share no time do not meet: the time taken grows with the number of overlapping pairs, not with the
/// square of the number of candidates, and the result is that of the plain algorithm to the last bit.
///
/// `config` must be a validated one; values outside its ranges give useless scores but no panic.
///
/// # Units
/// Grid units, in and out (any unit works, only the constant 1e-6 is not scaled).
///
/// # Errors
/// Columns of different length, scores or ends that are not finite, an end before its start.
pub fn suppress(
    candidates: &Candidates,
    config: &SuppressionConfig,
) -> Result<Candidates, SuppressionError> {
    check(candidates)?;
    if config.method == SuppressionMethod::None {
        return Ok(candidates.clone());
    }
    let rows: Vec<Row> = (0..candidates.len())
        .map(|index| Row::new(candidates, index))
        .collect();
    let mut kept = if config.per_class {
        let mut classes: BTreeMap<u32, Vec<Row>> = BTreeMap::new();
        for row in rows {
            classes.entry(row.label).or_default().push(row);
        }
        let cap = config.max_per_class.unwrap_or(config.max_detections);
        let classes: Vec<Vec<Row>> = classes.into_values().collect();
        let selected: Vec<Vec<Row>> = if candidates.len() < MIN_PARALLEL {
            classes
                .into_iter()
                .map(|class| select(class, config, cap))
                .collect()
        } else {
            classes
                .into_par_iter()
                .map(|class| select(class, config, cap))
                .collect()
        };
        selected.concat()
    } else if let Some(voting) = config.voting {
        let mut kept = select(rows.clone(), config, config.max_detections);
        let voters = Voters::new(&rows, voting);
        for row in &mut kept {
            row.segment = voters.vote(row.segment);
        }
        kept
    } else {
        select(rows, config, config.max_detections)
    };
    // Stable, and finite scores are always comparable.
    kept.sort_by(|a, b| descending(a.score, b.score));
    kept.truncate(config.max_detections);

    let mut result = Candidates::with_capacity(kept.len());
    for row in kept {
        result.push(row.segment, row.score, row.label);
    }
    Ok(result)
}

/// Applies the method to rows that suppress each other; at most `cap` come back, highest score first.
fn select(rows: Vec<Row>, config: &SuppressionConfig, cap: usize) -> Vec<Row> {
    match config.method {
        SuppressionMethod::Gaussian => {
            soft::select(rows, config, cap, |o| (-(o * o) / config.sigma).exp())
        }
        SuppressionMethod::Linear => soft::select(rows, config, cap, |o| {
            if o >= config.iou_threshold {
                1.0 - o
            } else {
                1.0
            }
        }),
        SuppressionMethod::Hard => hard::select(rows, config, cap),
        SuppressionMethod::None => rows,
    }
}

fn check(candidates: &Candidates) -> Result<(), SuppressionError> {
    let Candidates {
        start,
        end,
        score,
        label,
    } = candidates;
    if [start.len(), end.len(), label.len()] != [score.len(); 3] {
        return Err(SuppressionError::RaggedColumns {
            start: start.len(),
            end: end.len(),
            score: score.len(),
            label: label.len(),
        });
    }
    for row in 0..candidates.len() {
        if !score[row].is_finite() {
            let score = score[row];
            return Err(SuppressionError::Score { row, score });
        }
        if !candidates.segment(row).is_ordered() {
            let (start, end) = (start[row], end[row]);
            return Err(SuppressionError::Segment { row, start, end });
        }
    }
    Ok(())
}

/// A candidate on its way through suppression.
#[derive(Debug, Clone, Copy)]
struct Row {
    segment: Segment<f32>,
    /// Length plus [`LENGTH_EPSILON`].
    padded_length: f32,
    score: f32,
    label: u32,
    /// Where it stood among all candidates.
    index: usize,
}

impl Row {
    fn new(candidates: &Candidates, index: usize) -> Self {
        let segment = candidates.segment(index);
        Self {
            segment,
            padded_length: segment.length() + LENGTH_EPSILON,
            score: candidates.score[index],
            label: candidates.label[index],
            index,
        }
    }

    /// Overlap of padded lengths; zero where nothing is in common.
    fn overlap(&self, other: &Row) -> f32 {
        tiou_from_parts(
            self.segment.intersection(other.segment),
            self.padded_length,
            other.padded_length,
            0.0,
        )
    }

    /// `Less` where this row is to be selected before the other: the higher score, then the earlier row.
    fn rank(&self, other: &Row) -> Ordering {
        descending(self.score, other.score).then(self.index.cmp(&other.index))
    }
}

fn descending(a: f32, b: f32) -> Ordering {
    b.partial_cmp(&a).unwrap_or(Ordering::Equal)
}
