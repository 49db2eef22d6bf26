//! Losses of a batch and their terms.

use tch::Tensor;

use crate::action_sensitivity::ActionSensitivityLosses;

/// One term of the loss, of the outputs after refinement or before it, without the term's weight.
///
/// # Shapes
/// All scalars.
#[derive(Debug)]
pub struct TermLosses {
    /// Classification.
    pub cls: Tensor,
    /// Regression, before its weight λ.
    pub reg: Tensor,
    /// `cls + λ · reg`
    pub total: Tensor,
    /// Divisor of the positives.
    pub normalizer: f64,
}

/// Loss of one batch.
///
/// # Shapes
/// All scalars.
#[derive(Debug)]
pub struct Losses {
    /// Classification, the weighted sum of both terms.
    pub cls: Tensor,
    /// Regression, the weighted sum of both terms.
    pub reg: Tensor,
    /// Sum to minimise.
    pub total: Tensor,
    /// Number of valid points with at least one class, over the whole batch and all levels.
    pub num_positives: usize,
    /// Term after refinement; `None` if its weight is 0.
    pub refined: Option<TermLosses>,
    /// Term before refinement; `None` if its weight is 0.
    pub unrefined: Option<TermLosses>,
    /// Addends of action sensitivity learning to the total; `None` without it.
    pub action_sensitivity: Option<ActionSensitivityLosses>,
}
