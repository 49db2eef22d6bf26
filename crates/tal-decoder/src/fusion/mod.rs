//! Fusion of neighbouring levels: a feature for every task.

mod clff;
mod dcm;
mod drm;

pub use clff::Clff;
pub use dcm::Dcm;
pub use drm::Drm;

use tal_core::config::FusedLevels;
use tal_core::nn::Conv1d;
use tch::Tensor;

/// A level plus its neighbour, gated per channel by the mean over time of both.
///
/// `own + σ(gate(mean_t ReLU(neighbour + lateral(own)))) ⊙ neighbour`; the mean runs over padding, too.
///
/// # Shapes
/// `own` and `neighbour` (B, D, T_l), which is the result's.
fn fuse_gated(own: &Tensor, neighbour: &Tensor, lateral: &Conv1d, gate: &Conv1d) -> Tensor {
    let mixed = (neighbour + lateral.forward(own)).relu();
    let pooled = mixed.mean_dim(-1i64, true, None);
    own + gate.forward(&pooled).sigmoid() * neighbour
}

/// Whether level `l` of `num_levels` is fused with its neighbour at `neighbour` (an index that may lie outside).
fn is_fused(levels: FusedLevels, l: usize, neighbour: Option<usize>, num_levels: usize) -> bool {
    neighbour.is_some_and(|neighbour| neighbour < num_levels)
        && match levels {
            FusedLevels::All => true,
            FusedLevels::Intermediate => l > 0 && l + 1 < num_levels,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_without_the_neighbour_are_not_fused() {
        let coarser = |levels| -> Vec<bool> {
            (0..4)
                .map(|l| is_fused(levels, l, Some(l + 1), 4))
                .collect()
        };
        let finer = |levels| -> Vec<bool> {
            (0..4)
                .map(|l: usize| is_fused(levels, l, l.checked_sub(1), 4))
                .collect()
        };
        assert_eq!(coarser(FusedLevels::All), [true, true, true, false]);
        assert_eq!(
            coarser(FusedLevels::Intermediate),
            [false, true, true, false]
        );
        assert_eq!(finer(FusedLevels::All), [false, true, true, true]);
        assert_eq!(finer(FusedLevels::Intermediate), [false, true, true, false]);
    }
}
