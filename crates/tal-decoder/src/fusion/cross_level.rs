//! Task decoupling: a level takes context from the coarser level, detail from the finer one, or both.

use tal_core::config::{CrossLevelConfig, FusedLevels, Fusion};
use tal_core::nn::{Conv1d, Conv1dConfig, ConvTranspose1d, FeaturePyramid};
use tch::{Tensor, nn};

use super::{doubling, halving, is_fused, neighbor};

/// Features for one task: every level fused with its neighbours.
///
/// With the neighbours `f_{l+1} = up(P_{l+1})` and `f_{l−1} = down(P_{l−1})`, as far as they are configured and the level
/// has them, level l becomes
///
/// - by attention `P_l + Σ_n σ(gate(mean_t ReLU(f_n + lateral(P_l)))) ⊙ f_n`,
/// - by addition `P_l + Σ_n f_n`,
/// - by concatenation `merge([P_l; f_{l+1}; f_{l−1}])`, a 1×1 convolution over all channels, where a neighbour that the level
///   lacks is zero.
///
/// The coarser neighbour comes first. Two neighbours share `lateral` and `gate`, which the paper writes without an index of
/// the neighbour. Levels that are not fused stay `P_l`. Nothing is masked, and the mean runs over the whole padded length.
///
/// With the coarser level this is the paper's DCM, with the finer one its DRM.
///
/// # Shapes
/// Levels of (B, D, T_l) to levels of the same shapes.
///
/// # Source
/// The paper's equations 5 to 8 and its Tables 9 and 11; the authors' public code.
#[derive(Debug)]
pub struct CrossLevel {
    /// Doubles the length of the coarser level, where that is a neighbour.
    pub up: Option<ConvTranspose1d>,
    /// Halves the length of the finer level, where that is a neighbour.
    pub down: Option<Conv1d>,
    /// How the neighbours enter.
    pub join: Join,
    levels: FusedLevels,
}

/// How neighbours enter a level.
#[derive(Debug)]
pub enum Join {
    /// Added with a gate per channel.
    Attention {
        /// 1×1 convolution of the level itself.
        lateral: Conv1d,
        /// 1×1 convolution of the mean.
        gate: Conv1d,
    },
    /// Added.
    Addition,
    /// Stacked along the channels.
    Concatenation {
        /// 1×1 convolution of the stack.
        merge: Conv1d,
    },
}

impl CrossLevel {
    /// Variables `up` and `down` as far as there are such neighbours, then `lateral` and `gate`, or `merge`, below `path`,
    /// for D = `dim` channels. None where the configuration has no neighbours.
    ///
    /// # Panics
    /// Where `dim` is 0.
    pub fn new(path: &nn::Path<'_>, dim: usize, config: &CrossLevelConfig) -> Option<Self> {
        let neighbors = config.neighbors;
        let up = neighbors
            .has_coarser()
            .then(|| doubling(&(path / "up"), dim));
        let down = neighbors
            .has_finer()
            .then(|| halving(&(path / "down"), dim, false));
        let num_neighbors = usize::from(up.is_some()) + usize::from(down.is_some());
        if num_neighbors == 0 {
            return None;
        }
        let pointwise = |name: &str, in_channels: usize| {
            Conv1d::new(&(path / name), Conv1dConfig::new(in_channels, dim, 1))
        };
        let join = match config.fusion {
            Fusion::Attention => Join::Attention {
                lateral: pointwise("lateral", dim),
                gate: pointwise("gate", dim),
            },
            Fusion::Addition => Join::Addition,
            Fusion::Concatenation => Join::Concatenation {
                merge: pointwise("merge", (1 + num_neighbors) * dim),
            },
        };
        Some(Self {
            up,
            down,
            join,
            levels: config.levels,
        })
    }

    /// Fuses every level with its neighbours.
    pub fn forward(&self, pyramid: &FeaturePyramid) -> FeaturePyramid {
        pyramid.map(|l, level| {
            let own = &level.features;
            if !is_fused(self.levels, l, pyramid.num_levels()) {
                return own.shallow_clone();
            }
            let coarser = self
                .up
                .as_ref()
                .map(|up| neighbor(pyramid, l.checked_add(1)).map(|features| up.forward(features)));
            let finer = self.down.as_ref().map(|down| {
                neighbor(pyramid, l.checked_sub(1)).map(|features| down.forward(features))
            });
            let wanted: Vec<Option<Tensor>> = [coarser, finer].into_iter().flatten().collect();
            if wanted.iter().all(Option::is_none) {
                return own.shallow_clone();
            }
            self.join.forward(own, wanted)
        })
    }
}

impl Join {
    /// A level and its configured neighbours, none where the level lacks one.
    ///
    /// # Shapes
    /// All (B, D, T_l), which is the result's.
    fn forward(&self, own: &Tensor, neighbors: Vec<Option<Tensor>>) -> Tensor {
        match self {
            Join::Attention { lateral, gate } => {
                let lateral = lateral.forward(own);
                let found = neighbors.into_iter().flatten();
                found.fold(own.shallow_clone(), |sum, neighbor| {
                    let mixed = (&neighbor + &lateral).relu();
                    let pooled = mixed.mean_dim(-1i64, true, None);
                    sum + gate.forward(&pooled).sigmoid() * neighbor
                })
            }
            Join::Addition => {
                let found = neighbors.into_iter().flatten();
                found.fold(own.shallow_clone(), |sum, neighbor| sum + neighbor)
            }
            Join::Concatenation { merge } => {
                let mut parts = vec![own.shallow_clone()];
                let filled = neighbors
                    .into_iter()
                    .map(|neighbor| neighbor.unwrap_or_else(|| own.zeros_like()));
                parts.extend(filled);
                merge.forward(&Tensor::cat(&parts, 1))
            }
        }
    }
}
