//! Pyramid encoder of Gated Multi-Granularity blocks for temporal action localization, on LibTorch.
//!
//! Features of a padded batch go through the [`Projection`] and a positional encoding into blocks that mix information
//! along time: a stem at full length and one further block per halving of the length. The [`Neck`] normalises every level.
//!
//! ```text
//! features (B, D_in, T) ─ projection ─ [+ position] ─ stem ─┬─ level 0 (B, D, T)
//!                                                         ½ └─ branch 0 ─┬─ level 1 (B, D, T/2)
//!                                                                      ½ └─ branch 1 ─ …
//! ```

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

pub use attention::{AttentionInput, SelfAttention, SelfAttentionConfig};
pub use downsampling::Downsampler;
pub use encoder::Encoder;
pub use error::EncoderError;
pub use filter::GlobalFilter;
pub use key_map::released_key_map;
pub use mixer::{
    AttentionBlock, BlockConfig, GlobalBranch, Gmg, MaxPooling, Residual, Sgp, TemporalMixer,
    build_mixer,
};
pub use mlp::Mlp;
pub use neck::Neck;
pub use position::SinusoidalEncoding;
pub use projection::{Projection, ProjectionLayer};
