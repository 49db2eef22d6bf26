//! Prediction of many recordings: inputs, shards, and progress that survives a kill.

mod environment;
mod error;
mod inputs;
mod journal;
mod names;
mod shard_files;

pub use environment::shard_of_environment;
pub use error::PredictError;
pub use inputs::{InputOptions, Unit, find_units};
pub use journal::{ShardJournal, ShardReport};
pub use names::{InputNames, is_pattern};
pub use shard_files::{FailedUnit, ShardFiles};
