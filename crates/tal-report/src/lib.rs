#![doc = include_str!("../README.md")]

pub mod page;
pub mod plots;

mod drawing;
mod error;
mod figures;
mod words;

pub use error::PlotError;
pub use figures::Figures;
pub use words::{characteristic_name, error_name};
