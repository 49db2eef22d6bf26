//! Shared types of temporal action localization.
//!
//! Everything the other crates exchange lives here: [`Segment`] and its overlap measures, the grids that relate frames,
//! features and seconds ([`TimeGrid`], [`PointGrid`]), what a network proposes ([`Candidates`]), what a detector answers
//! ([`Detection`]) and what annotators wrote ([`GroundTruth`]), and the configuration ([`config::Config`]).
//!
//! Without features the crate is pure Rust. The feature `torch` adds neural network blocks (`nn`) and weight files
//! (`weights`) on LibTorch.

pub mod atomic;
pub mod candidates;
pub mod classes;
pub mod config;
pub mod detection;
pub mod ground_truth;
#[cfg(feature = "torch")]
pub mod nn;
pub mod point_grid;
pub mod segment;
pub mod time_grid;
mod usage;
#[cfg(feature = "torch")]
pub mod weights;

pub use candidates::Candidates;
pub use classes::{ClassMap, ClassMapError};
pub use detection::{Detection, DetectionSet};
pub use ground_truth::{GroundTruth, Instance, Recording, remove_duplicates};
pub use point_grid::{Level, PointGrid};
pub use segment::Segment;
pub use time_grid::TimeGrid;
pub use usage::Usage;
