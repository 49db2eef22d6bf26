#![doc = include_str!("../README.md")]

mod error;
pub mod import;
mod layers;
mod lines;
mod presets;
mod provenance;
mod renamed;
mod render;
mod source;

pub use error::ConfigError;
pub use layers::{Layers, Resolved};
pub use presets::preset_yaml;
pub use provenance::{Origin, Provenance};
pub use source::{from_yaml, load, to_yaml};
