//! Embedding in which snippets of one kind lie close together.

use tal_core::nn::{Conv1d, Conv1dConfig};
use tch::{Tensor, nn};

/// Least length that is divided by.
const MIN_LENGTH: f64 = 1e-12;

/// Embedding e = z / ‖z‖ over channels, with z = conv3(LeakyReLU(conv3(x))).
///
/// # Shapes
/// (B, D, T) → (B, E, T).
#[derive(Debug)]
pub struct Embedding {
    /// Convolution from D to the hidden channels.
    pub hidden: Conv1d,
    /// Convolution from the hidden channels to E.
    pub output: Conv1d,
}

impl Embedding {
    /// Embedding with variables `hidden.*` and `output.*` below `path`.
    ///
    /// # Panics
    /// If a size is 0.
    pub fn new(
        path: &nn::Path<'_>,
        input_dim: usize,
        hidden_dim: usize,
        embedding_dim: usize,
    ) -> Self {
        let output = Conv1dConfig::new(hidden_dim, embedding_dim, 3);
        Self {
            hidden: Conv1d::new(
                &(path / "hidden"),
                Conv1dConfig::new(input_dim, hidden_dim, 3),
            ),
            output: Conv1d::new(&(path / "output"), output),
        }
    }

    /// Embeddings of all snippets, of length 1.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let hidden = self.hidden.forward(x).leaky_relu_();
        let output = self.output.forward(&hidden);
        let length = output.norm_scalaropt_dim(2, [1i64].as_slice(), true);
        output / length.clamp_min(MIN_LENGTH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::nn::VarStore;
    use tch::{Device, Kind};

    #[test]
    fn embeddings_have_length_one() {
        tch::set_num_threads(1);
        let vs = VarStore::new(Device::Cpu);
        let embedding = Embedding::new(&vs.root(), 4, 5, 3);
        let e = embedding.forward(&Tensor::randn([2, 4, 6], (Kind::Float, Device::Cpu)));
        assert_eq!(e.size(), [2, 3, 6]);
        let squares = (&e * &e).sum_dim_intlist([1i64].as_slice(), false, None::<Kind>);
        assert!((squares - 1.0).abs().max().double_value(&[]) < 1e-6);
    }
}
