//! Maps per class, computed only where their values are read.

use tal_core::nn::{ConvWindow, MaskedConv1d, PackedLayout, convolve, convolve_windows, host};
use tch::{Device, Tensor};

use crate::pairs::{Pairs, gather};

/// One value per channel and position of all packed levels, computed on demand.
///
/// Losses and candidates read only a few positions, around selected pairs of a point and a class. The last convolution of a
/// head is therefore computed at these positions alone if that is less work.
///
/// # Shapes
/// (B, C, S) for C channels: one per class, or a single one for all classes.
#[derive(Debug)]
pub struct LazyMap(Values);

/// Values, or their origin.
#[derive(Debug)]
enum Values {
    /// The values; zero at padded positions and between levels.
    Whole(Tensor),
    /// The convolution that gives them.
    Convolution(MapConvolution),
}

/// A masked convolution that has not been computed yet.
#[derive(Debug)]
struct MapConvolution {
    /// (B, H, S)
    features: Tensor,
    /// (C, H, kernel)
    weight: Tensor,
    /// (C)
    bias: Option<Tensor>,
    /// Boolean (B, 1, S)
    mask: Tensor,
}

impl From<Tensor> for LazyMap {
    fn from(values: Tensor) -> Self {
        LazyMap(Values::Whole(values))
    }
}

impl LazyMap {
    /// Answer of `conv`, the last convolution of a head, to `features` (B, H, S): zero wherever `mask`, boolean (B, 1, S), is
    /// false. The variables are shared, so an optimiser's step before the values are read changes the values.
    pub(crate) fn new(conv: &MaskedConv1d, features: &Tensor, mask: &Tensor) -> Self {
        LazyMap(Values::Convolution(MapConvolution {
            features: features.shallow_clone(),
            weight: conv.conv.weight.shallow_clone(),
            bias: conv.conv.bias.as_ref().map(Tensor::shallow_clone),
            mask: mask.shallow_clone(),
        }))
    }

    /// Number C of channels.
    pub fn num_channels(&self) -> i64 {
        match &self.0 {
            Values::Whole(values) => values.size()[1],
            Values::Convolution(conv) => conv.weight.size()[0],
        }
    }

    /// All values (B, C, S).
    pub fn whole(&self) -> Tensor {
        match &self.0 {
            Values::Whole(values) => values.shallow_clone(),
            Values::Convolution(conv) => {
                let padding = conv.weight.size()[2] / 2;
                convolve(&conv.features, &conv.weight, conv.bias.as_ref(), padding) * &conv.mask
            }
        }
    }

    /// Values of each pair's class at its point plus `first`, `first + 1` and so on; zero beyond its level. (P, `width`)
    pub(crate) fn windows(
        &self,
        layout: &PackedLayout,
        pairs: &Pairs,
        first: i64,
        width: usize,
    ) -> Tensor {
        match &self.0 {
            Values::Convolution(conv) if conv.features.device() == Device::Cpu => {
                let windows = self.conv_windows(layout, pairs, first);
                let bias = conv.bias.as_ref();
                convolve_windows(&conv.features, &conv.weight, bias, windows, width)
            }
            // On any other device the pairs stay where they are.
            _ => self.read(layout, pairs, first, width),
        }
    }

    fn conv_windows(&self, layout: &PackedLayout, pairs: &Pairs, first: i64) -> Vec<ConvWindow> {
        let is_shared = self.num_channels() == 1;
        let [sample, class, level, point] =
            [&pairs.sample, &pairs.class, &pairs.level, &pairs.point].map(host::copy::<i64>);
        let (of_map, of_level) = (sample.into_iter().zip(class), level.into_iter().zip(point));
        of_map
            .zip(of_level)
            .map(|((sample, class), (level, point))| {
                let level = &layout.levels[level as usize];
                ConvWindow {
                    sample: sample as usize,
                    channel: if is_shared { 0 } else { class as usize },
                    start: level.offset as isize + (point + first) as isize,
                    within: level.offset..level.offset + level.lens[sample as usize],
                }
            })
            .collect()
    }

    fn read(&self, layout: &PackedLayout, pairs: &Pairs, first: i64, width: usize) -> Tensor {
        let map = self.whole();
        let num_channels = map.size()[1];
        let rows = if num_channels == 1 {
            pairs.sample.shallow_clone()
        } else {
            &pairs.sample * num_channels + &pairs.class
        };
        let places = pairs.places(layout);
        let options = (pairs.point.kind(), pairs.point.device());
        let steps = Tensor::arange_start(first, first + width as i64, options);
        let points = pairs.point.unsqueeze(-1) + steps;
        let beyond = points.ge_tensor(&places.len.unsqueeze(-1));
        let outside = points.lt(0).logical_or(&beyond);
        let positions = (points + places.offset.unsqueeze(-1)).clamp(0, map.size()[2] - 1);
        gather(&map, &rows.unsqueeze(-1), &positions).masked_fill(&outside, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use tal_core::nn::Conv1dConfig;
    use tch::nn::VarStore;
    use tch::{Kind, Tensor};

    use super::*;

    /// Values in windows, and the gradients of features, weight and bias.
    fn gradients(
        map: &LazyMap,
        layout: &PackedLayout,
        pairs: &Pairs,
        inputs: &[&Tensor],
    ) -> Vec<Tensor> {
        let values = map.windows(layout, pairs, -2, 5);
        let sum = (&values * &values).sum(None);
        let mut found = Tensor::run_backward(&[sum], inputs, false, false);
        found.push(values.detach());
        found
    }

    #[test]
    fn windows_are_those_of_the_whole_map() {
        tch::manual_seed(5);
        // With many positions and classes, the windows alone are computed.
        for (scale, num_classes, kernel) in
            [(1, 1, 3), (1, 4, 3), (100, 4, 1), (100, 4, 3), (100, 90, 3)]
        {
            let level =
                |len: usize, lens: [usize; 2]| (scale * len, lens.map(|l| scale * l).to_vec());
            let layout = PackedLayout::from_lens([level(16, [9, 14]), level(8, [5, 7])], 1);
            let mask = layout.mask(Device::Cpu);
            let vs = VarStore::new(Device::Cpu);
            let config = Conv1dConfig::new(6, num_classes, kernel);
            let conv = MaskedConv1d::new(&vs.root(), config);
            let size = [2, 6, layout.len as i64];
            let features = Tensor::randn(size, (Kind::Float, Device::Cpu)).set_requires_grad(true);
            let map = LazyMap::new(&conv, &features, &mask);
            let class = (num_classes as i64 - 1).min(2);
            let last = [9, 7].map(|len| (scale * len) as i64 - 1);
            let pairs = Pairs::from_rows(
                &[
                    [0, class, 0, last[0]],
                    [1, 0, 0, 0],
                    [1, class, 1, last[1]],
                    [0, 0, 1, 3],
                    [1, class, 1, 0],
                ],
                Device::Cpu,
            );
            let whole = LazyMap::from(map.whole());
            let bias = conv.conv.bias.as_ref().unwrap();
            let inputs = [&features, &conv.conv.weight, bias];
            let [ours, expected] =
                [&map, &whole].map(|map| gradients(map, &layout, &pairs, &inputs));
            for (ours, expected) in ours.iter().zip(&expected) {
                assert_eq!(ours.size(), expected.size());
                assert!(ours.allclose(expected, 1e-5, 1e-5, false));
            }
        }
    }
}
