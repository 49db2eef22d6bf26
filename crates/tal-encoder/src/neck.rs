//! What stands between the blocks and the heads.

use tal_core::config::NeckConfig;
use tal_core::nn::{ChannelLayerNorm, FeaturePyramid};
use tch::nn;

/// A channel layer norm per level, or nothing.
///
/// # Shapes
/// L levels of (B, D, T_l) → the same; masks are passed on and nothing is masked.
#[derive(Debug)]
pub struct Neck {
    /// Level 0 first; empty where the neck passes everything on.
    pub norms: Vec<ChannelLayerNorm>,
}

impl Neck {
    /// Variables `norms.L.*` below `path` for level L.
    pub fn new(path: &nn::Path<'_>, config: &NeckConfig, dim: usize, num_levels: usize) -> Self {
        let num_norms = if config.norm { num_levels } else { 0 };
        let path = path / "norms";
        Neck {
            norms: (0..num_norms)
                .map(|level| ChannelLayerNorm::new(&(&path / level), dim))
                .collect(),
        }
    }

    /// Normalises every level.
    ///
    /// # Shapes
    /// L levels of (B, D, T_l) → the same.
    ///
    /// # Panics
    /// Where the pyramid has more levels than the neck.
    pub fn forward(&self, pyramid: &FeaturePyramid) -> FeaturePyramid {
        pyramid.map(|level, content| {
            if self.norms.is_empty() {
                content.features.shallow_clone()
            } else {
                self.norms[level].forward(&content.features)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use tal_core::nn::{PyramidLevel, length_mask};
    use tch::{Device, Kind, Tensor, nn::VarStore};

    use super::*;

    #[test]
    fn without_norm_levels_pass_through() {
        let vs = VarStore::new(Device::Cpu);
        let neck = Neck::new(&vs.root(), &NeckConfig { norm: false }, 2, 1);
        assert!(vs.is_empty());
        let features = Tensor::randn([1, 2, 4], (Kind::Float, Device::Cpu));
        let level = PyramidLevel {
            features: features.shallow_clone(),
            mask: length_mask(&[3], 4, Device::Cpu),
        };
        let out = neck.forward(&FeaturePyramid {
            levels: vec![level],
        });
        assert!(out.levels[0].features.equal(&features));
        assert_eq!(out.levels[0].mask.size(), [1, 1, 4]);
    }
}
