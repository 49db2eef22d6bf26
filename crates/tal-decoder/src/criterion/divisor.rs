//! Divisors of the sums of a term.

use tch::Tensor;

/// Divisor of a term's sums.
pub(super) enum Divisor {
    /// The same number for all elements.
    Same(f64),
    /// One number for positive elements, another for the rest.
    Counts {
        /// Whether elements of (B, K, S) are positive; broadcasts.
        is_positive: Tensor,
        positive: f64,
        negative: f64,
    },
}

impl Divisor {
    /// Sum of a map (B, K, S) with every element divided.
    pub(super) fn mean(&self, map: &Tensor) -> Tensor {
        match self {
            Divisor::Same(divisor) => map.sum(None) / *divisor,
            Divisor::Counts {
                is_positive,
                positive,
                negative,
            } => {
                let share = is_positive.to_kind(map.kind()) * (1.0 / positive - 1.0 / negative)
                    + 1.0 / negative;
                (map * share).sum(None)
            }
        }
    }

    /// Divisor of the positive elements.
    pub(super) fn positive(&self) -> f64 {
        match self {
            Divisor::Same(divisor) => *divisor,
            Divisor::Counts { positive, .. } => *positive,
        }
    }
}
