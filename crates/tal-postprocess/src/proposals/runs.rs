//! Runs of frames and their contrast to their surroundings.

/// Neighbouring frames `first` … `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: usize,
    pub(super) last: usize,
}

/// Longest runs of frames whose values are above 0 and at least `threshold`.
pub(super) fn find(curve: &[f32], threshold: f32) -> Vec<Run> {
    let is_inside = |frame: usize| curve[frame] > 0.0 && curve[frame] >= threshold;
    let frames: Vec<usize> = (0..curve.len()).filter(|frame| is_inside(*frame)).collect();
    let runs = frames.chunk_by(|a, b| a + 1 == *b);
    runs.map(|run| Run {
        first: run[0],
        last: run[run.len() - 1],
    })
    .collect()
}

/// Prefix sums of a curve.
pub(super) struct Sums {
    /// Entry n is the sum of the first n values.
    before: Vec<f64>,
}

impl Sums {
    pub(super) fn new(curve: impl Iterator<Item = f32>) -> Self {
        let mut sum = 0.0;
        let sums = curve.map(|value| {
            sum += f64::from(value);
            sum
        });
        Self {
            before: std::iter::once(0.0).chain(sums).collect(),
        }
    }

    /// Sum and number of the frames `first .. end`.
    fn over(&self, first: usize, end: usize) -> (f64, usize) {
        (self.before[end] - self.before[first], end - first)
    }

    /// Mean over the run a … b of n frames, minus the mean over the existing frames of ⌊a − λ·n⌋ … a − 1 and
    /// b + 1 … ⌊b + λ·n⌋ − 1, with λ the `outer_ratio`. As in the released code, there is one frame fewer after the run than
    /// before it.
    pub(super) fn contrast(&self, run: Run, outer_ratio: f64) -> f64 {
        let num_frames = self.before.len() - 1;
        let end = run.last + 1;
        let (inner, length) = self.over(run.first, end);
        let reach = outer_ratio * length as f64;
        // Conversions from f64 saturate.
        let left_start = (run.first as f64 - reach).floor() as usize;
        let right_end = ((run.last as f64 + reach) as usize).min(num_frames);
        let (left, num_left) = self.over(left_start, run.first);
        let (right, num_right) = self.over(end, right_end.max(end));
        let outer = match num_left + num_right {
            0 => 0.0,
            count => (left + right) / count as f64,
        };
        inner / length as f64 - outer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(first: usize, last: usize) -> Run {
        Run { first, last }
    }

    #[test]
    fn runs_are_as_long_as_possible() {
        let curve = [0.5, 0.0, 0.2, 0.3, 0.4, -1.0, 0.3];
        assert_eq!(find(&curve, 0.0), [run(0, 0), run(2, 4), run(6, 6)]);
        assert_eq!(find(&curve, 0.3), [run(0, 0), run(3, 4), run(6, 6)]);
        assert!(find(&curve, 0.6).is_empty());
        assert!(find(&[0.0, 0.0], 0.0).is_empty());
    }

    #[test]
    fn surroundings_end_with_the_recording() {
        let sums = Sums::new([1.0, 4.0, 6.0, 2.0, 0.0].into_iter());
        // Mean 5 within; 1 to the left, 2 and 0 to the right.
        assert_eq!(sums.contrast(run(1, 2), 1.0), 3.5);
        assert_eq!(sums.contrast(run(1, 2), 0.5), 4.0);
        assert_eq!(sums.contrast(run(1, 2), 200.0), 4.0);
        assert_eq!(sums.contrast(run(1, 2), 0.4), 4.0);
        assert_eq!(sums.contrast(run(1, 2), 0.0), 5.0);
        assert_eq!(sums.contrast(run(0, 4), 1.0), 2.6);
    }
}
