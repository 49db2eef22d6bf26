//! The pyramid encoder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Check;

/// Projection, stem, branch and neck: features in, a pyramid out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncoderConfig {
    /// Width D of the pyramid.
    pub dim: usize,
    /// The convolutions before the first block.
    pub projection: ProjectionConfig,
    /// Positional encoding that is added after the projection.
    pub position: PositionEncoding,
    /// Blocks at full length.
    pub num_stem_blocks: usize,
    /// Levels L of the pyramid: level 0 leaves the stem, each further one halves the length and adds a block.
    pub num_levels: usize,
    /// How a branch block halves the length.
    pub downsampling: Downsampling,
    /// The block that mixes information along time.
    pub mixer: MixerConfig,
    /// What stands between the blocks and the heads.
    pub neck: NeckConfig,
}

/// The convolutions before the first block, each followed by ReLU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectionConfig {
    /// Number of convolutions.
    pub num_layers: usize,
    /// Kernel of each (odd).
    pub kernel_size: usize,
    /// A channel layer norm after each convolution, which then has no bias.
    pub norm: bool,
}

/// Positional encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PositionEncoding {
    /// None.
    None,
    /// Sines and cosines divided by √D, stretched for recordings longer than `max_seq_len`.
    Sinusoidal,
}

/// How a branch block halves the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Downsampling {
    /// Max-pooling, kernel 3, stride 2.
    Max,
    /// Average pooling, kernel 2, stride 2, then a 1×1 convolution.
    Average,
}

/// The block that mixes information along time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum MixerConfig {
    /// Gated Multi-Granularity block.
    Gmg(GmgConfig),
}

/// Gated Multi-Granularity block: instant, local and global (FFT filter) branches, gated into one another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GmgConfig {
    /// Hidden width of the block's MLP.
    pub mlp_dim: usize,
    /// Kernel of the local branch (odd) per level; one number stands for all levels. Stem blocks always use 1.
    pub local_kernel_size: PerLevel,
    /// What a gate passes through before it multiplies: `identity` (released) or `relu` (paper).
    pub gate_activation: GateActivation,
    /// λ of the soft shrinkage of the filter, 0 to leave it out (paper).
    pub soft_shrink: f64,
    /// Scaling of the Fourier transform: `ortho` (released) or `backward` (paper).
    pub fft_norm: FftNorm,
    /// Standard deviation of the initial weights of the instant and the local branch; 0 starts both at zero.
    pub init_std: f64,
    /// Probability that training skips a branch block's residual branch for a sample. Above 0 each such branch also has a
    /// learned scale per channel, starting at 1e-4.
    pub drop_path: f64,
}

/// One number for all levels or one per level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PerLevel {
    /// The same for all levels.
    Same(usize),
    /// Level 0 first.
    Each(Vec<usize>),
}

impl PerLevel {
    /// The number of level `level`; `None` where a list is too short.
    pub fn get(&self, level: usize) -> Option<usize> {
        match self {
            PerLevel::Same(value) => Some(*value),
            PerLevel::Each(values) => values.get(level).copied(),
        }
    }
}

/// What a gate passes through before it multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateActivation {
    /// Nothing.
    Identity,
    /// max(x, 0)
    Relu,
}

/// Scaling of the Fourier transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FftNorm {
    /// 1/√T in both directions.
    Ortho,
    /// 1 forward, 1/T backward.
    Backward,
}

/// What stands between the blocks and the heads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NeckConfig {
    /// A channel layer norm per level.
    pub norm: bool,
}

impl EncoderConfig {
    /// Kernel of the local branch that decides how long a padded recording must be a multiple of, per level.
    fn window(&self, level: usize) -> usize {
        match &self.mixer {
            MixerConfig::Gmg(gmg) => gmg.local_kernel_size.get(level).unwrap_or(1),
        }
    }

    /// What the padded length of recordings longer than `max_seq_len` must be a multiple of: the largest of
    /// `stride · window` over the levels, and always a multiple of the last level's stride.
    ///
    /// # Units
    /// Grid units.
    pub fn length_unit(&self) -> usize {
        (0..self.num_levels)
            .map(|level| (1 << level) * self.window(level).max(1))
            .max()
            .unwrap_or(1)
    }

    /// Length that a recording of `len` features is padded to: `max_seq_len`, or for longer ones the next multiple of
    /// [`EncoderConfig::length_unit`].
    ///
    /// # Units
    /// Grid units.
    pub fn padded_len(&self, len: usize, max_seq_len: usize) -> usize {
        if len <= max_seq_len {
            max_seq_len
        } else {
            len.next_multiple_of(self.length_unit())
        }
    }

    pub(super) fn check(&self, check: &mut Check<'_>) {
        check.at_least("dim", self.dim, 1);
        check.section("projection", |check| {
            check.at_least("num_layers", self.projection.num_layers, 1);
            check.odd("kernel_size", self.projection.kernel_size);
        });
        if self.position == PositionEncoding::Sinusoidal {
            check.require(
                self.dim.is_multiple_of(2),
                "dim",
                self.dim,
                "an even number where position is sinusoidal",
            );
        }
        check.between("num_levels", self.num_levels, 1, 16);
        check.section("mixer", |check| match &self.mixer {
            MixerConfig::Gmg(gmg) => gmg.check(self, check),
        });
    }
}

impl GmgConfig {
    /// Groups of the group norm before the MLP.
    pub const NORM_GROUPS: usize = 16;

    fn check(&self, encoder: &EncoderConfig, check: &mut Check<'_>) {
        check.at_least("mlp_dim", self.mlp_dim, 1);
        check.require(
            encoder.dim.is_multiple_of(Self::NORM_GROUPS),
            "../dim",
            encoder.dim,
            "a multiple of 16 (the groups of the block's group norm)",
        );
        match &self.local_kernel_size {
            PerLevel::Same(kernel) => check.odd("local_kernel_size", *kernel),
            PerLevel::Each(kernels) => {
                check.require(
                    kernels.len() == encoder.num_levels,
                    "local_kernel_size",
                    format!("{} numbers", kernels.len()),
                    format!("one number, or one per level ({})", encoder.num_levels),
                );
                for (level, kernel) in kernels.iter().enumerate() {
                    check.odd(&format!("local_kernel_size[{level}]"), *kernel);
                }
            }
        }
        check.not_negative("soft_shrink", self.soft_shrink);
        check.not_negative("init_std", self.init_std);
        check.require(
            (0.0..1.0).contains(&self.drop_path),
            "drop_path",
            self.drop_path,
            "at least 0 and below 1",
        );
    }
}
