#![doc = include_str!("../README.md")]

pub mod plots;

mod error;

pub use error::PlotError;
