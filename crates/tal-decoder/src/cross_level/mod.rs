//! Cross-level fusion: a feature for every task, made of neighbouring levels.

mod clff;
mod decoupling;
mod neighbors;

pub use clff::Clff;
pub use decoupling::{CrossLevel, Join};
