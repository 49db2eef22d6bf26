#![doc = include_str!("../README.md")]

mod error;
pub mod import;
mod layers;
mod lines;
mod loading;
mod presets;
mod provenance;
mod renamed;
mod render;
mod source;

pub use error::ConfigError;
pub use layers::{Layers, Resolved};
pub use loading::{from_yaml, load};
pub use presets::preset_yaml;
pub use provenance::{Origin, Provenance};
pub use source::to_yaml;
