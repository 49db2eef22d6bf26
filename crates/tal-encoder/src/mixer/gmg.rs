//! Gated Multi-Granularity block.

use tal_core::config::{GateActivation, GmgConfig};
use tal_core::nn::{
    AffineDropPath, BiasInit, ChannelLayerNorm, Conv1d, Conv1dConfig, GroupNorm, WeightInit,
};
use tch::{Tensor, nn};

use super::{BlockConfig, TemporalMixer};
use crate::downsampling::Downsampler;
use crate::error::{EncoderError, require};
use crate::filter::GlobalFilter;
use crate::mlp::Mlp;

/// Gated Multi-Granularity block: a global, a local and an instant branch, each gated by the one before.
///
/// With y = LN(x) after a possible halving: G = filter(y), Loc = Conv(y) ⊗ a(G), Inst = FC(y) ⊗ a(Loc),
/// x' = x · mask + drop(Inst + Loc + G + y), output x' + drop(MLP(GN(x'))), where a is the identity or ReLU and drop is
/// there in branch blocks only. Conv and FC are depth-wise, FC with kernel 1.
///
/// Only the residual x is masked: padded positions take part in everything else, the output included.
///
/// # Shapes
/// (B, C, T), mask (B, 1, T) → (B, C, T'), mask (B, 1, T'), T' = ⌈T/2⌉ in branch blocks, else T.
///
/// # Source
/// Equation 4 of arXiv 2412.09202.
#[derive(Debug)]
pub struct Gmg {
    /// Halves the length (branch blocks).
    pub downsampling: Option<Downsampler>,
    /// Before the branches.
    pub norm: ChannelLayerNorm,
    /// The global branch.
    pub filter: GlobalFilter,
    /// The local branch.
    pub local: Conv1d,
    /// The instant branch: a scale and an offset per channel.
    pub instant: Conv1d,
    /// Before the MLP.
    pub group_norm: GroupNorm,
    /// The MLP.
    pub mlp: Mlp,
    /// Of the branches' sum.
    pub drop_path_mixer: Option<AffineDropPath>,
    /// Of the MLP.
    pub drop_path_mlp: Option<AffineDropPath>,
    gate_activation: GateActivation,
}

impl Gmg {
    /// Variables named as the fields below `path`.
    ///
    /// # Errors
    /// Where the width is no multiple of the 16 groups of the norm, a size is 0, the local kernel is even or not given for
    /// the level, or the probability is not at least 0 and below 1.
    pub fn new(
        path: &nn::Path<'_>,
        config: &GmgConfig,
        block: BlockConfig,
    ) -> Result<Self, EncoderError> {
        let BlockConfig {
            dim,
            level,
            downsampling,
        } = block;
        require(
            dim > 0 && dim.is_multiple_of(GmgConfig::NORM_GROUPS),
            "dim",
            dim,
            "a multiple of 16 (the groups of the block's group norm)",
        )?;
        require(
            config.mlp_dim > 0,
            "mixer.mlp_dim",
            config.mlp_dim,
            "at least 1",
        )?;
        require(
            (0.0..1.0).contains(&config.drop_path),
            "mixer.drop_path",
            config.drop_path,
            "at least 0 and below 1",
        )?;
        let is_branch = downsampling.is_some();
        let what = "mixer.local_kernel_size";
        let kernel_size = if is_branch {
            let kernels = &config.local_kernel_size;
            kernels
                .get(level)
                .ok_or(EncoderError::Level { what, level })?
        } else {
            1
        };
        require(kernel_size % 2 == 1, what, kernel_size, "odd")?;

        let depthwise = |name: &str, kernel_size| {
            let config = Conv1dConfig {
                bias: BiasInit::Zero,
                weight: WeightInit::Normal {
                    std: config.init_std,
                },
                ..Conv1dConfig::depthwise(dim, kernel_size)
            };
            Conv1d::new(&(path / name), config)
        };
        let drop_path = |name: &str| {
            (is_branch && config.drop_path > 0.0)
                .then(|| AffineDropPath::new(&(path / name), dim, config.drop_path))
        };
        Ok(Gmg {
            downsampling: downsampling.map(|d| Downsampler::new(&(path / "downsampling"), d, dim)),
            norm: ChannelLayerNorm::new(&(path / "norm"), dim),
            filter: GlobalFilter::new(&(path / "filter"), config, dim),
            local: depthwise("local", kernel_size),
            instant: depthwise("instant", 1),
            group_norm: GroupNorm::new(&(path / "group_norm"), GmgConfig::NORM_GROUPS, dim),
            mlp: Mlp::new(&(path / "mlp"), dim, config.mlp_dim),
            drop_path_mixer: drop_path("drop_path_mixer"),
            drop_path_mlp: drop_path("drop_path_mlp"),
            gate_activation: config.gate_activation,
        })
    }

    fn gate(&self, x: &Tensor) -> Tensor {
        match self.gate_activation {
            GateActivation::Identity => x.shallow_clone(),
            GateActivation::Relu => x.relu(),
        }
    }

    /// Sum of the three branches and their input.
    ///
    /// # Shapes
    /// (B, C, T) → (B, C, T).
    fn mix(&self, y: &Tensor) -> Tensor {
        let global = self.filter.forward(y);
        let local = self.local.forward(y) * self.gate(&global);
        let instant = self.instant.forward(y) * self.gate(&local);
        instant + local + global + y
    }
}

impl TemporalMixer for Gmg {
    fn forward_t(&self, x: &Tensor, mask: &Tensor, train: bool) -> (Tensor, Tensor) {
        let (x, mask) = match &self.downsampling {
            Some(downsampling) => downsampling.forward(x, mask),
            None => (x.shallow_clone(), mask.shallow_clone()),
        };
        let drop = |drop_path: &Option<AffineDropPath>, x: Tensor| match drop_path {
            Some(drop_path) => drop_path.forward_t(&x, train),
            None => x,
        };
        let mixed = self.mix(&self.norm.forward(&x));
        let x = x * &mask + drop(&self.drop_path_mixer, mixed);
        let refined = self.mlp.forward(&self.group_norm.forward(&x));
        (x + drop(&self.drop_path_mlp, refined), mask)
    }
}
