//! Convolutions with three taps by half the products, after Winograd.
//!
//! # Source
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016: F(4, 3), here along time.

#[cfg(target_arch = "x86_64")]
mod convolution;
#[cfg(not(target_arch = "x86_64"))]
mod elsewhere;
#[cfg(target_arch = "x86_64")]
mod panel;
#[cfg(any(test, target_arch = "x86_64"))]
mod transform;
#[cfg(target_arch = "x86_64")]
mod weight_gradient;

#[cfg(target_arch = "x86_64")]
pub use convolution::WinogradConvolution;
#[cfg(not(target_arch = "x86_64"))]
pub use elsewhere::{WinogradConvolution, WinogradWeightGradient};
#[cfg(target_arch = "x86_64")]
pub use weight_gradient::WinogradWeightGradient;
