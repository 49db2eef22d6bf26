//! Pyramid encoders for temporal action localization, on LibTorch.
//!
//! Features of a padded batch go through the [`Projection`] and a positional encoding into blocks that mix information
//! along time: a stem at full length and one further block per halving of the length. The [`Neck`] normalises every level.
//! The blocks are those of CLTDR-GMG ([`Gmg`]), ActionFormer ([`AttentionBlock`]), TriDet ([`Sgp`]) and TemporalMaxer
//! ([`MaxPooling`]).
//!
//! ```text
//! features (B, D_in, T) ─ projection ─ [+ position] ─ stem ─┬─ level 0 (B, D, T)
//!                                                         ½ └─ branch 0 ─┬─ level 1 (B, D, T/2)
//!                                                                      ½ └─ branch 1 ─ …
//! ```
//!
//! The feature `torch` (default) is all of that. The feature `spectral` (default) adds the global filter in pure Rust,
//! which also works alone, on machines without LibTorch: `default-features = false, features = ["spectral"]`.

#[cfg(feature = "torch")]
mod attention;
#[cfg(feature = "torch")]
mod downsampling;
#[cfg(feature = "torch")]
mod encoder;
#[cfg(feature = "torch")]
mod error;
#[cfg(feature = "torch")]
mod filter;
#[cfg(feature = "torch")]
mod key_map;
#[cfg(feature = "torch")]
mod mixer;
#[cfg(feature = "torch")]
mod mlp;
#[cfg(feature = "torch")]
mod neck;
#[cfg(feature = "torch")]
mod network;
#[cfg(not(feature = "torch"))]
#[path = "no_network.rs"]
mod network;
#[cfg(feature = "torch")]
mod position;
#[cfg(feature = "torch")]
mod projection;
#[cfg(feature = "spectral")]
pub mod spectral;
#[cfg(feature = "torch")]
mod windowed;

#[allow(
    unused_imports,
    unreachable_pub,
    reason = "without LibTorch there is nothing to name"
)]
pub use network::*;
