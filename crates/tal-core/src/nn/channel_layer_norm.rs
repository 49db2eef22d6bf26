//! Normalisation over the channels of every position.

use std::mem::MaybeUninit;

use tch::{Tensor, nn};

use super::channel_moments::ChannelMoments;
use super::{dim, host};

/// Normalisation over the channels of every position.
///
/// y = (x − μ) / √(v + 1e-5) · γ + β with the mean μ and the biased variance v over the C channels of a sample and position.
///
/// # Shapes
/// (B, C, T) → (B, C, T); `weight` and `bias` (1, C, 1).
#[derive(Debug)]
pub struct ChannelLayerNorm {
    /// γ, 1 at the start.
    pub weight: Tensor,
    /// β, 0 at the start.
    pub bias: Tensor,
}

impl ChannelLayerNorm {
    /// Added to the variance.
    pub const EPS: f64 = 1e-5;

    /// Variables `weight` and `bias` below `path`.
    pub fn new(path: &nn::Path<'_>, num_channels: usize) -> Self {
        let size = [1, dim(num_channels), 1];
        ChannelLayerNorm {
            weight: path.ones("weight", &size),
            bias: path.zeros("bias", &size),
        }
    }

    /// Normalises.
    ///
    /// # Shapes
    /// (B, C, T) → (B, C, T).
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.fused(x, None, |v| v)
            .unwrap_or_else(|| self.on_libtorch(x))
    }

    /// Masks, normalises and rectifies: ReLU(LN(x · valid)) · inside, so that a position that is not valid becomes ReLU(β),
    /// or zero where it is not inside either; a position that is not inside must not be valid.
    ///
    /// # Shapes
    /// (B, C, T), boolean `valid` (B, 1, T), `inside` of zeros and ones (1, 1, T) → (B, C, T).
    pub fn forward_relu(&self, x: &Tensor, valid: &Tensor, inside: Option<&Tensor>) -> Tensor {
        // NaN stays NaN, as LibTorch has it.
        let rectify = |v| if v < 0.0 { 0.0 } else { v };
        if let Some(y) = self.fused(x, Some((valid, inside)), rectify) {
            return y;
        }
        let x = x * valid;
        let mut y = match inside {
            // What is not valid is zero in all channels and stays so but for β: no need to multiply the whole.
            Some(inside) => self.with_bias(&x, &(&self.bias * inside)),
            None => self.on_libtorch(&x),
        };
        y.relu_()
    }

    /// With LibTorch's operations.
    fn on_libtorch(&self, x: &Tensor) -> Tensor {
        self.with_bias(x, &self.bias)
    }

    /// The same with another β, which may differ from position to position.
    fn with_bias(&self, x: &Tensor, bias: &Tensor) -> Tensor {
        // Written out, although LibTorch has a fused layer norm: that one normalises the last dimension, and transposing
        // there and back leaves a layout that every layer behind has to copy. By processor time, forwards and backwards with
        // a rectifier and a convolution behind, at batch 2 × 512 channels and 72 to 2304 positions, this takes 0.74 to 0.78
        // of the fused norm between transpositions; `var_mean` is slower still.
        let channels = [1i64].as_slice();
        let centred = x - x.mean_dim(channels, true, None);
        let variance = (&centred * &centred).mean_dim(channels, true, None);
        let normed = centred * (variance + Self::EPS).rsqrt();
        bias.addcmul(&normed, &self.weight)
    }

    /// In two passes over float32 values in main memory, where no gradient is recorded; otherwise `None`.
    fn fused(
        &self,
        x: &Tensor,
        masks: Option<(&Tensor, Option<&Tensor>)>,
        activation: impl Fn(f32) -> f32 + Sync,
    ) -> Option<Tensor> {
        if host::records_gradient([x, &self.weight, &self.bias]) {
            return None;
        }
        let &[batch, num_channels, len] = x.size().as_slice() else {
            return None;
        };
        let size = [batch, num_channels, len].map(|size| usize::try_from(size).unwrap_or(0));
        let [batch, num_channels, len] = size;
        // SAFETY: the slices do not outlive this call, in which nothing writes but to the tensor that it builds.
        let (x, weight, bias) = unsafe {
            (
                host::values(x)?,
                host::values(&self.weight)?,
                host::values(&self.bias)?,
            )
        };
        if x.is_empty() || weight.len() != num_channels || bias.len() != num_channels {
            return None;
        }
        // What the activation is multiplied by at every position.
        let inside = match masks.and_then(|(_, inside)| inside) {
            Some(inside) => host::copy(&inside.expand([1, 1, dim(len)], false)),
            None => vec![1.0; len],
        };
        let mut moments = ChannelMoments::new(x, num_channels, len, Self::EPS);
        if let Some((valid, _)) = masks {
            let valid: Vec<f32> = host::copy(&valid.expand([dim(batch), 1, dim(len)], false));
            for (inverse_std, valid) in moments.inverse_std.iter_mut().zip(valid) {
                // What is not valid counts as zero in all channels, which is its own mean.
                *inverse_std *= valid;
            }
        }
        let row = |(): &mut (), number: usize, out: &mut [MaybeUninit<f32>]| {
            let x = &x[number * len..][..len];
            let (sample, channel) = (number / num_channels, number % num_channels);
            let (weight, bias) = (weight[channel], bias[channel]);
            let mean = &moments.mean[sample * len..][..len];
            let inverse_std = &moments.inverse_std[sample * len..][..len];
            let columns = x.iter().zip(mean).zip(inverse_std).zip(&inside);
            for (out, (((x, mean), inverse_std), inside)) in out.iter_mut().zip(columns) {
                out.write(activation((x - mean) * inverse_std * weight + bias) * inside);
            }
        };
        // SAFETY: every value belongs to a row, and the four lists of a row have its length.
        let y = unsafe { host::build(&size, |rows| host::for_each_row(rows, len, || (), row)) };
        Some(y)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, nn::VarStore};

    use super::*;
    use crate::nn::gradient_error;

    /// The formula, written out in double precision.
    fn expected(layer: &ChannelLayerNorm, x: &Tensor) -> Tensor {
        let x = x.to_kind(Kind::Double);
        let mean = x.mean_dim(1, true, None);
        let variance = (&x - &mean).square().mean_dim(1, true, None);
        (&x - mean) / (variance + ChannelLayerNorm::EPS).sqrt() * layer.weight.to_kind(Kind::Double)
            + layer.bias.to_kind(Kind::Double)
    }

    fn randomise(layer: &ChannelLayerNorm) {
        tch::no_grad(|| {
            let _ = layer.weight.shallow_clone().uniform_(0.5, 1.5);
            let _ = layer.bias.shallow_clone().uniform_(-1.0, 1.0);
        });
    }

    #[test]
    fn equals_its_formula() {
        tch::manual_seed(4);
        for (batch, channels, len) in [(1, 1, 1), (2, 3, 5), (2, 64, 33), (3, 130, 17)] {
            let vs = VarStore::new(Device::Cpu);
            let layer = ChannelLayerNorm::new(&vs.root(), channels as usize);
            randomise(&layer);
            let x = Tensor::randn([batch, channels, len], (Kind::Float, Device::Cpu)) * 4.0 + 1.0;
            let expected = expected(&layer, &x);
            let mut flags = vec![true; (batch * len) as usize];
            flags[0] = false;
            flags
                .chunks_mut(len as usize)
                .for_each(|row| row[row.len() - 1] = false);
            let valid = Tensor::from_slice(&flags).view([batch, 1, len]);
            let inside = Tensor::ones([1, 1, len], (Kind::Float, Device::Cpu));
            let _ = inside.narrow(2, len - 1, 1).fill_(0.0);
            let rectify = |layer: &ChannelLayerNorm| layer.forward_relu(&x, &valid, Some(&inside));
            let fused = tch::no_grad(|| [layer.forward(&x), rectify(&layer)]);
            assert!(fused.iter().all(|y| !y.requires_grad()));
            let [y, rectified] = &fused;
            assert!(
                tch::no_grad(|| layer.fused(&x, None, |v| v))
                    .unwrap()
                    .equal(y)
            );
            // Where nothing is valid all channels are zero, and where there is no level so is the answer.
            let masked = self::expected(&layer, &(&x * &valid)).relu() * &inside;
            for (y, expected) in [
                (&layer.forward(&x), &expected),
                (&rectify(&layer), &masked),
                (y, &expected),
                (rectified, &masked),
            ] {
                assert_eq!(y.size(), x.size());
                let difference = (y.to_kind(Kind::Double) - expected).abs().max();
                assert!(difference.double_value(&[]) < 1e-5, "{difference:?}");
            }
        }
    }

    #[test]
    fn what_is_not_fused() {
        let vs = VarStore::new(Device::Cpu);
        let layer = ChannelLayerNorm::new(&vs.root(), 3);
        let x = Tensor::randn([2, 3, 5], (Kind::Float, Device::Cpu));
        let is_fused = |x: &Tensor| layer.fused(x, None, |v| v).is_some();
        assert!(!is_fused(&x), "the weights are trained");
        tch::no_grad(|| {
            assert!(is_fused(&x));
            let strided = Tensor::randn([2, 5, 3], (Kind::Float, Device::Cpu)).transpose(1, 2);
            assert!(!is_fused(&strided));
            assert!(!is_fused(&x.to_kind(Kind::Double)));
            assert!(!is_fused(&x.narrow(2, 0, 0)));
            assert_eq!(layer.forward(&x.narrow(2, 0, 0)).size(), [2, 3, 0]);
            let difference = layer.forward(&strided) - layer.forward(&strided.contiguous());
            assert!(difference.abs().max().double_value(&[]) < 1e-6);
        });
    }

    #[test]
    fn the_relu_keeps_nan() {
        let vs = VarStore::new(Device::Cpu);
        let layer = ChannelLayerNorm::new(&vs.root(), 2);
        let x = Tensor::from_slice(&[f32::NAN, 1.0]).view([1, 2, 1]);
        let valid = x.narrow(1, 0, 1).isnan();
        let y = tch::no_grad(|| layer.forward_relu(&x, &valid, None));
        assert_eq!(y.isnan().all().int64_value(&[]), 1);
    }

    #[test]
    fn constant_channels_become_the_bias() {
        let vs = VarStore::new(Device::Cpu);
        let layer = ChannelLayerNorm::new(&vs.root(), 8);
        randomise(&layer);
        let x = Tensor::full([1, 8, 4], 2.5, (Kind::Float, Device::Cpu));
        for y in [layer.forward(&x), tch::no_grad(|| layer.forward(&x))] {
            let difference = (y - &layer.bias).abs().max();
            assert!(difference.double_value(&[]) < 1e-6);
        }
    }

    #[test]
    fn gradients_match_finite_differences() {
        tch::manual_seed(6);
        let mut vs = VarStore::new(Device::Cpu);
        let layer = ChannelLayerNorm::new(&vs.root(), 5);
        vs.double();
        randomise(&layer);
        let x = Tensor::randn([2, 5, 4], (Kind::Double, Device::Cpu)).set_requires_grad(true);
        let inputs = [
            x.shallow_clone(),
            layer.weight.shallow_clone(),
            layer.bias.shallow_clone(),
        ];
        let error = gradient_error(&inputs, || layer.forward(&x));
        assert!(error < 1e-6, "{error}");
    }
}
