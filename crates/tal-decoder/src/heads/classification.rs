//! Class logits of actions, starts and ends.

use tal_core::nn::{BiasInit, MaskedConv1d};
use tch::{Tensor, nn};

use super::layers::output_config;
use super::positions::Positions;
use super::tower::{Tower, TowerConfig};
use crate::lazy_map::LazyMap;

/// Initial probability of classes without examples.
const EMPTY_CLASS_PROBABILITY: f64 = 1e-6;

/// Tower and masked convolution to one logit per class; also the start and the end head.
///
/// # Shapes
/// (B, D, S) to (B, K, S).
#[derive(Debug)]
pub struct ClassificationHead {
    /// Tower.
    pub tower: Tower,
    /// Last convolution.
    pub output: MaskedConv1d,
}

impl ClassificationHead {
    /// Head with variables `tower` and `output` below `path`.
    ///
    /// Every class starts with the probability π = `prior`, a bias of `−ln((1 − π)/π)`; `empty_classes` start with 1e-6.
    ///
    /// # Panics
    /// If a size is 0 or an empty class is not below `num_classes`.
    pub fn new(
        path: &nn::Path<'_>,
        config: TowerConfig,
        num_classes: usize,
        prior: f64,
        empty_classes: &[u32],
    ) -> Self {
        let tower = Tower::new(&(path / "tower"), config);
        let output = output_config(config.out_channels(), num_classes, config.kernel_size)
            .with_bias(BiasInit::Value(bias_of(prior)));
        let output = MaskedConv1d::new(&(path / "output"), output);
        if let Some(bias) = &output.conv.bias {
            tch::no_grad(|| {
                for &class in empty_classes {
                    let _ = bias
                        .get(i64::from(class))
                        .fill_(bias_of(EMPTY_CLASS_PROBABILITY));
                }
            });
        }
        Self { tower, output }
    }

    /// Logits of all classes.
    pub fn forward(&self, x: &Tensor, positions: &Positions) -> Tensor {
        let features = self.tower.forward(x, positions);
        self.output.forward(&features, &positions.valid)
    }

    /// [`ClassificationHead::forward`] with the last convolution computed only where logits are read.
    pub fn forward_map(&self, x: &Tensor, positions: &Positions) -> LazyMap {
        let features = self.tower.forward(x, positions);
        LazyMap::new(&self.output, &features, &positions.valid)
    }
}

/// Logit of a probability.
fn bias_of(probability: f64) -> f64 {
    -((1.0 - probability) / probability).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use tch::{Device, nn::VarStore};

    #[test]
    fn classes_start_with_their_prior() {
        let vs = VarStore::new(Device::Cpu);
        let config = TowerConfig {
            in_channels: 2,
            dim: 2,
            num_blocks: 1,
            kernel_size: 3,
            norm: true,
        };
        let head = ClassificationHead::new(&vs.root(), config, 3, 0.01, &[1]);
        let bias = Vec::<f64>::try_from(head.output.conv.bias.unwrap()).unwrap();
        assert_relative_eq!(
            bias[..],
            [-4.59512, -13.81551, -4.59512][..],
            epsilon = 1e-5
        );
    }
}
