//! Candidates of one recording, before suppression.

use crate::Segment;

/// Scored segments in columns, in the order in which the decoder selected them.
///
/// # Units
/// `start` and `end` in grid units; `score` is a probability.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidates {
    /// Starts.
    pub start: Vec<f32>,
    /// Ends, of the same length.
    pub end: Vec<f32>,
    /// Scores, of the same length.
    pub score: Vec<f32>,
    /// Class ids, of the same length.
    pub label: Vec<u32>,
}

impl Candidates {
    /// Empty columns with room for `capacity` rows.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            start: Vec::with_capacity(capacity),
            end: Vec::with_capacity(capacity),
            score: Vec::with_capacity(capacity),
            label: Vec::with_capacity(capacity),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.score.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.score.is_empty()
    }

    /// Adds a row.
    pub fn push(&mut self, segment: Segment<f32>, score: f32, label: u32) {
        self.start.push(segment.start);
        self.end.push(segment.end);
        self.score.push(score);
        self.label.push(label);
    }

    /// Row `index` as a segment.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn segment(&self, index: usize) -> Segment<f32> {
        Segment::new(self.start[index], self.end[index])
    }

    /// Adds all rows of `other` at the end.
    pub fn extend(&mut self, other: &Candidates) {
        self.start.extend_from_slice(&other.start);
        self.end.extend_from_slice(&other.end);
        self.score.extend_from_slice(&other.score);
        self.label.extend_from_slice(&other.label);
    }
}
