#![doc = include_str!("../README.md")]

mod curves;
mod error;
pub mod files;
mod flat;
mod header;
mod table;

pub use curves::{Curves, is_curve_file};
pub use error::RunsError;
pub use flat::flattened;
pub use header::{CheckpointHeader, TensorEntry};
pub use table::{
    Column, Difference, Filter, RunRecord, RunState, data, differences, find_runs, method, sort,
};
