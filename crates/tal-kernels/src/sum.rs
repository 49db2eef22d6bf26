//! Sums in several parts.

/// Partial sums next to each other: additions that need not wait for one another.
pub(crate) const LANES: usize = 16;

/// Sums of a row, in several parts.
#[derive(Clone, Copy)]
pub(crate) struct Sum(pub(crate) [f32; LANES]);

impl Sum {
    pub(crate) const ZERO: Sum = Sum([0.0; LANES]);

    /// Adds Σ aᵢ bᵢ.
    pub(crate) fn add_product(&mut self, a: &[f32], b: &[f32]) {
        let (mut a, mut b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        for (a, b) in a.by_ref().zip(b.by_ref()) {
            for ((sum, a), b) in self.0.iter_mut().zip(a).zip(b) {
                *sum += a * b;
            }
        }
        let rest = a.remainder().iter().zip(b.remainder());
        for (sum, (a, b)) in self.0.iter_mut().zip(rest) {
            *sum += a * b;
        }
    }

    /// Adds Σ aᵢ.
    pub(crate) fn add(&mut self, a: &[f32]) {
        for a in a.chunks(LANES) {
            for (sum, a) in self.0.iter_mut().zip(a) {
                *sum += a;
            }
        }
    }

    pub(crate) fn total(self) -> f64 {
        self.0.iter().map(|&sum| f64::from(sum)).sum()
    }
}
