//! The blocks that mix information along time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::encoder::{Downsampling, EncoderConfig};

/// The block that mixes information along time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum MixerConfig {
    /// Gated Multi-Granularity block.
    Gmg(GmgConfig),
    /// Self-attention and an MLP (ActionFormer).
    Attention(AttentionConfig),
    /// Scalable-Granularity Perception block (TriDet).
    Sgp(SgpConfig),
    /// Max-pooling alone (TemporalMaxer).
    MaxPooling(MaxPoolingConfig),
}

/// Gated Multi-Granularity block: instant, local and global (FFT filter) branches, gated into one another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GmgConfig {
    /// Hidden width of the block's MLP.
    pub mlp_dim: usize,
    /// The instant branch: what a position says by itself.
    pub instant: bool,
    /// The local branch: a convolution over near positions.
    pub local: bool,
    /// The global branch: all positions at once.
    pub global: GlobalConfig,
    /// Local is gated by global, and instant by local (by global where there is no local branch); a branch without a gate to
    /// pass keeps its factor of 1. Off: the plain sum of the branches.
    pub gate: bool,
    /// What a gate passes through before it multiplies: `identity` (released) or `relu` (paper).
    pub gate_activation: GateActivation,
    /// The instant branch: `depthwise`, a scale and an offset per channel (released), or `dense`, fully connected over the
    /// channels (paper).
    pub instant_mixing: InstantMixing,
    /// Kernel of the local branch (odd) per level; one number stands for all levels.
    pub local_kernel_size: PerLevel,
    /// Whether stem blocks use the local kernel of level 0 (paper) or always 1 (released).
    pub local_in_stem: bool,
    /// Standard deviation of the initial weights of the instant and the local branch; 0 starts both at zero.
    pub init_std: f64,
    /// Probability that training skips a branch block's residual branch for a sample. Above 0 each such branch also has a
    /// learned scale per channel, starting at 1e-4.
    pub drop_path: f64,
}

/// The global branch of a Gated Multi-Granularity block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum GlobalConfig {
    /// No global branch.
    None {},
    /// A filter in the frequency domain whose response depends on the input.
    Fft(FilterConfig),
    /// Self-attention over all positions, as in ActionFormer's block (without its norms around it and its MLP).
    SelfAttention {
        /// Heads; they share the channels evenly.
        num_heads: usize,
    },
}

/// A filter in the frequency domain whose response depends on the input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterConfig {
    /// Kernel (odd) of the filter's two depth-wise convolutions along frequency: 1 (released) makes them a complex factor and
    /// offset per channel; above 1 neighbouring frequencies mix, zeros outside (paper).
    pub kernel_size: usize,
    /// λ of the soft shrinkage of the filter's response, 0 to leave it out (paper).
    pub soft_shrink: f64,
    /// Scaling of the Fourier transform: `ortho` (released) or `backward` (paper).
    pub fft_norm: FftNorm,
}

/// How the instant branch mixes channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstantMixing {
    /// Not at all: a scale and an offset per channel.
    Depthwise,
    /// Fully connected at every position.
    Dense,
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

    fn check_kernels(&self, field: &str, num_levels: usize, check: &mut Check<'_>) {
        match self {
            PerLevel::Same(kernel) => check.odd(field, *kernel),
            PerLevel::Each(kernels) => {
                check.require(
                    kernels.len() == num_levels,
                    field,
                    format!("{} numbers", kernels.len()),
                    format!("one number, or one per level ({num_levels})"),
                );
                for (level, kernel) in kernels.iter().enumerate() {
                    check.odd(&format!("{field}[{level}]"), *kernel);
                }
            }
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

/// Self-attention and an MLP, each after a norm and with a residual (ActionFormer).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttentionConfig {
    /// Heads; they share the channels evenly.
    pub num_heads: usize,
    /// Positions that each position attends to (odd): itself and as many on either side. `null`: all positions.
    pub window: Option<usize>,
    /// A learned bias per head and distance within the window.
    pub relative_position: bool,
    /// Kernel (odd) of the depth-wise convolutions of query, key and value.
    pub kernel_size: usize,
    /// Hidden width of the block's MLP; `null`: four times `dim`.
    pub mlp_dim: Option<usize>,
    /// Probability that training skips a residual branch for a sample, in stem and branch blocks. Above 0 each such branch
    /// also has a learned scale per channel, starting at 1e-4.
    pub drop_path: f64,
}

/// Scalable-Granularity Perception block: an instant-level and a window-level branch (TriDet).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SgpConfig {
    /// Hidden width of the block's MLP.
    pub mlp_dim: usize,
    /// Kernel w of the window-level branch (odd) per level; one number stands for all levels. Stem blocks always use 1.
    pub kernel_size: PerLevel,
    /// The wide window has (w + 1) · k positions, rounded and made odd.
    pub k: f64,
    /// Standard deviation of the initial weights of the five depth-wise convolutions.
    pub init_std: f64,
    /// Probability that training skips a branch block's residual branch for a sample. Above 0 each such branch also has a
    /// learned scale per channel, starting at 1e-4.
    pub drop_path: f64,
}

impl SgpConfig {
    /// Groups of the group norm before the MLP.
    pub const NORM_GROUPS: usize = 16;

    /// Kernel of the wide window for a window of `kernel_size`: (w + 1) · k, rounded half to even, plus 1 where even.
    pub fn wide_kernel_size(&self, kernel_size: usize) -> usize {
        let rounded = ((kernel_size + 1) as f64 * self.k).round_ties_even() as usize;
        rounded + usize::from(rounded.is_multiple_of(2))
    }

    fn check(&self, encoder: &EncoderConfig, check: &mut Check<'_>) {
        check.at_least("mlp_dim", self.mlp_dim, 1);
        check_norm_groups(encoder, Self::NORM_GROUPS, check);
        self.kernel_size
            .check_kernels("kernel_size", encoder.num_levels, check);
        check.within("k", self.k, 0.5..=64.0);
        check.not_negative("init_std", self.init_std);
        check_drop_path(self.drop_path, check);
    }
}

/// Max-pooling alone; it has nothing to set (TemporalMaxer).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxPoolingConfig {}

impl MixerConfig {
    /// The window that decides how long a padded recording must be a multiple of, in steps of level `level`.
    pub(super) fn window(&self, level: usize) -> usize {
        match self {
            MixerConfig::Gmg(gmg) => gmg.local_kernel_size.get(level).unwrap_or(1),
            MixerConfig::Attention(attention) => attention.window.map_or(1, |w| 2 * (w / 2)),
            MixerConfig::Sgp(sgp) => sgp.kernel_size.get(level).unwrap_or(1),
            MixerConfig::MaxPooling(_) => 1,
        }
    }

    pub(super) fn check(&self, encoder: &EncoderConfig, check: &mut Check<'_>) {
        match self {
            MixerConfig::Gmg(gmg) => gmg.check(encoder, check),
            MixerConfig::Attention(attention) => attention.check(encoder, check),
            MixerConfig::Sgp(sgp) => sgp.check(encoder, check),
            MixerConfig::MaxPooling(pooling) => pooling.check(encoder, check),
        }
    }
}

impl GmgConfig {
    /// Groups of the group norm before the MLP.
    pub const NORM_GROUPS: usize = 16;

    fn check(&self, encoder: &EncoderConfig, check: &mut Check<'_>) {
        check.at_least("mlp_dim", self.mlp_dim, 1);
        check_norm_groups(encoder, Self::NORM_GROUPS, check);
        check.require(
            self.instant || self.local || !matches!(self.global, GlobalConfig::None {}),
            "global",
            "none",
            "fft or self_attention where instant and local are off: a block without a branch mixes nothing",
        );
        check.section("global", |check| match &self.global {
            GlobalConfig::None {} => {}
            GlobalConfig::Fft(filter) => {
                check.odd("kernel_size", filter.kernel_size);
                check.not_negative("soft_shrink", filter.soft_shrink);
            }
            GlobalConfig::SelfAttention { num_heads } => {
                check_heads(*num_heads, encoder, check);
            }
        });
        self.local_kernel_size
            .check_kernels("local_kernel_size", encoder.num_levels, check);
        check.not_negative("init_std", self.init_std);
        check_drop_path(self.drop_path, check);
    }
}

impl AttentionConfig {
    fn check(&self, encoder: &EncoderConfig, check: &mut Check<'_>) {
        check_heads(self.num_heads, encoder, check);
        if let Some(window) = self.window {
            check.require(
                window >= 3 && window % 2 == 1,
                "window",
                window,
                "an odd number of at least 3, or null for all positions",
            );
        }
        check.require(
            self.window.is_some() || !self.relative_position,
            "relative_position",
            self.relative_position,
            "false where window is null: the bias is one number per head and distance within the window",
        );
        check.odd("kernel_size", self.kernel_size);
        if let Some(mlp_dim) = self.mlp_dim {
            check.at_least("mlp_dim", mlp_dim, 1);
        }
        check_drop_path(self.drop_path, check);
    }
}

impl MaxPoolingConfig {
    fn check(&self, encoder: &EncoderConfig, check: &mut Check<'_>) {
        check.require(
            encoder.num_stem_blocks == 0,
            "../num_stem_blocks",
            encoder.num_stem_blocks,
            "0 where mixer.type is max_pooling: without a halving there is nothing to pool",
        );
        check.require(
            encoder.downsampling == Downsampling::Max,
            "../downsampling",
            "average",
            "max where mixer.type is max_pooling",
        );
    }
}

fn check_norm_groups(encoder: &EncoderConfig, groups: usize, check: &mut Check<'_>) {
    check.require(
        encoder.dim.is_multiple_of(groups),
        "../dim",
        encoder.dim,
        format!("a multiple of {groups} (the groups of the block's group norm)"),
    );
}

fn check_heads(num_heads: usize, encoder: &EncoderConfig, check: &mut Check<'_>) {
    check.require(
        num_heads > 0 && encoder.dim.is_multiple_of(num_heads),
        "num_heads",
        num_heads,
        format!("a divisor of encoder.dim = {}", encoder.dim),
    );
}

fn check_drop_path(probability: f64, check: &mut Check<'_>) {
    check.require(
        (0.0..1.0).contains(&probability),
        "drop_path",
        probability,
        "at least 0 and below 1",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_kernels_are_rounded_to_even_and_made_odd() {
        let sgp = |k| SgpConfig {
            mlp_dim: 1,
            kernel_size: PerLevel::Same(1),
            k,
            init_std: 0.0,
            drop_path: 0.0,
        };
        // 2 · 2.5 = 5; 4 · 2.5 = 10 → 11; 2 · 1.25 = 2.5 → 2 → 3; 6 · 1.25 = 7.5 → 8 → 9.
        assert_eq!(sgp(2.5).wide_kernel_size(1), 5);
        assert_eq!(sgp(2.5).wide_kernel_size(3), 11);
        assert_eq!(sgp(1.25).wide_kernel_size(1), 3);
        assert_eq!(sgp(1.25).wide_kernel_size(5), 9);
    }
}
