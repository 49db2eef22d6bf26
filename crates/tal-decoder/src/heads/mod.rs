//! Heads: towers of masked convolutions over packed levels, which share their weights.

mod classification;
mod layers;
mod positions;
mod refinement;
mod regression;
mod tower;

pub use classification::ClassificationHead;
pub use positions::Positions;
pub use refinement::{RefinementHead, RefinementOutput, RefinementTowers};
pub use regression::RegressionHead;
pub use tower::{Tower, TowerBlock, TowerConfig};
