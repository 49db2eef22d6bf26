//! What the blocks share: residual branches that training skips at random, and checks of their sizes.

use tal_core::config::PerLevel;
use tal_core::nn::AffineDropPath;
use tch::{Tensor, nn};

use crate::error::{EncoderError, require};

/// A residual branch's drop path, where there is one.
#[derive(Debug)]
pub struct Residual(pub Option<AffineDropPath>);

impl Residual {
    /// Variable `scale` below `path` where `probability` is above 0.
    pub(super) fn new(path: &nn::Path<'_>, dim: usize, probability: f64) -> Self {
        Residual((probability > 0.0).then(|| AffineDropPath::new(path, dim, probability)))
    }

    /// What is added to the trunk.
    ///
    /// # Shapes
    /// (B, C, T) → (B, C, T).
    pub fn forward_t(&self, x: Tensor, train: bool) -> Tensor {
        match &self.0 {
            Some(drop_path) => drop_path.forward_t(&x, train),
            None => x,
        }
    }
}

/// The probability of a block's drop paths, checked.
pub(super) fn require_drop_path(probability: f64) -> Result<f64, EncoderError> {
    require(
        (0.0..1.0).contains(&probability),
        "mixer.drop_path",
        probability,
        "at least 0 and below 1",
    )?;
    Ok(probability)
}

/// The width of a block with a group norm, checked.
pub(super) fn require_groups(dim: usize, groups: usize) -> Result<(), EncoderError> {
    debug_assert_eq!(groups, 16, "the message names the groups");
    require(
        dim > 0 && dim.is_multiple_of(groups),
        "dim",
        dim,
        "a multiple of 16 (the groups of the block's group norm)",
    )
}

/// The hidden width of a block's MLP, checked.
pub(super) fn require_mlp_dim(mlp_dim: usize) -> Result<usize, EncoderError> {
    require(mlp_dim > 0, "mixer.mlp_dim", mlp_dim, "at least 1")?;
    Ok(mlp_dim)
}

/// The kernel of a level, checked.
pub(super) fn kernel_of(
    kernels: &PerLevel,
    level: usize,
    what: &'static str,
) -> Result<usize, EncoderError> {
    let kernel_size = kernels
        .get(level)
        .ok_or(EncoderError::Level { what, level })?;
    require(kernel_size % 2 == 1, what, kernel_size, "odd")?;
    Ok(kernel_size)
}
