//! Candidates during suppression.

/// Added to lengths, as in the released code.
const LENGTH_EPSILON: f32 = 1e-6;

/// A candidate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) start: f32,
    pub(crate) end: f32,
    pub(crate) score: f32,
    /// `end − start + 1e-6`.
    pub(crate) length: f32,
    /// Row of the input.
    pub(crate) index: usize,
}

impl Row {
    pub(crate) fn new([start, end]: [f32; 2], score: f32, index: usize) -> Self {
        Self {
            start,
            end,
            score,
            length: end - start + LENGTH_EPSILON,
            index,
        }
    }

    pub(crate) fn segment(&self) -> [f32; 2] {
        [self.start, self.end]
    }

    /// Time that both share.
    pub(crate) fn shared(&self, other: &Self) -> f32 {
        // Most pairs are apart; both comparisons in one branch, which is then predicted well.
        match (self.start < other.end) & (other.start < self.end) {
            true => self.end.min(other.end) - self.start.max(other.start),
            false => 0.0,
        }
    }

    /// Overlap as suppression measures it, of rows that share the time `shared`.
    pub(crate) fn overlap(&self, other: &Self, shared: f32) -> f32 {
        shared / (self.length + other.length - shared)
    }
}

/// All rows of an input.
pub(crate) fn rows(segments: &[[f32; 2]], scores: &[f32]) -> Vec<Row> {
    let columns = segments.iter().zip(scores).enumerate();
    columns
        .map(|(index, (segment, score))| Row::new(*segment, *score, index))
        .collect()
}

/// Order of finite scores from high to low.
pub(crate) fn descending(a: &Row, b: &Row) -> std::cmp::Ordering {
    b.score
        .partial_cmp(&a.score)
        .unwrap_or(std::cmp::Ordering::Equal)
}

/// Whether no two scores are equal.
pub(crate) fn has_distinct_scores(rows: &[Row]) -> bool {
    let mut scores: Vec<f32> = rows.iter().map(|row| row.score).collect();
    scores.sort_unstable_by(f32::total_cmp);
    scores.windows(2).all(|pair| pair[0] != pair[1])
}
