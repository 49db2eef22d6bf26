//! Residual branches that training skips at random, and kernels of levels.

use tal_core::config::PerLevel;
use tal_core::nn::AffineDropPath;
use tch::{Tensor, nn};

/// Drop path of a residual branch, if it has one.
#[derive(Debug)]
pub struct Residual(pub Option<AffineDropPath>);

impl Residual {
    /// Variable `scale` below `path` if `probability` is above 0.
    pub(super) fn new(path: &nn::Path<'_>, dim: usize, probability: f64) -> Self {
        Residual((probability > 0.0).then(|| AffineDropPath::new(path, dim, probability)))
    }

    /// The branch as it is added to the trunk.
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

/// The kernel of a level in a configuration that was checked.
pub(super) fn kernel_of(kernels: &PerLevel, level: usize) -> usize {
    kernels.get(level).expect("a kernel for every level")
}
