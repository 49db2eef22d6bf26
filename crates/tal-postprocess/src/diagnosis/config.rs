//! Options of a diagnosis.

use serde::{Deserialize, Serialize};
use tal_core::config::{EvaluationConfig, EvaluationDialect};

use super::buckets::CharacteristicBuckets;
use super::error::DiagnosisError;
use crate::evaluation::{EvaluationError, Rules, Ties};

/// Upper limit of the number of groups, so that a configuration cannot exhaust memory.
const MAX_GROUPS: usize = 1000;

/// Annotations that the characteristic [`crate::Characteristic::NumInstances`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedInstances {
    /// All annotations of the recording, as in DETAD's data.
    #[default]
    Recording,
    /// Those of the same class in the recording, as in the text of DETAD's paper.
    Class,
}

/// Order of equal scores and equal tIoUs in a diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiagnosisTies {
    /// The earlier detection and the earlier annotation first; of equal best tIoUs, an annotation of the own class.
    #[default]
    Clean,
    /// As DETAD's program: the later detection and the later annotation first (a sort, reversed); of equal best tIoUs, the
    /// annotation that stands first in the recording.
    Detad,
}

/// Options of a diagnosis. The default is that of DETAD for ActivityNet, except for `ties`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiagnosisConfig {
    /// tIoU thresholds, above 0 and at most 1.
    pub tiou_thresholds: Vec<f64>,
    /// Lowest best tIoU of a detection that is not a background error.
    pub min_tiou: f64,
    /// Number of groups of `N_c` detections of each class that are searched for false positives, 1 to 1000.
    pub num_groups: usize,
    /// Normalised precision above which a detection must be ranked, or else its annotation is a false negative.
    pub min_precision: f64,
    /// Buckets of the characteristics.
    pub buckets: CharacteristicBuckets,
    /// Annotations that the number of instances counts.
    pub counted_instances: CountedInstances,
    /// Order of equal values.
    pub ties: DiagnosisTies,
    /// Whether annotations that repeat an earlier one (same recording and class, both ends within 1 ms) are dropped. DETAD
    /// keeps them; all dialects of the evaluation except `activitynet` drop them.
    pub drop_duplicates: bool,
    /// Ids of recordings that do not count, nor do their detections.
    pub blocked: Vec<String>,
}

impl Default for DiagnosisConfig {
    fn default() -> Self {
        Self {
            // Quotients are the nearest numbers to 0.5, 0.55, …; sums of 0.05 are not.
            tiou_thresholds: (10..20).map(|step| f64::from(step) / 20.0).collect(),
            min_tiou: 0.1,
            num_groups: 10,
            min_precision: 0.05,
            buckets: CharacteristicBuckets::activitynet(),
            counted_instances: CountedInstances::default(),
            ties: DiagnosisTies::default(),
            drop_duplicates: false,
            blocked: Vec::new(),
        }
    }
}

impl From<&EvaluationConfig> for DiagnosisConfig {
    /// Options that fit an evaluation: its thresholds, its rule for duplicates and its blocked recordings.
    fn from(config: &EvaluationConfig) -> Self {
        Self {
            tiou_thresholds: config.tiou_thresholds.clone(),
            drop_duplicates: config.dialect != EvaluationDialect::ActivityNet,
            blocked: config.blocked.clone(),
            ..Self::default()
        }
    }
}

impl DiagnosisConfig {
    /// Options of DETAD for THUMOS14: the threshold 0.5 only, and buckets for many short annotations.
    pub fn thumos14() -> Self {
        Self {
            tiou_thresholds: vec![0.5],
            buckets: CharacteristicBuckets::thumos14(),
            ..Self::default()
        }
    }

    pub(super) fn check(&self) -> Result<(), DiagnosisError> {
        if self.tiou_thresholds.is_empty() {
            return Err(EvaluationError::NoThresholds.into());
        }
        for (index, &value) in self.tiou_thresholds.iter().enumerate() {
            if !(value > 0.0 && value <= 1.0) {
                return Err(DiagnosisError::Threshold { index, value });
            }
        }
        for (option, value) in [
            ("min_tiou", self.min_tiou),
            ("min_precision", self.min_precision),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(DiagnosisError::Fraction { option, value });
            }
        }
        if !(1..=MAX_GROUPS).contains(&self.num_groups) {
            let num_groups = self.num_groups;
            return Err(DiagnosisError::Groups { num_groups });
        }
        self.buckets.check()
    }

    /// Rules by which detections are matched.
    pub(super) fn rules(&self) -> Rules {
        Rules {
            without_duplicates: self.drop_duplicates,
            min_union: 0.0,
            ties: match self.ties {
                DiagnosisTies::Clean => Ties::EarlierFirst,
                DiagnosisTies::Detad => Ties::LaterFirst,
            },
            blocked: self.blocked.iter().cloned().collect(),
            ..Rules::of(EvaluationDialect::Clean)
        }
    }
}
