#![doc = include_str!("../README.md")]

pub mod group;
pub mod parallel;
mod record;
pub mod tf32;

pub use record::record;
