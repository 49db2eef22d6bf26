#![doc = include_str!("../README.md")]

#[cfg(feature = "files")]
pub mod atomic;
mod candidates;
mod classes;
pub mod config;
mod detection;
mod detection_set;
mod file_error;
mod ground_truth;
mod listing;
#[cfg(feature = "torch")]
pub mod nn;
mod point_grid;
mod segment;
mod share;
mod spelling;
mod time_grid;
mod usage;
#[cfg(feature = "torch")]
pub mod weights;

// Time.
pub use segment::{Segment, tiou_from_parts};
pub use time_grid::TimeGrid;

// Annotations.
pub use classes::{ClassMap, ClassMapError};
pub use ground_truth::{GroundTruth, Instance, Recording, remove_duplicates};

// The pyramid, and what a detector finds.
pub use candidates::Candidates;
pub use detection::Detection;
pub use detection_set::DetectionSet;
pub use point_grid::{Level, PointGrid};

// Errors.
pub use file_error::FileError;
pub use listing::{excerpt, grouped, plain_list, plain_words, quoted_list, shape_text};
pub use share::Share;
pub use spelling::nearest_name;
pub use usage::Usage;
