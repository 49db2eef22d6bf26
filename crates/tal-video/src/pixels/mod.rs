//! Pixels: resizing, cropping and normalising of frames, as the recipe's original does.

mod bytes;
mod error;
mod filter;
mod floats;
mod gather;
mod preprocessor;
mod simd;
mod size;
mod weighted;
pub(crate) mod yuv;

pub use error::PixelError;
pub use preprocessor::Preprocessor;
