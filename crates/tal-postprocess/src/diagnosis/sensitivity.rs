//! How well annotations are found, by what they are like.

use serde::{Deserialize, Serialize};

use super::buckets::bucket_of;
use super::matching::Matches;
use super::normalized::{area, normalized_precision};
use super::table::ClassTable;
use super::{Characteristic, DiagnosisConfig, NormalizedMap};

/// How well annotations are found, by one characteristic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CharacteristicDiagnosis {
    /// The characteristic.
    pub characteristic: Characteristic,
    /// Annotations without a bucket: of a recording without duration (coverage), or beyond the last bucket.
    pub num_without_bucket: usize,
    /// One per bucket, in the order of the configuration.
    pub buckets: Vec<BucketDiagnosis>,
}

/// How well the annotations of one bucket are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BucketDiagnosis {
    /// Its name.
    pub name: String,
    /// Every value is above this (the first bucket holds the 0 too).
    pub above: f64,
    /// No value is above this; none for no limit.
    pub max: Option<f64>,
    /// Annotations in it.
    pub num_instances: usize,
    /// Annotations that no detection found, per threshold.
    pub num_missed: Vec<usize>,
    /// Mean over the thresholds of the share of annotations that are missed; none for an empty bucket.
    pub false_negative_rate: Option<f64>,
    /// Normalised mAP on the annotations of the bucket alone; none for an empty bucket.
    pub normalized_map: Option<NormalizedMap>,
}

/// Per class and threshold, whether each annotation is missed.
///
/// An annotation is found where a detection took it at a rank whose normalised precision is above `min_precision`.
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
pub(super) struct MatchedClass<'a> {
    pub(super) class: &'a ClassTable,
    pub(super) matches: Matches,
    /// See [`missed`].
    pub(super) missed: Vec<Vec<bool>>,
}

impl MatchedClass<'_> {
    /// Normalised AP per threshold over all detections.
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

/// How well the annotations of each bucket of one characteristic are found.
pub(super) fn characteristic(
    characteristic: Characteristic,
    classes: &[MatchedClass<'_>],
    mean_instances: f64,
    config: &DiagnosisConfig,
) -> CharacteristicDiagnosis {
    let buckets = config.buckets.of(characteristic);
    let bucket_of_instance: Vec<Vec<Option<usize>>> = classes
        .iter()
        .map(|matched| {
            values(characteristic, matched.class)
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

/// The characteristic of each annotation of a class.
fn values(characteristic: Characteristic, class: &ClassTable) -> Vec<Option<f64>> {
    let instances = class.instances.iter();
    match characteristic {
        Characteristic::Coverage => instances
            .map(|instance| Some(instance.segment.length() / instance.duration?))
            .collect(),
        Characteristic::Length => instances
            .map(|instance| Some(instance.segment.length()))
            .collect(),
        Characteristic::NumInstances => class
            .instances
            .chunk_by(|a, b| a.recording == b.recording)
            .flat_map(|of_recording| {
                std::iter::repeat_n(Some(of_recording.len() as f64), of_recording.len())
            })
            .collect(),
    }
}

/// Normalised AP per threshold where only the annotations `inside` are to be found.
///
/// A detection that found another annotation at any of the thresholds is left out at all of them: it is right, but not
/// asked for.
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
