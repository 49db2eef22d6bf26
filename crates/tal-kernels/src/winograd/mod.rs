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

#[cfg(target_arch = "x86_64")]
use crate::tile::Instructions;

/// Output and input channels below which transforming the others' values costs more than it saves.
#[cfg(target_arch = "x86_64")]
const MIN_CHANNELS: [usize; 2] = [16, 64];

/// The instructions for so many output and input channels and positions of all samples together; `None` if half the products
/// do not pay, or the processor has none.
#[cfg(target_arch = "x86_64")]
fn instructions(
    channels: [usize; 2],
    num_positions: usize,
    min_positions: usize,
) -> Option<Instructions> {
    let are_enough = channels
        .iter()
        .zip(MIN_CHANNELS)
        .all(|(channels, min)| *channels >= min);
    Instructions::best().filter(|_| are_enough && num_positions >= min_positions)
}
