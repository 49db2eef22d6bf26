//! Candidates during suppression.

use std::cmp::Ordering;

use tal_core::tiou_from_parts;
use tal_core::{Candidates, Segment};

use crate::order::descending;

/// Added to lengths when candidates are compared, so that two empty ones have a defined overlap.
const LENGTH_EPSILON: f32 = 1e-6;

/// A candidate during suppression.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) segment: Segment<f32>,
    /// Length plus [`LENGTH_EPSILON`].
    padded_length: f32,
    pub(super) score: f32,
    pub(super) label: u32,
    /// Position among all candidates.
    pub(super) index: usize,
}

impl Row {
    pub(super) fn new(candidates: &Candidates, index: usize) -> Self {
        let segment = candidates.segment(index);
        Self {
            segment,
            padded_length: segment.length() + LENGTH_EPSILON,
            score: candidates.score[index],
            label: candidates.label[index],
            index,
        }
    }

    /// Overlap of padded lengths; 0 if the candidates share no time.
    pub(super) fn overlap(&self, other: &Row) -> f32 {
        tiou_from_parts(
            self.segment.intersection(other.segment),
            self.padded_length,
            other.padded_length,
            0.0,
        )
    }

    /// `Less` if this row is selected before the other: the higher score, then the earlier row.
    pub(super) fn rank(&self, other: &Row) -> Ordering {
        descending(self.score, other.score).then(self.index.cmp(&other.index))
    }
}
