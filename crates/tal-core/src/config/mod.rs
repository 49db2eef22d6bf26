//! Configuration: YAML, strict, validated before anything is built.
//!
//! A file names a preset and what it changes. The preset (`released`: the authors' public code; `paper`: the equations of
//! the text, laid over it) holds every switch and default; the file, then overlays and `--set key=value` overrides are laid
//! over it ([`Layers`]). [`Config::load`] refuses unknown keys with the nearest known one and values out of range with what
//! is allowed, so that a [`Config`] in hand is a checked one.
//!
//! The reference of all keys is `docs/configuration.md`, generated from these types.

mod backtal;
mod check;
mod dataset;
mod decoder;
mod encoder;
mod error;
mod fusion;
pub mod import;
mod inference;
mod layers;
mod lines;
mod loss;
mod mixer;
mod precision;
mod provenance;
mod relocate;
mod render;
mod section;
mod sensitivity;
mod source;
mod train;

pub use backtal::{
    AffinityLayout, BackTalConfig, BackTalLossConfig, ProposalConfig, ThresholdRange,
};
pub use dataset::{
    AppendedFeatures, BeyondFeatures, DatasetConfig, FeatureFormat, FeatureLayout, FeaturesConfig,
    TruncationConfig,
};
pub use decoder::{
    BoundaryInput, ClffConfig, CrossLevelConfig, DecoderConfig, FusedLevels, Fusion, HeadConfig,
    Neighbors, OffsetUnit, RefinedScore, RefinementConfig, TridentConfig,
};
pub use encoder::{
    Downsampling, EncoderConfig, NeckConfig, NeckNorm, PositionEncoding, ProjectionConfig,
};
pub use error::{ConfigError, FieldError};
pub use fusion::{ExternalScoresConfig, FusionConfig, ScoreCombination};
pub use inference::{
    EvaluationConfig, EvaluationDialect, InferenceConfig, SuppressionConfig, SuppressionMethod,
    UnknownDialect, VotingConfig, VotingWeight,
};
pub use layers::{Layers, Resolved};
pub use loss::{
    AssignmentConfig, ClassificationLoss, ClassificationTarget, CostConfig, LossConfig,
    LossTermConfig, NormalizerConfig, NormalizerMethod, RegressionLoss,
};
pub use mixer::{
    AttentionConfig, FftNorm, FilterConfig, GateActivation, GlobalConfig, GmgConfig, InstantMixing,
    MaxPoolingConfig, MixerConfig, PerLevel, SgpConfig,
};
pub use precision::Precision;
pub use provenance::{Origin, Provenance};
pub use relocate::Relocated;
pub use section::FieldErrors;
pub use sensitivity::{
    ClassLevelConfig, ContrastiveBackground, ContrastiveConfig, GaussianCombination,
    InstanceLevelConfig, SensitivityConfig, SensitivityDistance, WeightNormalization,
};
pub use train::{
    CheckpointConfig, EmaConfig, OptimizerMethod, ScheduleConfig, TrainConfig, Weights,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use check::Check;

/// Everything a run needs to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The set of defaults that the file starts from.
    #[serde(default)]
    pub preset: Preset,
    /// Where the data lie and how they become network input.
    pub dataset: DatasetConfig,
    /// Projection, blocks and neck.
    pub encoder: EncoderConfig,
    /// Cross-layer fusion, heads and refinement.
    pub decoder: DecoderConfig,
    /// Label assignment and losses.
    pub loss: LossConfig,
    /// BackTAL, which learns from labels of recordings and background clicks, in place of `encoder`, `decoder`, `loss` and most
    /// of `inference`; null: the detector that those describe.
    #[serde(default)]
    pub backtal: Option<BackTalConfig>,
    /// Optimisation and what a run keeps.
    pub train: TrainConfig,
    /// From logits to detections.
    pub inference: InferenceConfig,
    /// How detections are compared with the ground truth.
    pub evaluation: EvaluationConfig,
}

/// A named set of defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The authors' public code.
    #[default]
    Released,
    /// The equations of the paper's text, where they differ from the public code.
    Paper,
    /// BackTAL as published for THUMOS14.
    #[serde(rename = "backtal_thumos14")]
    BackTalThumos14,
    /// BackTAL as published for ActivityNet-1.2.
    #[serde(rename = "backtal_activitynet12")]
    BackTalActivityNet12,
    /// BackTAL as published for HACS.
    #[serde(rename = "backtal_hacs")]
    BackTalHacs,
}

impl Preset {
    /// The name as it stands in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Released => "released",
            Preset::Paper => "paper",
            Preset::BackTalThumos14 => "backtal_thumos14",
            Preset::BackTalActivityNet12 => "backtal_activitynet12",
            Preset::BackTalHacs => "backtal_hacs",
        }
    }

    /// The preset's own defaults as YAML, to be laid over those of its [`base`](Self::base).
    pub fn yaml(self) -> &'static str {
        match self {
            Preset::Released => include_str!("presets/released.yaml"),
            Preset::Paper => include_str!("presets/paper.yaml"),
            Preset::BackTalThumos14 => include_str!("presets/backtal_thumos14.yaml"),
            Preset::BackTalActivityNet12 => include_str!("presets/backtal_activitynet12.yaml"),
            Preset::BackTalHacs => include_str!("presets/backtal_hacs.yaml"),
        }
    }

    /// The preset that this one changes; none where it holds every switch itself.
    pub fn base(self) -> Option<Preset> {
        match self {
            Preset::Released => None,
            Preset::Paper | Preset::BackTalThumos14 => Some(Preset::Released),
            Preset::BackTalActivityNet12 => Some(Preset::BackTalThumos14),
            Preset::BackTalHacs => Some(Preset::BackTalActivityNet12),
        }
    }
}

impl Config {
    /// Whether the frame rate of recordings must be known: features lie a number of frames apart, or actions begin and end at
    /// frames, as BackTAL's do.
    pub fn needs_fps(&self) -> bool {
        self.dataset.feat_stride.is_some() || self.backtal.is_some()
    }

    /// Checks every value and how values fit together.
    ///
    /// # Errors
    /// All that is wrong, each with the field's path, the value and what is allowed.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut check = Check::new(&mut errors);
        check.section("dataset", |check| self.dataset.check(check));
        check.section("encoder", |check| self.encoder.check(check));
        check.section("decoder", |check| {
            self.decoder.check(self.encoder.num_levels, check);
        });
        check.section("loss", |check| {
            self.loss
                .check(&self.decoder.refinement, self.encoder.num_levels, check);
        });
        if let Some(backtal) = &self.backtal {
            check.section("backtal", |check| backtal.check(check));
            check.require(
                self.loss.sensitivity.is_none(),
                "loss.sensitivity",
                "set",
                "null beside a section backtal: sensitivity learning needs segments, BackTAL has none",
            );
        }
        check.section("train", |check| self.train.check(check));
        check.section("inference", |check| self.inference.check(check));
        check.section("evaluation", |check| self.evaluation.check(check));
        let unit = crate::PointGrid::length_unit(self.encoder.num_levels.min(16));
        check.require(
            self.backtal.is_some() || self.dataset.max_seq_len.is_multiple_of(unit),
            "dataset.max_seq_len",
            self.dataset.max_seq_len,
            format!(
                "a multiple of {unit} (the stride of the last of encoder.num_levels = {} levels)",
                self.encoder.num_levels
            ),
        );
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }
}
