//! Sensitivity of a detector to the characteristics of annotations.

use serde::{Deserialize, Serialize};

use super::buckets::bucket_of;
use super::characteristic::Characteristic;
use super::config::{CountedInstances, DiagnosisConfig};
use super::matching::Matches;
use super::normalized::{NormalizedMap, area, normalized_precision};
use crate::evaluation::{ClassTable, Truth};

/// Annotations found and missed, by one characteristic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CharacteristicDiagnosis {
    /// The characteristic.
    pub characteristic: Characteristic,
    /// Annotations without a bucket: beyond the last bucket, or (coverage) in a recording without a duration.
    pub num_without_bucket: usize,
    /// Diagnosis per bucket, in the order of the configuration.
    pub buckets: Vec<BucketDiagnosis>,
}

/// Annotations of one bucket, found and missed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BucketDiagnosis {
    /// Name of the bucket.
    pub name: String,
    /// Lower end, not included (except the 0 of the first bucket).
    pub above: f64,
    /// Upper end, included; `None` for no limit.
    pub max: Option<f64>,
    /// Number of annotations in the bucket.
    pub num_instances: usize,
    /// Number of annotations that no detection found, per threshold.
    pub num_missed: Vec<usize>,
    /// Share of annotations that are missed, averaged over the thresholds; `None` for an empty bucket.
    pub false_negative_rate: Option<f64>,
    /// Normalised mAP on the annotations of the bucket alone; `None` for an empty bucket.
    pub normalized_map: Option<NormalizedMap>,
}

/// Whether each annotation of a class is missed, per threshold.
///
/// An annotation is found if a detection took it at a rank with a normalised precision above `min_precision`.
pub(super) fn missed(
    class: &ClassTable,
    matches: &Matches,
    mean_instances: f64,
    config: &DiagnosisConfig,
) -> Vec<Vec<bool>> {
    let num_instances = class.instances.len();
    (0..config.tiou_thresholds.len())
        .map(|t| {
            let mut missed = vec![true; num_instances];
            for (position, hit) in matches.hits(t).enumerate() {
                let num_false = hit.false_positives_before;
                let precision =
                    normalized_precision(position + 1, num_false, num_instances, mean_instances);
                missed[hit.instance] = precision <= config.min_precision;
            }
            missed
        })
        .collect()
}

/// One class, matched.
#[derive(Debug)]
pub(super) struct MatchedClass {
    pub(super) class: ClassTable,
    pub(super) matches: Matches,
    /// Result of [`missed`].
    pub(super) missed: Vec<Vec<bool>>,
}

impl MatchedClass {
    /// Normalised AP of all detections, per threshold.
    pub(super) fn normalized_ap(&self, mean_instances: f64) -> Vec<f64> {
        (0..self.matches.found.len())
            .map(|t| {
                let hits = self.matches.hits(t);
                let before: Vec<usize> = hits.map(|hit| hit.false_positives_before).collect();
                area(&before, self.class.instances.len(), mean_instances)
            })
            .collect()
    }
}

/// Diagnosis of each bucket of one characteristic.
pub(super) fn characteristic(
    characteristic: Characteristic,
    classes: &[MatchedClass],
    truth: &Truth<'_>,
    mean_instances: f64,
    config: &DiagnosisConfig,
) -> CharacteristicDiagnosis {
    let buckets = config.buckets.of(characteristic);
    let bucket_of_instance: Vec<Vec<Option<usize>>> = classes
        .iter()
        .map(|matched| {
            values(characteristic, &matched.class, truth, config)
                .into_iter()
                .map(|value| bucket_of(buckets, value?))
                .collect()
        })
        .collect();
    let num_without_bucket = bucket_of_instance
        .iter()
        .flatten()
        .filter(|bucket| bucket.is_none())
        .count();
    let results = buckets.iter().enumerate().map(|(index, bucket)| {
        let above = index.checked_sub(1).and_then(|before| buckets[before].max);
        let mut result = BucketDiagnosis {
            name: bucket.name.clone(),
            above: above.unwrap_or(0.0),
            max: bucket.max,
            num_instances: 0,
            num_missed: vec![0; config.tiou_thresholds.len()],
            false_negative_rate: None,
            normalized_map: None,
        };
        let mut ap = Vec::new();
        for (matched, buckets) in classes.iter().zip(&bucket_of_instance) {
            let inside: Vec<bool> = buckets.iter().map(|b| *b == Some(index)).collect();
            let num_inside = inside.iter().filter(|inside| **inside).count();
            if num_inside == 0 {
                continue;
            }
            result.num_instances += num_inside;
            for (num_missed, missed) in result.num_missed.iter_mut().zip(&matched.missed) {
                *num_missed += inside
                    .iter()
                    .zip(missed)
                    .filter(|(i, m)| **i && **m)
                    .count();
            }
            ap.push(restricted_ap(
                &matched.matches,
                &inside,
                num_inside,
                mean_instances,
            ));
        }
        if !ap.is_empty() {
            let num_missed: usize = result.num_missed.iter().sum();
            let num = result.num_instances * config.tiou_thresholds.len();
            result.false_negative_rate = Some(num_missed as f64 / num as f64);
            result.normalized_map = Some(NormalizedMap::over_classes(&ap));
        }
        result
    });
    CharacteristicDiagnosis {
        characteristic,
        num_without_bucket,
        buckets: results.collect(),
    }
}

/// Characteristic of each annotation of a class; `None` if unknown.
fn values(
    characteristic: Characteristic,
    class: &ClassTable,
    truth: &Truth<'_>,
    config: &DiagnosisConfig,
) -> Vec<Option<f64>> {
    let instances = class.instances.iter();
    match characteristic {
        Characteristic::Coverage => instances
            .map(|instance| {
                let duration = truth.recordings[instance.recording as usize].duration?;
                Some(instance.segment.length() / duration)
            })
            .collect(),
        Characteristic::Length => instances
            .map(|instance| Some(instance.segment.length()))
            .collect(),
        Characteristic::NumInstances => class
            .instances
            .chunk_by(|a, b| a.recording == b.recording)
            .flat_map(|of_recording| {
                let num = match config.counted_instances {
                    CountedInstances::Class => of_recording.len(),
                    CountedInstances::Recording => {
                        truth.instances[of_recording[0].recording as usize].len()
                    }
                };
                std::iter::repeat_n(Some(num as f64), of_recording.len())
            })
            .collect(),
    }
}

/// Normalised AP per threshold if only the annotations `inside` are to be found.
///
/// A detection that found another annotation at any threshold is left out at all of them, because it is not an error.
fn restricted_ap(
    matches: &Matches,
    inside: &[bool],
    num_inside: usize,
    mean_instances: f64,
) -> Vec<f64> {
    let mut num_left_out = 0;
    let mut false_positives_before: Vec<Vec<usize>> = vec![Vec::new(); matches.found.len()];
    for (row, rank) in matches.ranks.iter().enumerate() {
        let mut found = matches.found.iter().filter_map(|found| found[row]);
        if found.any(|instance| !inside[instance]) {
            num_left_out += 1;
            continue;
        }
        for (found, before) in matches.found.iter().zip(&mut false_positives_before) {
            if found[row].is_some() {
                before.push(rank - num_left_out - before.len());
            }
        }
    }
    false_positives_before
        .iter()
        .map(|before| area(before, num_inside, mean_instances))
        .collect()
}
