//! Element-wise losses: pure tensor functions without configuration and without reduction.
//!
//! [`focal`] and [`varifocal`] compare logits with targets, [`iou`] and the losses made of it ([`diou`], [`giou`],
//! [`iou_loss`]) compare two pairs of distances. The [`crate::criterion`] puts them together.

mod focal;
mod iou;
mod varifocal;

pub use focal::focal;
pub use iou::{diou, giou, iou, iou_loss, iou_weight};
pub use varifocal::varifocal;

use tch::{Reduction, Tensor};

/// Binary cross entropy of logits, `max(x, 0) − x·y + ln(1 + e^{−|x|})`.
fn binary_cross_entropy(logits: &Tensor, targets: &Tensor) -> Tensor {
    logits.binary_cross_entropy_with_logits::<Tensor>(targets, None, None, Reduction::None)
}

/// `base^gamma` for a base of at least zero, with a finite gradient everywhere.
///
/// Only an exponent between 0 and 1 needs care: its derivative is infinite at zero, where 0 is taken instead.
fn modulation(base: &Tensor, gamma: f64) -> Tensor {
    if gamma > 0.0 && gamma < 1.0 {
        base.clamp_min(1e-12).pow_tensor_scalar(gamma)
    } else {
        base.pow_tensor_scalar(gamma)
    }
}
