//! Normalisation over the channels of every position.

use tal_kernels::{ChannelMoments, ChannelNorm};
use tal_torch::record;
use tch::{Tensor, nn};

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
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.fused::<false>(x, None)
            .unwrap_or_else(|| self.on_libtorch(x))
    }

    /// Masks, normalises and rectifies: ReLU(LN(x · valid)) · inside, so that a position that is not valid becomes ReLU(β),
    /// or zero if it is not inside either. A position that is not inside must not be valid.
    ///
    /// # Shapes
    /// (B, C, T), boolean `valid` (B, 1, T), `inside` of zeros and ones (1, 1, T) → (B, C, T).
    pub fn forward_relu(&self, x: &Tensor, valid: &Tensor, inside: Option<&Tensor>) -> Tensor {
        if let Some(y) = self.fused::<true>(x, Some((valid, inside))) {
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
        // there and back leaves a layout that every layer behind has to copy.
        let channels = [1i64].as_slice();
        let centred = x - x.mean_dim(channels, true, None);
        let variance = (&centred * &centred).mean_dim(channels, true, None);
        let normed = centred * (variance + Self::EPS).rsqrt();
        bias.addcmul(&normed, &self.weight)
    }

    /// In two passes over float32 values in main memory, and as many backwards; `None` for other tensors. Of what a backward
    /// pass needs, only the input and its moments are kept.
    fn fused<const RECTIFY: bool>(
        &self,
        x: &Tensor,
        masks: Option<(&Tensor, Option<&Tensor>)>,
    ) -> Option<Tensor> {
        let &[batch, num_channels, len] = x.size().as_slice() else {
            return None;
        };
        let size = [batch, num_channels, len].map(|size| usize::try_from(size).unwrap_or(0));
        let [batch, num_channels, len] = size;
        // SAFETY: the slices do not outlive this call, in which nothing writes but to the tensor that it builds.
        let (values, weight, bias) = unsafe {
            (
                host::values(x)?,
                host::values(&self.weight)?,
                host::values(&self.bias)?,
            )
        };
        if values.is_empty() || weight.len() != num_channels || bias.len() != num_channels {
            return None;
        }
        // What the activation is multiplied by at every position.
        let inside = match masks.and_then(|(_, inside)| inside) {
            Some(inside) => host::copy(&inside.expand([1, 1, dim(len)], false)),
            None => vec![1.0; len],
        };
        let mut moments = ChannelMoments::new(host::THREADS, values, num_channels, len, Self::EPS);
        if let Some((valid, _)) = masks {
            let valid: Vec<f32> = host::copy(&valid.expand([dim(batch), 1, dim(len)], false));
            for (inverse_std, valid) in moments.inverse_std.iter_mut().zip(valid) {
                // What is not valid counts as zero in all channels, which is its own mean.
                *inverse_std *= valid;
            }
        }
        let norm = ChannelNorm {
            x: values,
            weight,
            bias,
            inside: &inside,
            moments: &moments,
        };
        let y = host::build(&size, |out| norm.forward::<RECTIFY>(host::THREADS, out));
        if !host::records_gradient([x, &self.weight, &self.bias]) {
            return Some(y);
        }
        let kept = Kept {
            x: x.detach(),
            weight: self.weight.detach(),
            bias: self.bias.detach(),
            moments,
            inside,
        };
        let inputs = [x, &self.weight, &self.bias];
        Some(record(y, &inputs, move |gradient, _| {
            kept.backward::<RECTIFY>(gradient).map(Some).into()
        }))
    }
}

/// Operands of a backward pass.
#[derive(Debug)]
struct Kept {
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    moments: ChannelMoments,
    inside: Vec<f32>,
}

impl Kept {
    /// The gradients of x, γ and β.
    fn backward<const RECTIFY: bool>(&self, gradient: &Tensor) -> [Tensor; 3] {
        let gradient = gradient.contiguous();
        // SAFETY: the slices do not outlive this call, and during a backward pass nobody writes to what it needs.
        let (x, weight, bias, g) = unsafe {
            (
                host::known_values(&self.x),
                host::known_values(&self.weight),
                host::known_values(&self.bias),
                host::known_values(&gradient),
            )
        };
        let norm = ChannelNorm {
            x,
            weight,
            bias,
            inside: &self.inside,
            moments: &self.moments,
        };
        let size: Vec<usize> = self.x.size().iter().map(|&size| size as usize).collect();
        let mut scales = None;
        let dx = host::build(&size, |out| {
            let (dx, found) = norm.backward::<RECTIFY>(host::THREADS, g, out);
            scales = Some(found);
            dx
        });
        let [weight, bias] =
            scales.map_or_else(Default::default, |scales| [scales.weight, scales.bias]);
        let [weight, bias] =
            [weight, bias].map(|values| Tensor::from_slice(&values).view_as(&self.weight));
        [dx, weight, bias]
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
            assert!(layer.fused::<false>(&x, None).unwrap().equal(y));
            // Positions that are not valid are zero in all channels, and those outside a level are zero in the output.
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
        let is_fused = |x: &Tensor| layer.fused::<false>(x, None).is_some();
        assert!(is_fused(&x));
        tch::no_grad(|| {
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

    /// The gradients of x, γ and β of `layer` in `kind`, and what it returns.
    fn gradients(values: &[Tensor; 5], kind: Kind, rectify: bool) -> [Tensor; 4] {
        let [x, weight, bias, valid, inside] = values;
        let [x, weight, bias] =
            [x, weight, bias].map(|v| v.to_kind(kind).copy().set_requires_grad(true));
        let layer = ChannelLayerNorm { weight, bias };
        let inner = &x * 1.0;
        let y = if rectify {
            layer.forward_relu(&inner, valid, Some(inside))
        } else {
            layer.forward(&inner)
        };
        let size: i64 = y.size().iter().product();
        let signs = Tensor::arange(size, (kind, Device::Cpu)).sin().view_as(&y);
        (&y * signs).sum(None).backward();
        [x.grad(), layer.weight.grad(), layer.bias.grad(), y.detach()]
    }

    #[test]
    fn gradients_of_both_ways_agree() {
        tch::manual_seed(8);
        let options = (Kind::Float, Device::Cpu);
        for (batch, channels, len) in [(1, 1, 1), (2, 3, 5), (2, 64, 33), (3, 130, 170)] {
            let lens = Tensor::randint(len + 1, [batch, 1, 1], (Kind::Int64, Device::Cpu));
            let position = Tensor::arange(len, (Kind::Int64, Device::Cpu)).view([1, 1, len]);
            let valid = position.lt_tensor(&lens);
            let inside = position.lt_tensor(&lens.max()).to_kind(Kind::Float);
            let values = [
                Tensor::randn([batch, channels, len], options) * 4.0 + 1.0,
                Tensor::rand([1, channels, 1], options) + 0.5,
                Tensor::rand([1, channels, 1], options) - 0.5,
                valid,
                inside,
            ];
            for rectify in [false, true] {
                // Only float32 is fused.
                let fused = gradients(&values, Kind::Float, rectify);
                let expected = gradients(&values, Kind::Double, rectify);
                for (a, b) in fused.iter().zip(&expected) {
                    assert_eq!(a.size(), b.size());
                    let error = (a.to_kind(Kind::Double) - b).abs().max() / (b.abs().max() + 1e-3);
                    assert!(error.double_value(&[]) < 1e-4, "{error:?}");
                }
            }
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
