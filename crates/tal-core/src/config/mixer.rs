//! The blocks that mix information along time.

use serde::{Deserialize, Serialize};

use super::FieldError;
use super::check::{Check, errors_of};

/// The block that mixes information along time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

impl Default for MixerConfig {
    fn default() -> Self {
        Self::Gmg(GmgConfig::default())
    }
}

sections! {
    /// Gated Multi-Granularity block: instant, local and global branches, each gated by another.
    pub struct GmgConfig {
        /// Hidden width of the block's MLP.
        pub mlp_dim: usize = 768,
        /// The instant branch, which looks at each position by itself.
        pub instant: bool = true,
        /// The local branch, a convolution over near positions.
        pub local: bool = true,
        /// The global branch, which looks at all positions at once.
        pub global: GlobalConfig = GlobalConfig::default(),
        /// Gates the local branch by the global one, and the instant branch by the local one (by the global one if there is
        /// no local branch). A branch without a gate keeps the factor 1. `false` adds the branches up.
        pub gate: bool = true,
        /// Activation of a gate before it multiplies: `identity` (released) or `relu` (paper).
        pub gate_activation: GateActivation = GateActivation::Identity,
        /// The instant branch: `depthwise`, a scale and an offset per channel (released), or `dense`, fully connected over
        /// the channels (paper).
        pub instant_mixing: InstantMixing = InstantMixing::Depthwise,
        /// Kernel of the local branch (odd): one number for all levels, or a list with one per level.
        pub local_kernel_size: PerLevel = PerLevel::Same(1),
        /// Gives stem blocks the local kernel of level 0 (paper) instead of 1 (released).
        pub local_in_stem: bool = false,
        /// Standard deviation of the initial weights of the instant and the local branch; 0 starts both at zero.
        pub init_std: f64 = 0.0,
        /// Probability that training skips the residual branch of a branch block for a sample. If it is above 0, each such
        /// branch also has a learned scale per channel, which starts at 1e-4.
        pub drop_path: f64 = 0.1,
    }

    /// A filter in the frequency domain whose response depends on the input.
    pub struct FilterConfig {
        /// Kernel (odd) of the filter's two depth-wise convolutions along frequency. 1 (released) gives each channel a
        /// complex factor and offset; a larger kernel mixes neighbouring frequencies, with zeros outside (paper).
        pub kernel_size: usize = 1,
        /// λ of the soft shrinkage of the filter's response; 0 leaves it out (paper).
        pub soft_shrink: f64 = 0.001,
        /// Scaling of the Fourier transform: `ortho` (released) or `backward` (paper).
        pub fft_norm: FftNorm = FftNorm::Ortho,
    }

    /// Mixing of channels in the instant branch.
    pub enum InstantMixing {
        /// A scale and an offset per channel.
        Depthwise,
        /// Fully connected at every position.
        Dense,
    }

    /// Activation of a gate before it multiplies.
    pub enum GateActivation {
        /// x
        Identity,
        /// max(x, 0)
        Relu,
    }

    /// Scaling of the Fourier transform.
    pub enum FftNorm {
        /// 1/√T in both directions.
        Ortho,
        /// 1 forward, 1/T backward.
        Backward,
    }

    /// Self-attention and an MLP, each after a norm and with a residual (ActionFormer).
    pub struct AttentionConfig {
        /// Number of heads; they share the channels evenly.
        pub num_heads: usize,
        /// Number of positions that each position attends to (odd): itself and equally many on either side. Null: all positions.
        pub window: Option<usize>,
        /// Adds a learned bias per head and distance within the window.
        pub relative_position: bool,
        /// Kernel (odd) of the depth-wise convolutions of query, key and value.
        pub kernel_size: usize,
        /// Hidden width of the block's MLP; null: four times `dim`.
        pub mlp_dim: Option<usize>,
        /// Probability that training skips a residual branch of a stem or branch block for a sample. If it is above 0, each such
        /// branch also has a learned scale per channel, which starts at 1e-4.
        pub drop_path: f64,
    }

    /// Scalable-Granularity Perception block: an instant-level and a window-level branch (TriDet).
    pub struct SgpConfig {
        /// Hidden width of the block's MLP.
        pub mlp_dim: usize,
        /// Kernel w of the window-level branch (odd): one number for all levels, or a list with one per level. Stem blocks always
        /// use 1.
        pub kernel_size: PerLevel,
        /// Factor k of the wide window, which has (w + 1) · k positions, rounded and made odd.
        pub k: f64,
        /// Standard deviation of the initial weights of the five depth-wise convolutions.
        pub init_std: f64,
        /// Probability that training skips the residual branch of a branch block for a sample. If it is above 0, each such branch
        /// also has a learned scale per channel, which starts at 1e-4.
        pub drop_path: f64,
    }
}

/// The global branch of a Gated Multi-Granularity block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum GlobalConfig {
    /// No global branch.
    None {},
    /// A filter in the frequency domain whose response depends on the input.
    Fft(FilterConfig),
    /// Self-attention over all positions, like that of ActionFormer's block but without norms and MLP.
    SelfAttention {
        /// Number of heads; they share the channels evenly.
        num_heads: usize,
    },
}

impl Default for GlobalConfig {
    fn default() -> Self {
        Self::Fft(FilterConfig::default())
    }
}

impl FilterConfig {
    /// Values that no filter can have.
    pub fn errors(&self) -> Vec<FieldError> {
        errors_of("filter", |check| self.check(check))
    }

    fn check(&self, check: &mut Check<'_>) {
        check.odd("kernel_size", self.kernel_size);
        check.not_negative("soft_shrink", self.soft_shrink);
    }
}

/// One number for all levels, or one per level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PerLevel {
    /// The same number for all levels.
    Same(usize),
    /// One number per level, level 0 first.
    Each(Vec<usize>),
}

impl PerLevel {
    /// The number of level `level`; `None` if the list is too short.
    pub fn get(&self, level: usize) -> Option<usize> {
        match self {
            PerLevel::Same(value) => Some(*value),
            PerLevel::Each(values) => values.get(level).copied(),
        }
    }

    fn num_levels(&self) -> Option<usize> {
        match self {
            PerLevel::Same(_) => None,
            PerLevel::Each(values) => Some(values.len()),
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

/// Max-pooling alone, which has no settings (TemporalMaxer).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MaxPoolingConfig {}

impl MixerConfig {
    /// Window of a level, in steps of that level; padded lengths are multiples of it.
    pub(super) fn window(&self, level: usize) -> usize {
        match self {
            MixerConfig::Gmg(gmg) => gmg.local_kernel_size.get(level).unwrap_or(1),
            MixerConfig::Attention(attention) => attention.window.map_or(1, |w| 2 * (w / 2)),
            MixerConfig::Sgp(sgp) => sgp.kernel_size.get(level).unwrap_or(1),
            MixerConfig::MaxPooling(_) => 1,
        }
    }

    /// Levels of the pyramid, if the block has a list with a number for each.
    pub(super) fn num_levels(&self) -> Option<usize> {
        match self {
            MixerConfig::Gmg(gmg) => gmg.local_kernel_size.num_levels(),
            MixerConfig::Sgp(sgp) => sgp.kernel_size.num_levels(),
            MixerConfig::Attention(_) | MixerConfig::MaxPooling(_) => None,
        }
    }

    /// Groups of the block's group norm, which the width must be a multiple of; `None` if it has no such norm.
    pub(super) fn norm_groups(&self) -> Option<usize> {
        match self {
            MixerConfig::Gmg(_) => Some(GmgConfig::NORM_GROUPS),
            MixerConfig::Sgp(_) => Some(SgpConfig::NORM_GROUPS),
            MixerConfig::Attention(_) | MixerConfig::MaxPooling(_) => None,
        }
    }

    /// Checks the block for a pyramid of width `dim` with `num_levels` levels.
    pub(super) fn check(&self, dim: usize, num_levels: usize, check: &mut Check<'_>) {
        match self {
            MixerConfig::Gmg(gmg) => gmg.check(dim, num_levels, check),
            MixerConfig::Attention(attention) => attention.check(dim, check),
            MixerConfig::Sgp(sgp) => sgp.check(num_levels, check),
            MixerConfig::MaxPooling(_) => {}
        }
    }
}

impl GmgConfig {
    /// Groups of the group norm before the MLP.
    pub const NORM_GROUPS: usize = 16;

    fn check(&self, dim: usize, num_levels: usize, check: &mut Check<'_>) {
        check.at_least("mlp_dim", self.mlp_dim, 1);
        check.require(
            self.instant || self.local || !matches!(self.global, GlobalConfig::None {}),
            "global",
            "none",
            "fft or self_attention if instant and local are off: a block without a branch mixes nothing",
        );
        check.section("global", |check| match &self.global {
            GlobalConfig::None {} => {}
            GlobalConfig::Fft(filter) => filter.check(check),
            GlobalConfig::SelfAttention { num_heads } => check_heads(*num_heads, dim, check),
        });
        self.local_kernel_size
            .check_kernels("local_kernel_size", num_levels, check);
        check.not_negative("init_std", self.init_std);
        check.below_one("drop_path", self.drop_path);
    }
}

impl AttentionConfig {
    fn check(&self, dim: usize, check: &mut Check<'_>) {
        check_heads(self.num_heads, dim, check);
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
            "false if window is null: the bias is one number per head and distance within the window",
        );
        check.odd("kernel_size", self.kernel_size);
        if let Some(mlp_dim) = self.mlp_dim {
            check.at_least("mlp_dim", mlp_dim, 1);
        }
        check.below_one("drop_path", self.drop_path);
    }
}

impl SgpConfig {
    /// Groups of the group norm before the MLP.
    pub const NORM_GROUPS: usize = 16;

    /// Kernel of the wide window for a window of `kernel_size`: (w + 1) · k, rounded half to even, plus 1 if that is even.
    pub fn wide_kernel_size(&self, kernel_size: usize) -> usize {
        let rounded = ((kernel_size + 1) as f64 * self.k).round_ties_even() as usize;
        rounded + usize::from(rounded.is_multiple_of(2))
    }

    fn check(&self, num_levels: usize, check: &mut Check<'_>) {
        check.at_least("mlp_dim", self.mlp_dim, 1);
        self.kernel_size
            .check_kernels("kernel_size", num_levels, check);
        check.within("k", self.k, 0.5..=64.0);
        check.not_negative("init_std", self.init_std);
        check.below_one("drop_path", self.drop_path);
    }
}

fn check_heads(num_heads: usize, dim: usize, check: &mut Check<'_>) {
    check.require(
        num_heads > 0 && dim.is_multiple_of(num_heads),
        "num_heads",
        num_heads,
        format!("a divisor of encoder.dim = {dim}"),
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
