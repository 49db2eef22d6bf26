#![doc = include_str!("../README.md")]

mod annotations;
mod checkpoint;
mod configuration;
mod content;
mod detections;
mod error;
mod features;
mod file_kind;
mod film;
mod recognition;
mod run_folder;
mod section;
mod statistics;
mod tensor_file;
mod tree;
mod weights;

pub use annotations::{AnnotationFacts, ClassFacts, SubsetFacts};
pub use checkpoint::CheckpointFacts;
pub use configuration::ConfigurationFacts;
pub use content::{Content, InspectOptions, Inspection};
pub use detections::DetectionFacts;
pub use error::InspectError;
pub use features::FeatureFacts;
pub use film::{FailedFilmFacts, FilmFacts};
pub use recognition::inspect;
pub use run_folder::RunFacts;
pub use section::Section;
pub use statistics::{Spread, ValueStatistics};
pub use tree::tree;
pub use weights::WeightFacts;
