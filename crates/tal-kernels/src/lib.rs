#![doc = include_str!("../README.md")]

mod channel_gradient;
mod channel_moments;
mod channel_norm;
mod convolution;
mod filter;
mod filter_backward;
mod fourier;
mod gmg;
mod mlp;
mod panels;
mod rows;
mod sum;
#[cfg(test)]
mod tests;
mod threads;
mod tile;
mod transposition;
mod weight_gradient;
mod windowed_convolution;
mod winograd;

// Threads.
pub use threads::{ScopedThreads, Threads, for_each};

// Layers that connect all channels, and their gradients.
pub use convolution::Convolution;
pub use mlp::GeluMlp;
pub use panels::Layer;
pub use transposition::transpose_kernels;
pub use weight_gradient::{Taps, WeightGradient};
pub use windowed_convolution::{ConvWindow, WindowedConvolution};
pub use winograd::{WinogradConvolution, WinogradWeightGradient};

// Normalisation over the channels.
pub use channel_gradient::ScaleGradients;
pub use channel_moments::ChannelMoments;
pub use channel_norm::ChannelNorm;

// The Gated Multi-Granularity block.
pub use filter::{Filter, FilterWeights};
pub use gmg::{Gate, GmgBranches, GmgGradients, GmgWeights};
