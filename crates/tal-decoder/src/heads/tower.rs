//! Towers: the convolutions at the beginning of every head.

use tal_core::nn::{BiasInit, ChannelLayerNorm, Conv1dConfig, MaskedConv1d};
use tch::{Tensor, nn};

use super::positions::Positions;

/// Sizes of a [`Tower`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TowerConfig {
    /// Channels D of the input.
    pub in_channels: usize,
    /// Channels H of the output.
    pub dim: usize,
    /// Number of blocks; without blocks the output is the input.
    pub num_blocks: usize,
    /// Kernel size of the convolutions (odd).
    pub kernel_size: usize,
    /// Whether blocks have channel layer norms; their convolutions then have no bias.
    pub norm: bool,
}

impl TowerConfig {
    /// Channels of the output: H, or D without blocks.
    pub fn out_channels(&self) -> usize {
        match self.num_blocks {
            0 => self.in_channels,
            _ => self.dim,
        }
    }
}

/// Blocks of a masked convolution, a channel layer norm and ReLU.
///
/// Only the convolution's output is masked: after norm and ReLU a padded position holds `ReLU(β)`. Between packed levels
/// the output is zero.
///
/// # Shapes
/// (B, D, S) to (B, H, S).
#[derive(Debug)]
pub struct Tower {
    /// Blocks; the first one reads the input.
    pub blocks: Vec<TowerBlock>,
}

/// Block of a [`Tower`].
#[derive(Debug)]
pub struct TowerBlock {
    /// Masked convolution.
    pub conv: MaskedConv1d,
    /// Channel layer norm; `None` if the tower has no norms.
    pub norm: Option<ChannelLayerNorm>,
}

impl Tower {
    /// Tower with variables `I.conv` and `I.norm` below `path` for block I.
    ///
    /// # Panics
    /// If a size is 0.
    pub fn new(path: &nn::Path<'_>, config: TowerConfig) -> Self {
        let blocks = (0..config.num_blocks)
            .map(|block| {
                let path = path / block;
                let in_channels = match block {
                    0 => config.in_channels,
                    _ => config.dim,
                };
                let bias = match config.norm {
                    true => BiasInit::None,
                    false => BiasInit::Zero,
                };
                let conv = Conv1dConfig::new(in_channels, config.dim, config.kernel_size);
                let conv = conv.with_bias(bias);
                TowerBlock {
                    conv: MaskedConv1d::new(&(&path / "conv"), conv),
                    norm: config
                        .norm
                        .then(|| ChannelLayerNorm::new(&(&path / "norm"), config.dim)),
                }
            })
            .collect();
        Self { blocks }
    }

    /// Output of the last block.
    pub fn forward(&self, x: &Tensor, positions: &Positions) -> Tensor {
        self.blocks.iter().fold(x.shallow_clone(), |x, block| {
            match &block.norm {
                Some(norm) => {
                    let x = block.conv.conv.forward(&x);
                    norm.forward_relu(&x, &positions.valid, positions.inside.as_ref())
                }
                // The mask sets the positions between levels to zero, too.
                None => block.conv.forward(&x, &positions.valid).relu(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tch::{Device, Kind, nn::VarStore};

    fn config(num_blocks: usize, norm: bool) -> TowerConfig {
        TowerConfig {
            in_channels: 4,
            dim: 6,
            num_blocks,
            kernel_size: 3,
            norm,
        }
    }

    #[test]
    fn norms_replace_biases() {
        for norm in [true, false] {
            let vs = VarStore::new(Device::Cpu);
            Tower::new(&vs.root(), config(2, norm));
            let variables: BTreeMap<_, _> = vs.variables().into_iter().collect();
            let names: Vec<_> = variables.into_keys().collect();
            let expected: &[&str] = if norm {
                &[
                    "0.conv.weight",
                    "0.norm.bias",
                    "0.norm.weight",
                    "1.conv.weight",
                    "1.norm.bias",
                    "1.norm.weight",
                ]
            } else {
                &[
                    "0.conv.bias",
                    "0.conv.weight",
                    "1.conv.bias",
                    "1.conv.weight",
                ]
            };
            assert_eq!(names, expected);
        }
    }

    #[test]
    fn without_blocks_the_input_passes() {
        let vs = VarStore::new(Device::Cpu);
        let tower = Tower::new(&vs.root(), config(0, true));
        let x = Tensor::randn([1, 4, 5], (Kind::Float, Device::Cpu));
        assert_eq!(config(0, true).out_channels(), 4);
        let positions = Positions {
            valid: x.narrow(1, 0, 1).isfinite(),
            inside: None,
        };
        assert_eq!(tower.forward(&x, &positions), x);
    }

    #[test]
    fn padding_does_not_reach_valid_positions_beyond_the_kernel() {
        let vs = VarStore::new(Device::Cpu);
        let tower = Tower::new(&vs.root(), config(1, false));
        let x = Tensor::randn([1, 4, 8], (Kind::Float, Device::Cpu));
        let mask = Tensor::from_slice(&[true, true, true, true, true, false, false, false])
            .view([1, 1, 8]);
        let positions = Positions {
            valid: mask,
            inside: None,
        };
        let y = tower.forward(&x, &positions);
        assert_eq!(y.size(), [1, 6, 8]);
        assert_eq!(y.narrow(2, 5, 3).abs().max().double_value(&[]), 0.0);
    }
}
