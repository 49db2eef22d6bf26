//! All levels of a pyramid in one tensor.

use tch::{Device, Kind, Tensor};

use super::dim;
use super::pyramid::FeaturePyramid;

/// Place of a level in a packed tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedLevel {
    /// First position of the level.
    pub offset: usize,
    /// Number of positions that are kept, from the first on.
    pub len: usize,
    /// Positions T_l of the level, kept or not.
    pub full_len: usize,
    /// Valid positions of every sample; all of them are kept.
    pub lens: Vec<usize>,
}

/// Layout of all levels of a pyramid in one tensor, one after another, so that layers shared by all levels run once.
///
/// Of every level the valid positions of the longest sample are kept and `margin` more: a masked convolution with a kernel of
/// at most 2 · margin + 1 then has the same values at valid positions as on the whole level. Between two levels stand `margin`
/// zeros, as beyond the ends of a level; a layer after which they are no longer zero must put them back
/// ([`PackedLayout::inside`]).
///
/// # Shapes
/// L levels of (B, C, T_l) as one (B, C, S), S = Σ kept + (L − 1) · margin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedLayout {
    /// Level 0 first.
    pub levels: Vec<PackedLevel>,
    /// Positions S.
    pub len: usize,
}

impl PackedLayout {
    /// The layout of a pyramid for kernels that reach `margin` positions to either side.
    pub fn new(pyramid: &FeaturePyramid, margin: usize) -> Self {
        let levels = pyramid
            .levels
            .iter()
            .map(|level| (level.features.size()[2] as usize, level.lens.clone()));
        Self::from_lens(levels, margin)
    }

    /// The same from every level's length T_l and valid positions of each sample.
    pub fn from_lens(levels: impl IntoIterator<Item = (usize, Vec<usize>)>, margin: usize) -> Self {
        let mut layout = PackedLayout {
            levels: Vec::new(),
            len: 0,
        };
        for (full_len, lens) in levels {
            if !layout.levels.is_empty() {
                layout.len += margin;
            }
            let longest = lens.iter().copied().max().unwrap_or(0);
            let len = (longest + margin).min(full_len);
            layout.levels.push(PackedLevel {
                offset: layout.len,
                len,
                full_len,
                lens,
            });
            layout.len += len;
        }
        layout
    }

    /// Number L of levels.
    pub fn num_levels(&self) -> usize {
        self.levels.len()
    }

    /// The kept positions of all levels in one tensor, zeros between them.
    ///
    /// # Shapes
    /// L tensors (B, C, T), T at least what is kept of the level, to (B, C, S).
    pub fn pack(&self, levels: &[Tensor]) -> Tensor {
        let mut parts = Vec::with_capacity(2 * levels.len());
        let mut end = 0;
        for (place, features) in self.levels.iter().zip(levels) {
            if place.offset > end {
                let size = features.size();
                let gap = dim(place.offset - end);
                let options = (features.kind(), features.device());
                parts.push(Tensor::zeros([size[0], size[1], gap], options));
            }
            parts.push(features.narrow(2, 0, dim(place.len)));
            end = place.offset + place.len;
        }
        Tensor::cat(&parts, 2)
    }

    /// A level of a packed tensor, with zeros for the positions that are not kept.
    ///
    /// # Shapes
    /// (B, C, S) to (B, C, T_l).
    ///
    /// # Panics
    /// If there is no such level.
    pub fn unpack(&self, packed: &Tensor, level: usize) -> Tensor {
        let place = &self.levels[level];
        let kept = self.narrow(packed, level);
        if place.len == place.full_len {
            kept
        } else {
            kept.constant_pad_nd([0, dim(place.full_len - place.len)])
        }
    }

    /// The kept positions of a level, as a view.
    ///
    /// # Shapes
    /// (B, C, S) to (B, C, kept).
    ///
    /// # Panics
    /// If there is no such level.
    pub fn narrow(&self, packed: &Tensor, level: usize) -> Tensor {
        let place = &self.levels[level];
        packed.narrow(2, dim(place.offset), dim(place.len))
    }

    /// Which positions are valid.
    ///
    /// # Shapes
    /// Boolean (B, 1, S).
    pub fn mask(&self, device: Device) -> Tensor {
        let num_samples = self.levels.first().map_or(0, |level| level.lens.len());
        let mut mask = vec![false; num_samples * self.len];
        for level in &self.levels {
            for (sample, len) in level.lens.iter().enumerate() {
                mask[sample * self.len + level.offset..][..*len].fill(true);
            }
        }
        Tensor::from_slice(&mask)
            .view([dim(num_samples), 1, dim(self.len)])
            .to_device(device)
    }

    /// 1 at positions of a level, 0 between levels.
    ///
    /// # Shapes
    /// (1, 1, S)
    pub fn inside(&self, kind: Kind, device: Device) -> Tensor {
        let mut inside = vec![0f32; self.len];
        for level in &self.levels {
            inside[level.offset..][..level.len].fill(1.0);
        }
        Tensor::from_slice(&inside)
            .view([1, 1, dim(self.len)])
            .to_device(device)
            .to_kind(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::PyramidLevel;

    const F32: (Kind, Device) = (Kind::Float, Device::Cpu);

    fn pyramid() -> FeaturePyramid {
        tch::manual_seed(8);
        FeaturePyramid {
            levels: [(16, [9, 4]), (8, [5, 2]), (4, [3, 1])]
                .map(|(len, lens)| {
                    PyramidLevel::new(Tensor::randn([2, 3, len], F32), lens.to_vec())
                })
                .into(),
        }
    }

    #[test]
    fn levels_come_back_without_their_padding() {
        let pyramid = pyramid();
        let layout = PackedLayout::new(&pyramid, 2);
        let kept: Vec<_> = layout.levels.iter().map(|l| (l.offset, l.len)).collect();
        // 9 + 2 of 16, 5 + 2 of 8, all 4.
        assert_eq!(kept, [(0, 11), (13, 7), (22, 4)]);
        assert_eq!(layout.len, 26);
        let features: Vec<Tensor> = pyramid
            .levels
            .iter()
            .map(|level| level.features.shallow_clone())
            .collect();
        let packed = layout.pack(&features);
        assert_eq!(packed.size(), [2, 3, 26]);
        let gaps: Tensor = &packed * (1.0 - layout.inside(Kind::Float, Device::Cpu));
        assert_eq!(gaps.abs().max().double_value(&[]), 0.0);
        let mask = layout.mask(Device::Cpu);
        for (l, level) in pyramid.levels.iter().enumerate() {
            let back = layout.unpack(&packed, l);
            assert_eq!(back.size(), level.features.size());
            let difference = (back - &level.features) * &level.mask;
            assert_eq!(difference.abs().max().double_value(&[]), 0.0);
            assert!(layout.unpack(&mask, l).equal(&level.mask));
        }
        assert_eq!(
            mask.sum(Kind::Int64).int64_value(&[]),
            9 + 4 + 5 + 2 + 3 + 1
        );
    }
}
