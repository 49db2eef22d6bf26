//! Building blocks of the networks on LibTorch.
//!
//! Tensors are laid out (B, channels, T), masks are boolean (B, 1, T). A layer's variables carry the names of its fields
//! below the path that it is built with.

mod batch_rows;
mod channel_layer_norm;
mod conv;
mod conv_transpose;
mod conv_windows;
mod convolve;
mod drop_path;
mod gradient_check;
mod group_norm;
pub mod host;
mod init;
mod mask;
mod masked_conv;
mod mlp;
mod packing;
mod precision;
mod pyramid;
mod scale;
mod variables;

pub use batch_rows::{BatchRowsScope, draw_rows, dropout};
pub use channel_layer_norm::ChannelLayerNorm;
pub use conv::{Conv1d, Conv1dConfig};
pub use conv_transpose::ConvTranspose1d;
pub use conv_windows::convolve_windows;
pub use convolve::convolve;
pub use drop_path::AffineDropPath;
pub use gradient_check::gradient_error;
pub use group_norm::GroupNorm;
pub use init::{BiasInit, WeightInit};
pub use mask::{downsample_mask, length_mask};
pub use masked_conv::MaskedConv1d;
pub use mlp::gelu_mlp;
pub use packing::{PackedLayout, PackedLevel};
pub use precision::PrecisionScope;
pub use pyramid::{FeaturePyramid, PyramidLevel};
pub use scale::Scale;
pub use tal_kernels::ConvWindow;
pub use variables::{duplicate_names, named_variables, num_parameters};

/// A count or size as LibTorch takes it.
///
/// # Panics
/// Above `i64::MAX`, which no tensor in memory reaches.
pub fn dim(size: usize) -> i64 {
    i64::try_from(size).expect("a tensor's size fits into 63 bits")
}
