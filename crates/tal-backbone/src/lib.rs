#![doc = include_str!("../README.md")]

mod address;
mod backbone;
mod check;
mod classifier;
mod conv;
mod digest;
mod download;
mod efficientnet;
mod error;
mod i3d;
mod layout;
mod memory_format;
mod network;
mod padding;
mod parameters;
mod r2plus1d;
mod released;
mod scripted;
mod stages;
mod state_dict;
mod vit;
mod vit_config;

pub use backbone::{Backbone, BackboneOptions};
pub use error::BackboneError;
pub use network::{InputLayout, Network};
pub use vit_config::VitConfig;

// Weights.
pub use digest::sha256;
pub use download::Download;
pub use parameters::Parameter;
pub use released::{Checksum, ReleasedWeights, released_weights};
pub use state_dict::StateDict;
