//! Configuration files: YAML, strict, checked before anything is built.
//!
//! A file names a preset and what it changes. The preset (`released`: the authors' public code; `paper`: the equations of
//! the text, laid over it) holds every switch and default; the file, then overlays and `--set key=value` overrides are laid
//! over it ([`Layers`]). [`load`] refuses unknown keys with the nearest known one and values out of range with what is
//! allowed, so that a [`Config`](tal_core::config::Config) in hand is a checked one.
//!
//! The reference of all keys is `docs/configuration.md`, generated from the types of [`tal_core::config`].

mod error;
pub mod import;
mod layers;
mod lines;
mod presets;
mod provenance;
mod relocate;
mod render;
mod source;

pub use error::ConfigError;
pub use layers::{Layers, Resolved};
pub use presets::preset_yaml;
pub use provenance::{Origin, Provenance};
pub use relocate::Relocated;
pub use source::{from_yaml, load, to_yaml};
