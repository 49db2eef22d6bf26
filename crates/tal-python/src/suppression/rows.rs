//! Candidates as columns.

/// Added to lengths, as in the released code.
const LENGTH_EPSILON: f32 = 1e-6;

/// Candidates as columns of one length.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    pub(crate) start: Vec<f32>,
    pub(crate) end: Vec<f32>,
    pub(crate) score: Vec<f32>,
    /// `end − start + 1e-6`.
    pub(crate) length: Vec<f32>,
    /// Row of the input.
    pub(crate) index: Vec<usize>,
}

impl Rows {
    /// The rows of an input whose indices are given.
    pub(crate) fn new(
        segments: &[[f32; 2]],
        scores: &[f32],
        indices: impl IntoIterator<Item = usize>,
    ) -> Self {
        let mut rows = Self::default();
        for index in indices {
            let [start, end] = segments[index];
            rows.start.push(start);
            rows.end.push(end);
            rows.score.push(scores[index]);
            rows.length.push(end - start + LENGTH_EPSILON);
            rows.index.push(index);
        }
        rows
    }

    pub(crate) fn len(&self) -> usize {
        self.score.len()
    }

    /// Overlap as suppression measures it.
    pub(crate) fn overlap(&self, a: usize, b: usize) -> f32 {
        let left = self.start[a].max(self.start[b]);
        let shared = (self.end[a].min(self.end[b]) - left).max(0.0);
        shared / (self.length[a] + self.length[b] - shared)
    }

    pub(crate) fn swap(&mut self, a: usize, b: usize) {
        self.start.swap(a, b);
        self.end.swap(a, b);
        self.score.swap(a, b);
        self.length.swap(a, b);
        self.index.swap(a, b);
    }

    pub(crate) fn copy(&mut self, from: usize, to: usize) {
        self.start[to] = self.start[from];
        self.end[to] = self.end[from];
        self.score[to] = self.score[from];
        self.length[to] = self.length[from];
        self.index[to] = self.index[from];
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.start.truncate(len);
        self.end.truncate(len);
        self.score.truncate(len);
        self.length.truncate(len);
        self.index.truncate(len);
    }

    /// Adds a row of another table.
    pub(crate) fn push(&mut self, other: &Self, row: usize) {
        self.start.push(other.start[row]);
        self.end.push(other.end[row]);
        self.score.push(other.score[row]);
        self.length.push(other.length[row]);
        self.index.push(other.index[row]);
    }

    /// Whether no two scores are equal.
    pub(crate) fn has_distinct_scores(&self) -> bool {
        let mut scores = self.score.clone();
        scores.sort_unstable_by(f32::total_cmp);
        scores.windows(2).all(|pair| pair[0] != pair[1])
    }
}
