//! Halving of the length before a branch block.

use tal_core::config::Downsampling;
use tal_core::nn::{Conv1d, downsample_mask};
use tch::{Tensor, nn};

use crate::attention::pointwise;

/// Halving of the length before a branch block.
///
/// # Shapes
/// (B, C, T), mask (B, 1, T) → (B, C, ⌈T/2⌉), mask (B, 1, ⌈T/2⌉).
#[derive(Debug)]
pub enum Downsampler {
    /// Max-pooling, kernel 3, stride 2; outside the sequence is −∞.
    Max,
    /// Average pooling, kernel 2, stride 2 (an odd last position stands alone), then a 1×1 convolution.
    Average(Conv1d),
}

impl Downsampler {
    /// Variables `weight` and `bias` below `path` for the average, none for the maximum.
    pub fn new(path: &nn::Path<'_>, config: Downsampling, num_channels: usize) -> Self {
        match config {
            Downsampling::Max => Downsampler::Max,
            Downsampling::Average => {
                Downsampler::Average(pointwise(path, num_channels, num_channels))
            }
        }
    }

    /// Halves features and mask if there is a `downsampling`.
    pub(crate) fn forward_if(
        downsampling: Option<&Self>,
        x: &Tensor,
        mask: &Tensor,
    ) -> (Tensor, Tensor) {
        match downsampling {
            Some(downsampling) => downsampling.forward(x, mask),
            None => (x.shallow_clone(), mask.shallow_clone()),
        }
    }

    /// Halves features and mask. Padded positions take part in the pooling.
    pub fn forward(&self, x: &Tensor, mask: &Tensor) -> (Tensor, Tensor) {
        let y = match self {
            Downsampler::Max => x.max_pool1d(3, 2, 1, 1, false),
            Downsampler::Average(conv) => conv.forward(&x.avg_pool1d(2, 2, 0, true, false)),
        };
        (y, downsample_mask(mask))
    }
}

#[cfg(test)]
mod tests {
    use tal_core::nn::length_mask;
    use tch::{Device, nn::VarStore};

    use super::*;

    fn halved(config: Downsampling, values: &[f32]) -> Vec<f32> {
        let vs = VarStore::new(Device::Cpu);
        let downsampler = Downsampler::new(&vs.root(), config, 1);
        if let Downsampler::Average(conv) = &downsampler {
            tch::no_grad(|| {
                let _ = conv.weight.shallow_clone().fill_(1.0);
            });
        }
        let x = Tensor::from_slice(values).view([1, 1, -1]);
        let mask = length_mask(&[1], values.len(), Device::Cpu);
        let (y, mask) = downsampler.forward(&x, &mask);
        assert_eq!(y.size(), mask.size());
        Vec::<f32>::try_from(y.view(-1)).unwrap()
    }

    #[test]
    fn maximum_of_three_with_nothing_outside() {
        assert_eq!(halved(Downsampling::Max, &[-3., -2., -5., -4.]), [-2., -2.]);
        assert_eq!(
            halved(Downsampling::Max, &[-3., -4., -5., -6., -7.]),
            [-3., -4., -6.]
        );
    }

    #[test]
    fn average_of_two() {
        assert_eq!(halved(Downsampling::Average, &[1., 2., 3., 5.]), [1.5, 4.]);
        assert_eq!(halved(Downsampling::Average, &[1., 2., 7.]), [1.5, 7.]);
    }
}
