//! Diagnosis of detections as in DETAD: errors, their cost, and the annotations that are missed.

mod buckets;
mod characteristic;
mod config;
mod error;
mod error_type;
mod impact;
mod matching;
mod normalized;
mod outcomes;
mod profile;
mod sensitivity;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tal_core::{DetectionSet, Recording};

pub use buckets::{Bucket, CharacteristicBuckets};
pub use characteristic::Characteristic;
pub use config::{CountedInstances, DiagnosisConfig, DiagnosisTies};
pub use error::DiagnosisError;
pub use error_type::ErrorType;
pub use impact::{ErrorImpact, Impact};
pub use normalized::{NormalizedMap, normalized_average_precision};
pub use outcomes::{DetectionOutcome, Judgement, Outcomes, RecordingOutcomes, outcomes};
pub use profile::{ErrorCounts, FalsePositiveProfile, ThresholdProfile};
pub use sensitivity::{BucketDiagnosis, CharacteristicDiagnosis};

use crate::evaluation::{Table, Truth};
use matching::Matches;
use profile::TopDetections;
use sensitivity::MatchedClass;

/// Errors of a detector, their cost, and the annotations that it misses. All shares are fractions in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Thresholds in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// Mean number of annotations of a class, `N̄`.
    pub mean_instances: f64,
    /// Normalised mAP of all detections, the base of the sensitivities.
    pub normalized_map: NormalizedMap,
    /// True positives and errors among the detections with the highest scores.
    pub profile: FalsePositiveProfile,
    /// Cost of each type of error.
    pub impact: Impact,
    /// Number of annotations that no detection found, per threshold.
    pub num_missed: Vec<usize>,
    /// Annotations found and missed, by characteristic in the order of [`Characteristic::ALL`].
    pub characteristics: Vec<CharacteristicDiagnosis>,
    /// Numbers of recordings, annotations and detections.
    pub counts: DiagnosisCounts,
}

/// Numbers of recordings, annotations and detections in a diagnosis.
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
    /// Detections, without those of blocked recordings.
    pub num_detections: usize,
    /// Detections of a class without ground truth, which are ignored.
    pub num_ignored_detections: usize,
    /// Detections of recordings that the ground truth lacks: background errors, unless ignored.
    pub num_unmatched_recording_detections: usize,
}

impl Diagnosis {
    /// Annotations found and missed, by one characteristic.
    pub fn by(&self, characteristic: Characteristic) -> Option<&CharacteristicDiagnosis> {
        self.characteristics
            .iter()
            .find(|diagnosis| diagnosis.characteristic == characteristic)
    }
}

/// Diagnosis of detections, given the ground truth of the evaluated recordings.
///
/// It answers three questions. Which errors are among the detections with the highest scores ([`FalsePositiveProfile`])?
/// What would be gained without each of them ([`Impact`])? Which annotations are missed or found badly
/// ([`CharacteristicDiagnosis`])? The result does not depend on the order of `recordings`.
///
/// | term | definition |
/// |---|---|
/// | `N_c`, `N̄` | number of annotations of class `c`; its mean over the classes that have any |
/// | match | detections of a class by falling score take the free annotation of their class and recording with the highest tIoU, if that is at least the threshold; see [`crate::evaluate`] |
/// | normalised precision | `P_N = R · N̄ / (R · N̄ + F)` with recall `R` and `F` false positives so far: precision as if the class had `N̄` annotations |
/// | mAP_N | mean over the classes of the area under the envelope of `P_N` over `R`; the average is over the thresholds |
/// | top detections | the first `10 · N_c` detections of each class, in ten groups of `N_c` |
/// | best tIoU | highest tIoU of a detection with any annotation of its recording, of any class; its own class first if equal |
/// | double detection | false positive with best tIoU ≥ threshold, with an annotation of its class |
/// | wrong label | the same with an annotation of another class |
/// | localization | false positive with 0.1 ≤ best tIoU < threshold, with an annotation of its class |
/// | confusion | the same with an annotation of another class |
/// | background | false positive with best tIoU < 0.1, or in a recording without annotations |
/// | impact | average mAP_N of the top detections without those of one error type, minus that of all top detections |
/// | coverage, length, number of instances | length over duration of the recording; length in seconds; number of annotations in the recording (all, or those of the class, see [`CountedInstances`]) |
/// | false negative | annotation that no detection matched at a rank with `P_N > 0.05`, over all detections |
/// | sensitivity | mAP_N of all detections on the annotations of one bucket: `N_c` is the number in the bucket, classes without any are left out, `N̄` stays, and detections that matched an annotation of another bucket at some threshold are left out |
///
/// Where several annotations have the same best tIoU, [`DiagnosisTies`] decides.
///
/// [`CharacteristicBuckets`] has the buckets of ActivityNet and THUMOS14. Detections are ordered by score, then by their
/// order in the input; annotations with equal tIoU by their order.
///
/// The released tool differs in four points. It reads coverage and number of instances from an annotation file made for
/// it, and drops annotations whose coverage is above 1; here both follow from the ground truth, and such annotations, as
/// well as those of recordings without a duration, count everywhere except in the coverage buckets (they are counted in
/// [`CharacteristicDiagnosis::num_without_bucket`]). It stops at detections of a class without ground truth; here they are
/// counted and ignored. At equal best tIoU it takes the annotation that comes
/// first, and of equal scores, or annotations of equal tIoU, the later one; [`DiagnosisTies::Detad`] does so, too.
///
/// # Units
/// Segments and durations in seconds.
///
/// # Errors
/// An option outside its range; a duration that is not a positive number; everything that [`crate::evaluate`] refuses in
/// recordings and detections.
///
/// # Source
/// Alwassel, Caba Heilbron, Escorcia and Ghanem, Diagnosing Error in Temporal Action Detectors (ECCV 2018), and its
/// released tool for details that the text leaves open (limits of the buckets, the detections that each analysis covers).
pub fn diagnose<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: &DetectionSet,
    config: &DiagnosisConfig,
) -> Result<Diagnosis, DiagnosisError> {
    config.check()?;
    let rules = config.rules();
    let truth = Truth::new(recordings, &rules)?;
    check_durations(&truth)?;
    let Table { classes, counts } = Table::new(&truth, detections, &rules)?;
    let counts = DiagnosisCounts {
        num_recordings: counts.num_recordings,
        num_classes: classes.len(),
        num_ground_truth: counts.num_ground_truth,
        num_removed_ground_truth: counts.num_removed_ground_truth,
        num_detections: counts.num_detections,
        num_ignored_detections: counts.num_ignored_detections,
        num_unmatched_recording_detections: counts.num_unmatched_recording_detections,
    };
    let mean_instances = counts.num_ground_truth as f64 / counts.num_classes as f64;
    let num_thresholds = config.tiou_thresholds.len();

    let (classes, top): (Vec<MatchedClass>, Vec<TopDetections>) = classes
        .into_par_iter()
        .map(|mut class| {
            rules.sort_descending(&mut class.detections, |row| row.score);
            let matches = Matches::new(&class, &config.tiou_thresholds, &rules);
            let missed = sensitivity::missed(&class, &matches, mean_instances, config);
            let top = TopDetections::new(&truth, &class, &matches, config);
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
            .map(|c| sensitivity::characteristic(c, &classes, &truth, mean_instances, config))
            .collect(),
        counts,
    })
}

fn check_durations(truth: &Truth<'_>) -> Result<(), DiagnosisError> {
    for recording in &truth.recordings {
        if let Some(duration) = recording.duration
            && !(duration.is_finite() && duration > 0.0)
        {
            let recording = recording.id.clone();
            return Err(DiagnosisError::Duration {
                recording,
                duration,
            });
        }
    }
    Ok(())
}
