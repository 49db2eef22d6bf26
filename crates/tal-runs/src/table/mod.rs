//! Tables over runs.

mod compare;
mod filter;
mod metrics;
mod record;
mod search;

pub use compare::{Column, Difference, differences, sort};
pub use filter::Filter;
pub use record::{RunRecord, RunState, data, method};
pub use search::find_runs;
