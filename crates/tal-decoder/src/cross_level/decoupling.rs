//! Task decoupling: context from the coarser level, detail from the finer one, or both.

use tal_core::config::{CrossLevelConfig, FusedLevels, Fusion};
use tal_core::nn::{Conv1d, Conv1dConfig, ConvTranspose1d, FeaturePyramid};
use tch::{Tensor, nn};

use super::neighbors::{halving, is_fused, neighbor};

/// Features for one task: every level fused with its neighbours.
///
/// The neighbours of level l are `f_{l+1} = up(P_{l+1})` and `f_{l−1} = down(P_{l−1})`, as far as they are configured and
/// exist. Level l becomes
///
/// - by attention `P_l + Σ_n σ(gate(mean_t ReLU(f_n + lateral(P_l)))) ⊙ f_n`,
/// - by addition `P_l + Σ_n f_n`,
/// - by concatenation `merge([P_l; f_{l+1}; f_{l−1}])`, a 1×1 convolution over all channels, with zeros for a neighbour that
///   does not exist.
///
/// The coarser neighbour comes first. Two neighbours share `lateral` and `gate`, because the paper gives them no index. Levels
/// that are not fused stay `P_l`. Nothing is masked, and the mean includes the padding.
///
/// With the coarser level, this is the paper's DCM; with the finer one, its DRM.
///
/// # Shapes
/// Levels of (B, D, T_l) to levels of the same shapes.
///
/// # Source
/// The paper's equations 5 to 8 and its Tables 9 and 11; the authors' public code.
#[derive(Debug)]
pub struct CrossLevel {
    /// Layer that doubles the length of the coarser level; `None` if that is no neighbour.
    pub up: Option<ConvTranspose1d>,
    /// Layer that halves the length of the finer level; `None` if that is no neighbour.
    pub down: Option<Conv1d>,
    /// Operation that adds the neighbours to the level.
    pub join: Join,
    levels: FusedLevels,
}

/// Operation that adds neighbours to a level.
#[derive(Debug)]
pub enum Join {
    /// Addition with a gate per channel.
    Attention {
        /// 1×1 convolution of the level itself.
        lateral: Conv1d,
        /// 1×1 convolution of the mean.
        gate: Conv1d,
    },
    /// Addition.
    Addition,
    /// Stacking along the channels.
    Concatenation {
        /// 1×1 convolution of the stack.
        merge: Conv1d,
    },
}

impl CrossLevel {
    /// Fusion of D = `dim` channels; `None` if the configuration has no neighbours.
    ///
    /// The variables below `path` are `up` and `down`, as far as there are such neighbours, and `lateral` and `gate`, or
    /// `merge`.
    ///
    /// # Panics
    /// If `dim` is 0.
    pub fn new(path: &nn::Path<'_>, dim: usize, config: &CrossLevelConfig) -> Option<Self> {
        let neighbors = config.neighbors;
        let (has_coarser, has_finer) = (neighbors.has_coarser(), neighbors.has_finer());
        let up = has_coarser.then(|| ConvTranspose1d::new(&(path / "up"), dim, dim));
        let down = has_finer.then(|| halving(&(path / "down"), dim, false));
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

    /// Every level, fused with its neighbours.
    pub fn forward(&self, pyramid: &FeaturePyramid) -> FeaturePyramid {
        pyramid.map(|l, level| {
            let own = &level.features;
            if !is_fused(self.levels, l, pyramid.num_levels()) {
                return own.shallow_clone();
            }
            let at = |level: Option<usize>| neighbor(pyramid, level);
            let (up, down) = (self.up.as_ref(), self.down.as_ref());
            let coarser = up.map(|up| at(l.checked_add(1)).map(|x| up.forward(x)));
            let finer = down.map(|down| at(l.checked_sub(1)).map(|x| down.forward(x)));
            let wanted: Vec<Option<Tensor>> = [coarser, finer].into_iter().flatten().collect();
            if wanted.iter().all(Option::is_none) {
                return own.shallow_clone();
            }
            self.join.forward(own, wanted)
        })
    }
}

impl Join {
    /// Fusion of a level with its configured neighbours, which are `None` if they do not exist.
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
