//! A search for the rules that suit annotated recordings best.

mod candidates;
mod objective;
mod search;

pub use objective::{Objective, TuningError};
pub use search::{Tuned, TuningVariant, tune};
