//! The layer between the blocks and the heads.

use tal_core::config::{NeckConfig, NeckNorm};
use tal_core::nn::{ChannelLayerNorm, FeaturePyramid, dim};
use tch::{Tensor, nn};

/// A norm for each level, or none.
///
/// # Shapes
/// L levels of (B, D, T_l) → the same; masks are passed on and nothing is masked.
#[derive(Debug)]
pub struct Neck {
    /// The learned norms, level 0 first; empty if nothing is learned.
    pub norms: Vec<ChannelLayerNorm>,
    norm: NeckNorm,
}

impl Neck {
    /// Variables `norms.L.*` below `path` for level L, if the norm is learned.
    pub fn new(path: &nn::Path<'_>, config: &NeckConfig, dim: usize, num_levels: usize) -> Self {
        let num_norms = match config.norm {
            NeckNorm::Layer => num_levels,
            NeckNorm::None | NeckNorm::Group => 0,
        };
        let path = path / "norms";
        Neck {
            norms: (0..num_norms)
                .map(|level| ChannelLayerNorm::new(&(&path / level), dim))
                .collect(),
            norm: config.norm,
        }
    }

    /// Normalises every level.
    ///
    /// # Panics
    /// If the pyramid has more levels than the neck, or a group norm's groups do not divide its channels.
    pub fn forward(&self, pyramid: &FeaturePyramid) -> FeaturePyramid {
        pyramid.map(|level, content| {
            let x = &content.features;
            match self.norm {
                NeckNorm::None => x.shallow_clone(),
                NeckNorm::Layer => self.norms[level].forward(x),
                NeckNorm::Group => group_norm(x),
            }
        })
    }
}

/// (x − μ) / √(v + 1e-5) with mean and biased variance of a fourth of the channels and all positions, padding included.
fn group_norm(x: &Tensor) -> Tensor {
    let nothing = None::<Tensor>;
    let groups = dim(NeckConfig::NORM_GROUPS);
    x.group_norm(groups, nothing.as_ref(), nothing.as_ref(), 1e-5, true)
}

#[cfg(test)]
mod tests {
    use tal_core::nn::PyramidLevel;
    use tch::{Device, Kind, nn::VarStore};

    use super::*;

    #[test]
    fn without_norm_levels_pass_through() {
        let vs = VarStore::new(Device::Cpu);
        let neck = Neck::new(
            &vs.root(),
            &NeckConfig {
                norm: NeckNorm::None,
            },
            2,
            1,
        );
        assert!(vs.is_empty());
        let features = Tensor::randn([1, 2, 4], (Kind::Float, Device::Cpu));
        let level = PyramidLevel::new(features.shallow_clone(), vec![3]);
        let out = neck.forward(&FeaturePyramid {
            levels: vec![level],
        });
        assert!(out.levels[0].features.equal(&features));
        assert_eq!(out.levels[0].mask.size(), [1, 1, 4]);
    }

    #[test]
    fn groups_have_mean_0_and_variance_1() {
        tch::manual_seed(31);
        let vs = VarStore::new(Device::Cpu);
        let config = NeckConfig {
            norm: NeckNorm::Group,
        };
        let neck = Neck::new(&vs.root(), &config, 8, 1);
        assert!(vs.is_empty());
        let features = Tensor::randn([2, 8, 30], (Kind::Float, Device::Cpu)) * 3.0 + 2.0;
        let level = PyramidLevel::new(features, vec![30, 11]);
        let out = neck.forward(&FeaturePyramid {
            levels: vec![level],
        });
        let groups = out.levels[0].features.view([2, 4, -1]);
        let mean = groups.mean_dim(-1, false, None).abs().max();
        let variance = groups.var_dim([-1i64].as_slice(), false, false);
        assert!(mean.double_value(&[]) < 1e-5);
        assert!((variance - 1.0).abs().max().double_value(&[]) < 1e-4);
    }
}
