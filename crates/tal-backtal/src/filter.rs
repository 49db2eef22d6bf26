//! Foreground filter: the probability that a snippet belongs to an action of any class.

use tal_core::nn::{Conv1d, Conv1dConfig};
use tch::{Tensor, nn};

/// Foreground filter w = σ(conv1(LeakyReLU(conv1(x)))).
///
/// # Shapes
/// (B, D, T) → (B, 1, T).
#[derive(Debug)]
pub struct ForegroundFilter {
    /// Convolution from D to the hidden channels.
    pub hidden: Conv1d,
    /// Convolution from the hidden channels to one.
    pub output: Conv1d,
}

impl ForegroundFilter {
    /// Filter with variables `hidden.*` and `output.*` below `path`.
    ///
    /// # Panics
    /// If a size is 0.
    pub fn new(path: &nn::Path<'_>, input_dim: usize, hidden_dim: usize) -> Self {
        Self {
            hidden: Conv1d::new(
                &(path / "hidden"),
                Conv1dConfig::new(input_dim, hidden_dim, 1),
            ),
            output: Conv1d::new(&(path / "output"), Conv1dConfig::new(hidden_dim, 1, 1)),
        }
    }

    /// Weights of all snippets, between 0 and 1.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let hidden = self.hidden.forward(x).leaky_relu_();
        self.output.forward(&hidden).sigmoid()
    }
}
