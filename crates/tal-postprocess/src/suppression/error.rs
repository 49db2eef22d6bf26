//! Errors of suppression.

use tal_core::Candidates;

/// Why candidates cannot be suppressed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SuppressionError {
    /// The columns have different numbers of rows.
    #[error(
        "candidates have {start} starts, {end} ends, {score} scores and {label} labels; all numbers must be equal"
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
        /// Row of the candidate.
        row: usize,
        /// Its score.
        score: f32,
    },
    /// The start or the end is NaN or infinite, or the end lies before the start.
    #[error("candidate {row} goes from {start} to {end}; both must be finite and start <= end")]
    Segment {
        /// Row of the candidate.
        row: usize,
        /// Its start.
        start: f32,
        /// Its end.
        end: f32,
    },
}

/// Checks that all columns have the same length, and that scores and segments can be compared.
pub(super) fn check(candidates: &Candidates) -> Result<(), SuppressionError> {
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
