//! Features of snippets in the context of similar neighbours.

use tal_core::config::AffinityLayout;
use tal_core::nn::draw_rows;
use tch::{Kind, Tensor, nn};

use crate::affinity::Affinity;
use crate::affinity_conv::AffinityConv;

/// Two affinity convolutions, each with a LeakyReLU. Both branches share the weights.
///
/// # Shapes
/// (B, D, T) → twice (B, H, T).
#[derive(Debug)]
pub struct BaseModule {
    /// First layer, D to H channels.
    pub first: AffinityConv,
    /// Second layer, H to H channels.
    pub second: AffinityConv,
    /// Probability with which values of the second layer are dropped in training.
    pub dropout: f64,
}

/// Features of both layers.
#[derive(Debug)]
pub struct BaseFeatures {
    /// Features of the first layer, (B, H, T).
    pub first: Tensor,
    /// Features of the second layer, (B, H, T).
    pub second: Tensor,
}

impl BaseModule {
    /// Module with variables `first.weight` and `second.weight` below `path`.
    ///
    /// # Panics
    /// If a size is 0.
    pub fn new(
        path: &nn::Path<'_>,
        input_dim: usize,
        dim: usize,
        layout: AffinityLayout,
        dropout: f64,
    ) -> Self {
        Self {
            first: AffinityConv::new(&(path / "first"), input_dim, dim, layout),
            second: AffinityConv::new(&(path / "second"), dim, dim, layout),
            dropout,
        }
    }

    /// Features of `x`, without dropout.
    pub fn forward(&self, x: &Tensor, affinity: &Affinity) -> BaseFeatures {
        let first = self.first.forward(x, affinity).leaky_relu_();
        let second = self.second(&first, affinity, false);
        BaseFeatures { first, second }
    }

    /// Second layer's features of `x` and of `weight` · `x`. In training, some values are dropped, and the others are not
    /// scaled up.
    ///
    /// # Shapes
    /// `x` (B, D, T), `weight` (B, 1, T) → twice (B, H, T).
    pub fn forward_both(
        &self,
        x: &Tensor,
        weight: &Tensor,
        affinity: &Affinity,
        train: bool,
    ) -> (Tensor, Tensor) {
        let (mut base, mut supp) = self.first.forward_both(x, weight, affinity);
        let (base, supp) = (base.leaky_relu_(), supp.leaky_relu_());
        (
            self.second(&base, affinity, train),
            self.second(&supp, affinity, train),
        )
    }

    /// Second layer. Values are dropped before the LeakyReLU, with the same result as after it, because autograd then keeps
    /// one tensor for it and the classifier.
    fn second(&self, first: &Tensor, affinity: &Affinity, train: bool) -> Tensor {
        let mut second = self.second.forward(first, affinity);
        if train && self.dropout > 0.0 {
            let options = (Kind::Bool, second.device());
            let draw = |size: &[i64]| Tensor::empty(size, options).bernoulli_float_(self.dropout);
            let dropped = draw_rows(&second.size(), draw);
            let _ = second.masked_fill_(&dropped, 0.0);
        }
        second.leaky_relu_()
    }
}
