//! The pyramid encoder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::mixer::MixerConfig;

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

/// What stands between the blocks and the heads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NeckConfig {
    /// What normalises each level.
    pub norm: NeckNorm,
}

/// What normalises each level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NeckNorm {
    /// Nothing.
    None,
    /// A channel layer norm per level.
    Layer,
    /// Mean 0 and variance 1 over four groups of channels and all of time, nothing learned (TemporalMaxer).
    Group,
}

impl EncoderConfig {
    /// What the padded length of recordings longer than `max_seq_len` must be a multiple of.
    ///
    /// The largest of `stride · window` over the levels, where the window is the kernel of the local branch (GMG, SGP) or
    /// twice the steps on either side of windowed attention, and 1 elsewhere; rounded up to the stride of the last level.
    ///
    /// # Units
    /// Grid units.
    pub fn length_unit(&self) -> usize {
        let coarsest = 1 << self.num_levels.saturating_sub(1);
        (0..self.num_levels)
            .map(|level| (1 << level) * self.mixer.window(level).max(1))
            .max()
            .unwrap_or(1)
            .next_multiple_of(coarsest)
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
        check.section("mixer", |check| self.mixer.check(self, check));
        if self.neck.norm == NeckNorm::Group {
            check.require(
                self.dim.is_multiple_of(NeckConfig::NORM_GROUPS),
                "dim",
                self.dim,
                "a multiple of 4 (the groups of neck.norm: group)",
            );
        }
    }
}

impl NeckConfig {
    /// Groups of [`NeckNorm::Group`].
    pub const NORM_GROUPS: usize = 4;
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASED: &str = include_str!("../../../tal-config/src/presets/released.yaml");

    fn encoder(yaml: &str) -> EncoderConfig {
        let preset: serde_yaml::Value = serde_yaml::from_str(RELEASED).unwrap();
        let mut config: EncoderConfig = serde_yaml::from_value(preset["encoder"].clone()).unwrap();
        config.mixer = serde_yaml::from_str(yaml).unwrap();
        config
    }

    fn gmg(kernels: &str) -> EncoderConfig {
        let mut config = encoder("{ type: max_pooling }");
        config.mixer = serde_yaml::from_str(&format!(
            "{{ type: sgp, mlp_dim: 8, kernel_size: {kernels}, k: 1.5, init_std: 0, drop_path: 0 }}"
        ))
        .unwrap();
        config
    }

    fn messages(config: &EncoderConfig) -> Vec<String> {
        let mut errors = Vec::new();
        let mut check = Check::new(&mut errors);
        check.section("encoder", |check| config.check(check));
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn length_units_of_the_methods() {
        assert_eq!(gmg("1").length_unit(), 32);
        assert_eq!(gmg("5").length_unit(), 160);
        assert_eq!(gmg("[1, 3, 3, 5, 5, 7]").length_unit(), 224);
        // 5 at stride 16 is 80, which stride 32 does not divide.
        assert_eq!(gmg("[1, 1, 1, 1, 5, 1]").length_unit(), 96);
        let attention = |window: &str| {
            encoder(&format!(
                "{{ type: attention, num_heads: 4, window: {window}, relative_position: false, kernel_size: 3, \
                 mlp_dim: null, drop_path: 0.1 }}"
            ))
        };
        assert_eq!(attention("19").length_unit(), 2 * 9 * 32);
        assert_eq!(attention("9").length_unit(), 256);
        assert_eq!(attention("null").length_unit(), 32);
        assert_eq!(attention("19").padded_len(2305, 2304), 2880);
        let pooling = encoder("{ type: max_pooling }");
        assert_eq!(pooling.length_unit(), 32);
        assert_eq!(pooling.padded_len(100, 2304), 2304);
    }

    #[test]
    fn combinations_without_sense_are_refused_with_the_reason() {
        let mut config = encoder("{ type: max_pooling }");
        config.downsampling = Downsampling::Average;
        let errors = messages(&config);
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors[0].starts_with("encoder.num_stem_blocks is 2, must be 0"));
        assert!(errors[1].starts_with("encoder.downsampling is average, must be max"));
        config.num_stem_blocks = 0;
        config.downsampling = Downsampling::Max;
        config.dim = 6;
        config.neck.norm = NeckNorm::Group;
        let errors = messages(&config);
        assert_eq!(
            errors,
            ["encoder.dim is 6, must be a multiple of 4 (the groups of neck.norm: group)"]
        );
        let text = "{ type: attention, num_heads: 3, window: 4, relative_position: false, kernel_size: 2, mlp_dim: 0, \
                    drop_path: 1 }";
        let errors = messages(&encoder(text));
        assert_eq!(errors.len(), 5, "{errors:?}");
        assert!(errors[0].contains("num_heads is 3, must be a divisor of encoder.dim = 512"));
        assert!(errors[1].contains("window is 4, must be an odd number of at least 3"));
    }

    #[test]
    fn a_bias_per_distance_needs_a_window() {
        let text = "{ type: attention, num_heads: 4, window: null, relative_position: true, kernel_size: 3, mlp_dim: null, \
                    drop_path: 0.1 }";
        let errors = messages(&encoder(text));
        assert_eq!(
            errors,
            [
                "encoder.mixer.relative_position is true, must be false where window is null: the bias is one number per \
                 head and distance within the window"
            ]
        );
    }

    #[test]
    fn gmg_needs_a_branch() {
        let preset: serde_yaml::Value = serde_yaml::from_str(RELEASED).unwrap();
        let mut config: EncoderConfig = serde_yaml::from_value(preset["encoder"].clone()).unwrap();
        assert!(messages(&config).is_empty());
        let MixerConfig::Gmg(gmg) = &mut config.mixer else {
            panic!("the preset's mixer")
        };
        (gmg.instant, gmg.local) = (false, false);
        gmg.global = serde_yaml::from_str("{ type: none }").unwrap();
        let errors = messages(&config);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].starts_with("encoder.mixer.global is none, must be fft or self_attention")
        );
        assert!(serde_yaml::from_str::<MixerConfig>("{ type: max_pooling, k: 3 }").is_err());
        assert!(
            serde_yaml::from_str::<crate::config::GlobalConfig>("{ type: none, soft_shrink: 0 }")
                .is_err()
        );
    }
}
