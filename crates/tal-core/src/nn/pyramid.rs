//! Features at several temporal resolutions.

use tch::Tensor;

use super::mask::length_mask;

/// Features of one temporal resolution.
#[derive(Debug)]
pub struct PyramidLevel {
    /// (B, C, T_l)
    pub features: Tensor,
    /// Boolean (B, 1, T_l), true at features, false at padding.
    pub mask: Tensor,
    /// Number of valid positions of every sample; they come first.
    pub lens: Vec<usize>,
}

impl PyramidLevel {
    /// A level whose samples have features at the first `lens` positions.
    ///
    /// # Shapes
    /// (B, C, T_l) and B lengths.
    pub fn new(features: Tensor, lens: Vec<usize>) -> Self {
        let padded_len = features.size()[2] as usize;
        PyramidLevel {
            mask: length_mask(&lens, padded_len, features.device()),
            features,
            lens,
        }
    }
}

/// Features at several temporal resolutions, the finest first; each further level has half the length.
///
/// # Shapes
/// L levels of (B, C, T_l) with masks (B, 1, T_l), T_l = T_0 / 2^l.
#[derive(Debug)]
pub struct FeaturePyramid {
    /// Level 0 first.
    pub levels: Vec<PyramidLevel>,
}

impl FeaturePyramid {
    /// Number L of levels.
    pub fn num_levels(&self) -> usize {
        self.levels.len()
    }

    /// A pyramid with the same masks and other features: `f` is called with each level's number and the level.
    pub fn map(&self, mut f: impl FnMut(usize, &PyramidLevel) -> Tensor) -> FeaturePyramid {
        let levels = self
            .levels
            .iter()
            .enumerate()
            .map(|(l, level)| PyramidLevel {
                features: f(l, level),
                mask: level.mask.shallow_clone(),
                lens: level.lens.clone(),
            });
        FeaturePyramid {
            levels: levels.collect(),
        }
    }
}
