//! Losses as pure functions of tensors, without configuration.
//!
//! [`focal`] and [`varifocal`] compare logits with targets; [`iou`] and the losses made of it ([`diou`], [`giou`],
//! [`iou_loss`]) compare two pairs of distances, element by element: all tensors and the result have one shape, and all
//! distances, at least zero, one unit. [`info_nce`] contrasts features and gives a scalar. A
//! [`Criterion`](crate::Criterion) puts the loss of a batch together.

mod cross_entropy;
mod focal;
mod info_nce;
mod iou;
mod varifocal;

pub use focal::focal;
pub use info_nce::info_nce;
pub use iou::{diou, giou, iou, iou_loss, iou_weight};
pub use varifocal::varifocal;
