//! Configuration: sections with documented fields, their defaults and their checks.
//!
//! `Default` of a section is the preset `released`, so that a program names only what it changes:
//!
//! ```
//! use tal_core::config::SuppressionConfig;
//!
//! let config = SuppressionConfig {
//!     sigma: 0.4,
//!     ..SuppressionConfig::default()
//! };
//! assert_eq!(config.max_detections, 2000);
//! ```
//!
//! The crate `tal-config` reads files. `docs/configuration.md`, generated from these types, lists all keys.

#[macro_use]
mod sections;

mod action_sensitivity;
mod augmentation;
mod backtal;
mod check;
mod class_scores;
mod dataset;
mod decoder;
mod encoder;
mod error;
mod inference;
mod loss;
mod mixer;
mod precision;
mod section;
mod train;

// Sections and choices, which are all that these modules export.
pub use action_sensitivity::*;
pub use augmentation::*;
pub use backtal::*;
pub use class_scores::*;
pub use dataset::*;
pub use decoder::*;
pub use encoder::*;
pub use error::FieldError;
pub use inference::*;
pub use loss::*;
pub use mixer::*;
pub use precision::Precision;
pub use section::FieldErrors;
pub use train::*;

use std::path::PathBuf;

use check::Check;

sections! {
    /// Everything a run needs to know.
    ///
    /// The default is the preset `released` with the [default data set](DatasetConfig::default), which must be filled in.
    #[derive(Default)]
    pub struct Config {
        /// Defaults that the file starts from.
        #[serde(default)]
        pub preset: Preset,
        /// The data set: where it lies and how it becomes network input.
        pub dataset: DatasetConfig,
        /// The pyramid encoder: projection, blocks and neck.
        pub encoder: EncoderConfig,
        /// The decoder: cross-level fusion, heads and refinement.
        pub decoder: DecoderConfig,
        /// Label assignment and losses.
        pub loss: LossConfig,
        /// BackTAL, which learns from labels of whole recordings and background clicks. It replaces `encoder`, `decoder`, `loss` and
        /// most of `inference`; null trains the detector that these sections describe.
        #[serde(default)]
        pub backtal: Option<BackTalConfig>,
        /// Optimisation, and what a run keeps.
        pub train: TrainConfig,
        /// From logits to detections.
        pub inference: InferenceConfig,
        /// Comparison of detections with the ground truth.
        pub evaluation: EvaluationConfig,
    }

    /// A named set of defaults.
    #[derive(Default)]
    pub enum Preset {
        /// The authors' public code.
        #[default]
        Released,
        /// The equations of the paper, where they differ from the public code.
        Paper,
        /// A small CLTDR-GMG with the paper's rule of scores, for tens to hundreds of recordings.
        Compact,
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
}

impl Preset {
    /// The name, as configurations spell it.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Released => "released",
            Preset::Paper => "paper",
            Preset::Compact => "compact",
            Preset::BackTalThumos14 => "backtal_thumos14",
            Preset::BackTalActivityNet12 => "backtal_activitynet12",
            Preset::BackTalHacs => "backtal_hacs",
        }
    }

    /// The preset that this one changes; `None` if it sets every key itself.
    pub fn base(self) -> Option<Preset> {
        match self {
            Preset::Released => None,
            Preset::Paper | Preset::Compact | Preset::BackTalThumos14 => Some(Preset::Released),
            Preset::BackTalActivityNet12 => Some(Preset::BackTalThumos14),
            Preset::BackTalHacs => Some(Preset::BackTalActivityNet12),
        }
    }
}

impl Config {
    /// Whether the frame rate of every recording must be known: features are counted in frames, or detections start and end at
    /// frames, as those of BackTAL do.
    pub fn needs_fps(&self) -> bool {
        self.dataset.feat_stride.is_some() || self.backtal.is_some()
    }

    /// All paths to data, each with its key, such as `dataset.features.append[0].dir`.
    pub fn paths_mut(&mut self) -> Vec<(String, &mut PathBuf)> {
        let mut paths = Vec::new();
        let mut add = |key: &str, path| paths.push((key.to_owned(), path));
        let features = &mut self.dataset.features;
        add("dataset.annotations", &mut self.dataset.annotations);
        add("dataset.features.dir", &mut features.dir);
        if let Some(extract) = &mut self.dataset.extract {
            add("dataset.extract.weights", &mut extract.weights);
        }
        for (index, more) in features.append.iter_mut().enumerate() {
            add(
                &format!("dataset.features.append[{index}].dir"),
                &mut more.dir,
            );
        }
        if let Some(scores) = &mut self.inference.external_scores {
            add("inference.external_scores.file", &mut scores.file);
        }
        if let Some(clicks) = self.backtal.as_mut().and_then(|b| b.clicks.as_mut()) {
            add("backtal.clicks", clicks);
        }
        paths
    }

    /// Checks every value, and that values fit together.
    ///
    /// # Errors
    /// All values that are wrong, each with the field's path and what is allowed.
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
                self.loss.action_sensitivity.is_none(),
                "loss.action_sensitivity",
                "set",
                "null beside a section backtal: action sensitivity learning needs segments, BackTAL has none",
            );
        }
        check.section("train", |check| self.train.check(check));
        check.section("inference", |check| self.inference.check(check));
        check.section("evaluation", |check| self.evaluation.check(check));
        check.require(
            !self.inference.has_scales() || !self.dataset.resize,
            "inference.scales",
            format!("{:?}", self.inference.scales),
            "[1] if dataset.resize is true, which gives all recordings one length",
        );
        if self.backtal.is_none() {
            let num_levels = self.encoder.num_levels;
            check.multiple_of(
                "dataset.max_seq_len",
                self.dataset.max_seq_len,
                crate::PointGrid::length_unit(num_levels.min(16)),
                format!("the stride of the last of encoder.num_levels = {num_levels} levels"),
            );
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }
}
