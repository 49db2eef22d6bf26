//! What a detector gets wrong, and what that costs: the DETAD diagnosis.
//!
//! [`diagnose`] answers three questions. Which errors are among the detections with the highest scores
//! ([`FalsePositiveProfile`])? What would be gained without each of them ([`Impact`])? Which annotations are missed or
//! found badly ([`CharacteristicDiagnosis`])?
//!
//! | term | definition |
//! |---|---|
//! | `N_c`, `N̄` | annotations of class `c`; their mean over the classes that have any |
//! | match | detections of a class by falling score take the free annotation of their class and recording with the highest tIoU, if that is at least the threshold; see [`crate::evaluation`] |
//! | normalised precision | `P_N = R · N̄ / (R · N̄ + F)`, `R` the recall and `F` the false positives so far: precision as if the class had `N̄` annotations |
//! | mAP_N | mean over the classes of the area under the envelope of `P_N` over `R`; the average is over the thresholds |
//! | looked at | the first `10 · N_c` detections of each class, in ten groups of `N_c` |
//! | best tIoU | the highest tIoU of a detection with any annotation of its recording, of whatever class; at a tie one of its own class |
//! | double detection | a false positive with best tIoU ≥ threshold, with an annotation of its class |
//! | wrong label | the same with an annotation of another class |
//! | localization | a false positive with 0.1 ≤ best tIoU < threshold, with an annotation of its class |
//! | confusion | the same with an annotation of another class |
//! | background | a false positive with best tIoU < 0.1, or of a recording without annotations |
//! | impact | average mAP_N of the detections looked at without those of one error type, minus that of all of them |
//! | coverage, length, number of instances | length over duration of the recording; length in seconds; annotations of the same class in the recording |
//! | false negative | an annotation that no detection matched at a rank where `P_N > 0.05`, all detections counted |
//! | sensitivity | mAP_N on the annotations of one bucket, all detections counted: `N_c` is the number in the bucket, classes without any are left out, `N̄` stays, and detections that matched an annotation of another bucket at some threshold are left out |
//!
//! The buckets of ActivityNet and THUMOS14 are in [`CharacteristicBuckets`]. Ties are broken by score, then by the id of
//! the recording, then by the order of the input; annotations with equal tIoU by their order.
//!
//! Where this differs from the released tool: it reads coverage and number of instances from an annotation file made for
//! it, and drops annotations whose coverage is above 1. Here both follow from the ground truth, and such annotations, like
//! those of recordings without a duration, count everywhere but in the coverage buckets (they are counted in
//! [`CharacteristicDiagnosis::num_without_bucket`]). Detections of a class without ground truth stop the tool; here they
//! are counted and ignored. At equal best tIoU the tool takes the annotation that comes first.
//!
//! # Source
//! Alwassel, Caba Heilbron, Escorcia and Ghanem, Diagnosing Error in Temporal Action Detectors (ECCV 2018), and its
//! released tool for the details that the text leaves open (limits of the buckets, the sets of detections that each
//! analysis looks at).

mod buckets;
mod config;
mod error;
mod error_type;
mod impact;
mod matching;
mod normalized;
mod profile;
mod sensitivity;
mod table;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tal_core::{DetectionSet, Recording};

pub use buckets::{Bucket, Characteristic, CharacteristicBuckets};
pub use config::DiagnosisConfig;
pub use error::DiagnosisError;
pub use error_type::ErrorType;
pub use impact::{ErrorImpact, Impact};
pub use normalized::{NormalizedMap, normalized_average_precision};
pub use profile::{ErrorCounts, FalsePositiveProfile, ThresholdProfile};
pub use sensitivity::{BucketDiagnosis, CharacteristicDiagnosis};

use matching::Matches;
use profile::TopDetections;
use sensitivity::MatchedClass;
use table::Table;

/// What a detector gets wrong. All shares are fractions in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The thresholds, in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// Mean number of annotations of a class, `N̄`.
    pub mean_instances: f64,
    /// Normalised mAP of all detections, the base of the sensitivities.
    pub normalized_map: NormalizedMap,
    /// What the detections with the highest scores are.
    pub profile: FalsePositiveProfile,
    /// What each type of error costs.
    pub impact: Impact,
    /// Annotations that no detection found, per threshold.
    pub num_missed: Vec<usize>,
    /// How well annotations are found, one per characteristic in the order of [`Characteristic::ALL`].
    pub characteristics: Vec<CharacteristicDiagnosis>,
    /// What was counted.
    pub counts: DiagnosisCounts,
}

/// What was counted in a diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiagnosisCounts {
    /// Recordings in the ground truth.
    pub num_recordings: usize,
    /// Classes with ground truth.
    pub num_classes: usize,
    /// Annotations that count.
    pub num_ground_truth: usize,
    /// Annotations that were removed as empty or duplicate.
    pub num_removed_ground_truth: usize,
    /// All detections but those of blocked recordings.
    pub num_detections: usize,
    /// Detections of a class without ground truth, which do not count.
    pub num_ignored_detections: usize,
    /// Detections of recordings that the ground truth lacks: each is a background error, unless ignored.
    pub num_unmatched_recording_detections: usize,
}

impl Diagnosis {
    /// The diagnosis by one characteristic.
    pub fn by(&self, characteristic: Characteristic) -> Option<&CharacteristicDiagnosis> {
        self.characteristics
            .iter()
            .find(|diagnosis| diagnosis.characteristic == characteristic)
    }
}

/// Says what is wrong with detections, given the ground truth of the evaluated recordings.
///
/// The module's table has the definitions. The result does not depend on the order of `recordings`.
///
/// # Units
/// Segments and durations in seconds.
///
/// # Errors
/// An option outside its range; no recordings, one given twice, one whose duration is not a positive number, or none with
/// an annotation that has a length; an annotation or a detection whose ends are not finite or not in order; a score that
/// is NaN.
///
/// # Source
/// Alwassel et al., Diagnosing Error in Temporal Action Detectors (ECCV 2018).
pub fn diagnose<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: &DetectionSet,
    config: &DiagnosisConfig,
) -> Result<Diagnosis, DiagnosisError> {
    config.check()?;
    let table = Table::new(recordings, detections, config)?;
    let mean_instances = table.mean_instances();
    let num_thresholds = config.tiou_thresholds.len();

    let (classes, top): (Vec<MatchedClass<'_>>, Vec<TopDetections>) = table
        .classes
        .par_iter()
        .map(|class| {
            let matches = Matches::new(class, &config.tiou_thresholds);
            let missed = sensitivity::missed(class, &matches, mean_instances, config);
            let top = TopDetections::new(&table, class, &matches, config);
            let matched = MatchedClass {
                class,
                matches,
                missed,
            };
            (matched, top)
        })
        .unzip();

    let ap: Vec<Vec<f64>> = classes
        .iter()
        .map(|matched| matched.normalized_ap(mean_instances))
        .collect();
    let num_missed = (0..num_thresholds)
        .map(|t| {
            let missed = classes.iter().flat_map(|matched| &matched.missed[t]);
            missed.filter(|missed| **missed).count()
        })
        .collect();
    Ok(Diagnosis {
        tiou_thresholds: config.tiou_thresholds.clone(),
        mean_instances,
        normalized_map: NormalizedMap::over_classes(&ap),
        profile: profile::profile(&top, config),
        impact: impact::impact(&top, mean_instances),
        num_missed,
        characteristics: Characteristic::ALL
            .into_iter()
            .map(|c| sensitivity::characteristic(c, &classes, mean_instances, config))
            .collect(),
        counts: table.counts,
    })
}
