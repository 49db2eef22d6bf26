//! The pyramid encoder.

use super::FieldError;
use super::check::{Check, errors_of};
use super::mixer::MixerConfig;

sections! {
    /// Projection, stem, branch and neck: features in, a pyramid out.
    pub struct EncoderConfig {
        /// Width D of the pyramid.
        pub dim: usize = 512,
        /// Convolutions before the first block.
        pub projection: ProjectionConfig = ProjectionConfig::default(),
        /// Positional encoding, added after the projection.
        pub position: PositionEncoding = PositionEncoding::None,
        /// Blocks at full length.
        pub num_stem_blocks: usize = 2,
        /// Levels L of the pyramid. Level 0 is the output of the stem; each further level halves the length and adds a
        /// block.
        pub num_levels: usize = 6,
        /// The step by which a branch block halves the length.
        pub downsampling: Downsampling = Downsampling::Max,
        /// Probability that training drops a value after the projection, and of each level of the pyramid.
        #[serde(default)]
        pub dropout: f64 = 0.0,
        /// The block that mixes information along time.
        pub mixer: MixerConfig = MixerConfig::default(),
        /// The layer between the blocks and the heads.
        pub neck: NeckConfig = NeckConfig::default(),
    }

    /// Convolutions before the first block, each followed by ReLU.
    pub struct ProjectionConfig {
        /// Number of convolutions.
        pub num_layers: usize = 2,
        /// Kernel of each convolution (odd).
        pub kernel_size: usize = 3,
        /// Adds a channel layer norm after each convolution, which then has no bias.
        pub norm: bool = true,
    }

    /// Positional encoding.
    pub enum PositionEncoding {
        /// No encoding.
        None,
        /// Sines and cosines divided by √D, stretched for recordings longer than `max_seq_len`.
        Sinusoidal,
    }

    /// The step by which a branch block halves the length.
    pub enum Downsampling {
        /// Max-pooling, kernel 3, stride 2.
        Max,
        /// Average pooling, kernel 2, stride 2, then a 1×1 convolution.
        Average,
    }

    /// The layer between the blocks and the heads.
    pub struct NeckConfig {
        /// Normalisation of each level.
        pub norm: NeckNorm = NeckNorm::Layer,
    }

    /// Normalisation of each level.
    #[derive(Default)]
    pub enum NeckNorm {
        /// No normalisation.
        None,
        /// A channel layer norm per level.
        #[default]
        Layer,
        /// Mean 0 and variance 1 over four groups of channels and all of time; nothing is learned (TemporalMaxer).
        Group,
    }
}

impl EncoderConfig {
    /// Unit of padded lengths: a recording longer than `max_seq_len` is padded to a multiple of it.
    ///
    /// It is the largest `stride · window` of all levels, rounded up to a multiple of the last level's stride. The window is the
    /// kernel of the local branch (GMG, SGP) or, for windowed attention, twice the steps on either side; otherwise 1.
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

    /// Length that a recording of `len` features is padded to: `max_seq_len`, or the next multiple of
    /// [`EncoderConfig::length_unit`] if the recording is longer.
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

    /// Values that no encoder can have.
    pub fn errors(&self) -> Vec<FieldError> {
        errors_of("encoder", |check| self.check(check))
    }

    /// Values that no block of level `level` can have. The block halves the length by `downsampling`, or belongs to the stem if
    /// that is `None`. Other parts of the encoder are not checked.
    pub fn block_errors(
        mixer: MixerConfig,
        dim: usize,
        level: usize,
        downsampling: Option<Downsampling>,
    ) -> Vec<FieldError> {
        let config = EncoderConfig {
            dim,
            num_stem_blocks: usize::from(downsampling.is_none()),
            num_levels: mixer.num_levels().unwrap_or(1).max(level + 1),
            downsampling: downsampling.unwrap_or(Downsampling::Max),
            mixer,
            ..EncoderConfig::default()
        };
        config.errors()
    }

    pub(super) fn check(&self, check: &mut Check<'_>) {
        check.at_least("dim", self.dim, 1);
        check.section("projection", |check| self.projection.check(check));
        check.below_one("dropout", self.dropout);
        if self.position == PositionEncoding::Sinusoidal {
            let allowed = "an even number if position is sinusoidal";
            check.require(self.dim.is_multiple_of(2), "dim", self.dim, allowed);
        }
        check.between("num_levels", self.num_levels, 1, 16);
        if let Some(groups) = self.mixer.norm_groups() {
            let what = "the groups of the block's group norm";
            check.multiple_of("dim", self.dim, groups, what);
        }
        if matches!(self.mixer, MixerConfig::MaxPooling(_)) {
            check.require(
                self.num_stem_blocks == 0,
                "num_stem_blocks",
                self.num_stem_blocks,
                "0 if mixer.type is max_pooling: a block that does not halve the length has nothing to pool",
            );
            check.require(
                self.downsampling == Downsampling::Max,
                "downsampling",
                "average",
                "max if mixer.type is max_pooling",
            );
        }
        check.section("mixer", |check| {
            self.mixer.check(self.dim, self.num_levels, check);
        });
        if self.neck.norm == NeckNorm::Group {
            let (groups, what) = (NeckConfig::NORM_GROUPS, "the groups of neck.norm: group");
            check.multiple_of("dim", self.dim, groups, what);
        }
    }
}

impl ProjectionConfig {
    /// Values that no projection can have.
    pub fn errors(&self) -> Vec<FieldError> {
        errors_of("projection", |check| self.check(check))
    }

    fn check(&self, check: &mut Check<'_>) {
        check.at_least("num_layers", self.num_layers, 1);
        check.odd("kernel_size", self.kernel_size);
    }
}

impl NeckConfig {
    /// Groups of [`NeckNorm::Group`].
    pub const NORM_GROUPS: usize = 4;
}

#[cfg(test)]
mod tests {
    use super::super::{
        AttentionConfig, GlobalConfig, GmgConfig, MaxPoolingConfig, PerLevel, SgpConfig,
    };
    use super::*;

    const POOLING: MixerConfig = MixerConfig::MaxPooling(MaxPoolingConfig {});

    fn encoder(mixer: MixerConfig) -> EncoderConfig {
        EncoderConfig {
            mixer,
            ..EncoderConfig::default()
        }
    }

    fn sgp(kernel_size: PerLevel) -> EncoderConfig {
        encoder(MixerConfig::Sgp(SgpConfig {
            mlp_dim: 8,
            kernel_size,
            k: 1.5,
            init_std: 0.0,
            drop_path: 0.0,
        }))
    }

    fn attention(window: Option<usize>) -> AttentionConfig {
        AttentionConfig {
            num_heads: 4,
            window,
            relative_position: false,
            kernel_size: 3,
            mlp_dim: None,
            drop_path: 0.1,
        }
    }

    fn messages(config: &EncoderConfig) -> Vec<String> {
        config.errors().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn length_units_of_the_methods() {
        assert_eq!(sgp(PerLevel::Same(1)).length_unit(), 32);
        assert_eq!(sgp(PerLevel::Same(5)).length_unit(), 160);
        let each = |kernels: [usize; 6]| sgp(PerLevel::Each(kernels.to_vec())).length_unit();
        assert_eq!(each([1, 3, 3, 5, 5, 7]), 224);
        // 5 at stride 16 is 80, which stride 32 does not divide.
        assert_eq!(each([1, 1, 1, 1, 5, 1]), 96);
        let attention = |window| encoder(MixerConfig::Attention(attention(window)));
        assert_eq!(attention(Some(19)).length_unit(), 2 * 9 * 32);
        assert_eq!(attention(Some(9)).length_unit(), 256);
        assert_eq!(attention(None).length_unit(), 32);
        assert_eq!(attention(Some(19)).padded_len(2305, 2304), 2880);
        let pooling = encoder(POOLING);
        assert_eq!(pooling.length_unit(), 32);
        assert_eq!(pooling.padded_len(100, 2304), 2304);
    }

    #[test]
    fn combinations_without_sense_are_refused_with_the_reason() {
        let mut config = encoder(POOLING);
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
        let errors = messages(&encoder(MixerConfig::Attention(AttentionConfig {
            num_heads: 3,
            kernel_size: 2,
            mlp_dim: Some(0),
            drop_path: 1.0,
            ..attention(Some(4))
        })));
        assert_eq!(errors.len(), 5, "{errors:?}");
        assert!(errors[0].contains("num_heads is 3, must be a divisor of encoder.dim = 512"));
        assert!(errors[1].contains("window is 4, must be an odd number of at least 3"));
    }

    #[test]
    fn a_bias_per_distance_needs_a_window() {
        let errors = messages(&encoder(MixerConfig::Attention(AttentionConfig {
            relative_position: true,
            ..attention(None)
        })));
        assert_eq!(
            errors,
            [
                "encoder.mixer.relative_position is true, must be false if window is null: the bias is one number per \
                 head and distance within the window"
            ]
        );
    }

    #[test]
    fn gmg_needs_a_branch() {
        assert!(messages(&EncoderConfig::default()).is_empty());
        let errors = messages(&encoder(MixerConfig::Gmg(GmgConfig {
            instant: false,
            local: false,
            global: GlobalConfig::None {},
            ..GmgConfig::default()
        })));
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].starts_with("encoder.mixer.global is none, must be fft or self_attention")
        );
    }

    #[test]
    fn variants_refuse_the_keys_of_others() {
        let pooling = r#"{"type": "max_pooling", "k": 3}"#;
        assert!(serde_json::from_str::<MixerConfig>(pooling).is_err());
        let none = r#"{"type": "none", "soft_shrink": 0}"#;
        assert!(serde_json::from_str::<GlobalConfig>(none).is_err());
    }
}
