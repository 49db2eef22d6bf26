#![doc = include_str!("../README.md")]

mod attention;
mod downsampling;
mod encoder;
mod error;
mod filter;
mod key_map;
mod mixer;
mod mlp;
mod neck;
mod position;
mod projection;
mod windowed;

// The encoder and its parts.
pub use encoder::Encoder;
pub use error::EncoderError;
pub use neck::Neck;
pub use position::SinusoidalEncoding;
pub use projection::{Projection, ProjectionLayer};

// Blocks, by name of the configuration or one by one.
pub use mixer::{
    AttentionBlock, BlockConfig, Branches, GlobalBranch, Gmg, MaxPooling, Sgp, TemporalMixer,
    build_mixer,
};

// Parts of blocks.
pub use attention::{AttentionInput, SelfAttention};
pub use downsampling::Downsampler;
pub use filter::GlobalFilter;
pub use mixer::Residual;
pub use mlp::Mlp;

// Weights of the authors' code.
pub use key_map::released_key_map;
