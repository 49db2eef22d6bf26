//! Convolution whose taps are weighted by the similarities of neighbouring snippets.

use tal_core::config::AffinityLayout;
use tal_core::nn::{BiasInit, Conv1d, Conv1dConfig, convolve, dim};
use tch::{Device, Tensor, nn};

use crate::affinity::Affinity;

const NUM_TAPS: i64 = 3;

/// Convolution with three taps and without bias, whose inputs are multiplied by similarities.
///
/// `per_tap`: y_t = a_{t,−1}·W_{−1}·x_{t−1} + W_0·x_t + a_{t,+1}·W_{+1}·x_{t+1}, with the similarity a of snippet t and its
/// neighbour. A similarity multiplies whole columns, so it is applied to the products. Nothing is unfolded, and autograd keeps
/// the two outer products (2·out values per snippet) instead of the unfolded input, its similarities and their product
/// (9·in values).
///
/// `released`: the input's row c·3 + j (channel c, tap j) is multiplied by a_{t,−1} in the first third of the rows, by 1 in
/// the second and by a_{t,+1} in the last. The thirds are ranges of channels, and two of them may share a channel, with
/// weights of 0 for the taps of the other. This makes three plain convolutions of a third of the channels each.
///
/// # Shapes
/// (B, in, T) → (B, out, T); `weight` (out, in, 3).
#[derive(Debug)]
pub struct AffinityConv {
    /// Kernels.
    pub weight: Tensor,
    layout: AffinityLayout,
    thirds: [Third; 3],
}

/// Third of the rows of the released layout, which shares a similarity.
#[derive(Debug)]
struct Third {
    first_channel: i64,
    num_channels: i64,
    /// Whether every (channel, tap) belongs to the third, (channels, 3); `None` if all do.
    mask: Option<Tensor>,
}

impl AffinityConv {
    /// Convolution with the variable `weight` below `path`, which starts with PyTorch's own initial values.
    ///
    /// # Panics
    /// If a size is 0.
    pub fn new(
        path: &nn::Path<'_>,
        in_channels: usize,
        out_channels: usize,
        layout: AffinityLayout,
    ) -> Self {
        let conv = Conv1dConfig {
            bias: BiasInit::None,
            ..Conv1dConfig::new(in_channels, out_channels, NUM_TAPS as usize)
        };
        let third = |third| Third::new(third, dim(in_channels), path.device());
        Self {
            weight: Conv1d::new(path, conv).weight,
            layout,
            thirds: [0, 1, 2].map(third),
        }
    }

    /// Convolution of `x`.
    pub fn forward(&self, x: &Tensor, affinity: &Affinity) -> Tensor {
        let [before, mut middle, after] = self.products(x);
        let _ = middle.addcmul_(&affinity.left, &before);
        middle.addcmul_(&affinity.right, &after)
    }

    /// Convolutions of `x` and of `scale` · `x`. As `scale` multiplies whole columns, too, both share the products of
    /// `per_tap`.
    ///
    /// # Shapes
    /// `x` (B, in, T), `scale` (B, 1, T) → twice (B, out, T).
    pub fn forward_both(
        &self,
        x: &Tensor,
        scale: &Tensor,
        affinity: &Affinity,
    ) -> (Tensor, Tensor) {
        match self.layout {
            AffinityLayout::PerTap => {
                let [before, middle, after] = self.products(x);
                let mut plain = middle.addcmul(&affinity.left, &before);
                let plain = plain.addcmul_(&affinity.right, &after);
                let mut scaled = middle * scale;
                let _ = scaled.addcmul_(&(&affinity.left * scale.roll(1, 2)), &before);
                let scaled = scaled.addcmul_(&(&affinity.right * scale.roll(-1, 2)), &after);
                (plain, scaled)
            }
            AffinityLayout::Released => (
                self.forward(x, affinity),
                self.forward(&(x * scale), affinity),
            ),
        }
    }

    /// The products that are multiplied by the similarities with the previous snippet, by 1 and by those with the next snippet,
    /// each at the snippet that it is added to. Values that `roll` carries around an end meet a similarity of 0.
    fn products(&self, x: &Tensor) -> [Tensor; 3] {
        match self.layout {
            AffinityLayout::PerTap => {
                // Split, not narrowed: the gradients of the taps then come together in one tensor.
                let taps = self.weight.split(1, 2);
                let product = |tap: usize| convolve(x, &taps[tap], None, 0);
                [product(0).roll(1, 2), product(1), product(2).roll(-1, 2)]
            }
            AffinityLayout::Released => self
                .thirds
                .each_ref()
                .map(|third| third.forward(x, &self.weight)),
        }
    }
}

impl Third {
    /// Channels with a row c·3 + j from `third`·C to below (`third` + 1)·C.
    fn new(third: i64, in_channels: i64, device: Device) -> Self {
        let rows = third * in_channels..(third + 1) * in_channels;
        let first_channel = rows.start / NUM_TAPS;
        let num_channels = (rows.end - 1) / NUM_TAPS + 1 - first_channel;
        let belongs: Vec<bool> = (first_channel * NUM_TAPS..)
            .take((num_channels * NUM_TAPS) as usize)
            .map(|row| rows.contains(&row))
            .collect();
        let mask = (!belongs.iter().all(|belongs| *belongs)).then(|| {
            Tensor::from_slice(&belongs)
                .view([num_channels, NUM_TAPS])
                .to_device(device)
        });
        Self {
            first_channel,
            num_channels,
            mask,
        }
    }

    fn forward(&self, x: &Tensor, weight: &Tensor) -> Tensor {
        let weight = weight.narrow(1, self.first_channel, self.num_channels);
        let weight = match &self.mask {
            Some(mask) => weight * mask,
            None => weight,
        };
        convolve(
            &x.narrow(1, self.first_channel, self.num_channels),
            &weight,
            None,
            NUM_TAPS / 2,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tal_core::nn::gradient_error;
    use tch::Kind;
    use tch::nn::VarStore;

    const DOUBLE: (Kind, Device) = (Kind::Double, Device::Cpu);

    /// Definition: the unfolded input, times its similarities, times the weight.
    fn unfolded(
        x: &Tensor,
        affinity: &Affinity,
        weight: &Tensor,
        layout: AffinityLayout,
    ) -> Tensor {
        let (channels, len) = (x.size()[1], x.size()[2]);
        let padded = x.constant_pad_nd([1, 1]);
        let taps: Vec<Tensor> = (0..3).map(|tap| padded.narrow(2, tap, len)).collect();
        // Channel-major: row = channel · 3 + tap.
        let rows = Tensor::stack(&taps, 2).reshape([-1, channels * 3, len]);
        let ones = affinity.left.ones_like();
        let [left, middle, right] = [&affinity.left, &ones, &affinity.right];
        let similarities: Vec<&Tensor> = (0..channels * 3)
            .map(|row| match layout {
                AffinityLayout::PerTap => [left, middle, right][(row % 3) as usize],
                AffinityLayout::Released => [left, middle, right][(row / channels) as usize],
            })
            .collect();
        weight
            .flatten(1, 2)
            .matmul(&(rows * Tensor::cat(&similarities, 1)))
    }

    struct Case {
        conv: AffinityConv,
        x: Tensor,
        scale: Tensor,
        embedding: Tensor,
    }

    fn case(channels: i64, layout: AffinityLayout) -> Case {
        tch::set_num_threads(1);
        tch::manual_seed(channels);
        let mut vs = VarStore::new(Device::Cpu);
        let mut conv = AffinityConv::new(&vs.root(), channels as usize, 4, layout);
        vs.double();
        conv.weight = vs.variables()["weight"].shallow_clone();
        let leaf = |size: [i64; 3]| Tensor::randn(size, DOUBLE).set_requires_grad(true);
        Case {
            conv,
            x: leaf([2, channels, 6]),
            scale: leaf([2, 1, 6]),
            embedding: leaf([2, 3, 6]),
        }
    }

    const LAYOUTS: [AffinityLayout; 2] = [AffinityLayout::PerTap, AffinityLayout::Released];

    #[test]
    fn both_layouts_are_those_of_the_unfolded_input() {
        for layout in LAYOUTS {
            for channels in [1, 2, 3, 5, 7, 9] {
                let case = case(channels, layout);
                let affinity = Affinity::new(&case.embedding);
                let expected = |x: &Tensor| unfolded(x, &affinity, &case.conv.weight, layout);
                let (plain, scaled) = case.conv.forward_both(&case.x, &case.scale, &affinity);
                for (found, expected) in [
                    (case.conv.forward(&case.x, &affinity), expected(&case.x)),
                    (plain, expected(&case.x)),
                    (scaled, expected(&(&case.x * &case.scale))),
                ] {
                    let difference = (found - expected).abs().max().double_value(&[]);
                    assert!(difference < 1e-12, "{layout:?} {channels}: {difference}");
                }
            }
        }
    }

    #[test]
    fn gradients_reach_input_scale_similarities_and_weight() {
        for layout in LAYOUTS {
            let Case {
                conv,
                x,
                scale,
                embedding,
            } = case(5, layout);
            let inputs = [&x, &scale, &embedding, &conv.weight].map(Tensor::shallow_clone);
            let error = gradient_error(&inputs, || {
                let affinity = Affinity::new(&embedding);
                let (plain, scaled) = conv.forward_both(&x, &scale, &affinity);
                plain + scaled * conv.forward(&x, &affinity)
            });
            assert!(error < 1e-6, "{layout:?}: {error}");
        }
    }
}
