//! What needs LibTorch, gathered for the crate's root.

pub use crate::attention::{AttentionInput, SelfAttention, SelfAttentionConfig};
pub use crate::downsampling::Downsampler;
pub use crate::encoder::Encoder;
pub use crate::error::EncoderError;
pub use crate::filter::GlobalFilter;
pub use crate::key_map::released_key_map;
pub use crate::mixer::{
    AttentionBlock, BlockConfig, GlobalBranch, Gmg, MaxPooling, Residual, Sgp, TemporalMixer,
    build_mixer,
};
pub use crate::mlp::Mlp;
pub use crate::neck::Neck;
pub use crate::position::SinusoidalEncoding;
pub use crate::projection::{Projection, ProjectionLayer};
