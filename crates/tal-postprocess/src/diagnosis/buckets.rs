//! Buckets of annotations, from extra small to extra large.

use serde::{Deserialize, Serialize};

use super::characteristic::Characteristic;
use super::error::DiagnosisError;

/// A bucket of a characteristic: all values above the bucket before it, up to and including `max`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Short name (`XS`, `S`, …).
    pub name: String,
    /// Largest value of the bucket; `null` for no limit (last bucket only).
    pub max: Option<f64>,
}

/// Buckets of each characteristic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CharacteristicBuckets {
    /// Buckets of the coverage, a fraction of the recording.
    pub coverage: Vec<Bucket>,
    /// Buckets of the length, in seconds.
    pub length: Vec<Bucket>,
    /// Buckets of the number of annotations in the recording, see [`crate::CountedInstances`].
    pub num_instances: Vec<Bucket>,
}

impl CharacteristicBuckets {
    /// Buckets for ActivityNet: coverage 0.2/0.4/0.6/0.8/1, length 30/60/120/180 s, instances 1/4/8.
    pub fn activitynet() -> Self {
        Self::from_edges(
            [0.2, 0.4, 0.6, 0.8],
            [30.0, 60.0, 120.0, 180.0],
            [1.0, 4.0, 8.0],
        )
    }

    /// Buckets for THUMOS14: coverage 0.02/0.04/0.06/0.08/1, length 3/6/12/18 s, instances 1/40/80.
    pub fn thumos14() -> Self {
        Self::from_edges(
            [0.02, 0.04, 0.06, 0.08],
            [3.0, 6.0, 12.0, 18.0],
            [1.0, 40.0, 80.0],
        )
    }

    fn from_edges(coverage: [f64; 4], length: [f64; 4], num_instances: [f64; 3]) -> Self {
        Self {
            coverage: named(&coverage, Some(1.0)),
            length: named(&length, None),
            num_instances: named(&num_instances, None),
        }
    }

    /// Buckets of one characteristic.
    pub fn of(&self, characteristic: Characteristic) -> &[Bucket] {
        match characteristic {
            Characteristic::Coverage => &self.coverage,
            Characteristic::Length => &self.length,
            Characteristic::NumInstances => &self.num_instances,
        }
    }

    pub(super) fn check(&self) -> Result<(), DiagnosisError> {
        for characteristic in Characteristic::ALL {
            let buckets = self.of(characteristic);
            if buckets.is_empty() {
                return Err(DiagnosisError::NoBuckets { characteristic });
            }
            let mut previous = 0.0;
            for (index, bucket) in buckets.iter().enumerate() {
                let is_last = index + 1 == buckets.len();
                match bucket.max {
                    Some(max) if max.is_finite() && max > previous => previous = max,
                    None if is_last => {}
                    max => {
                        return Err(DiagnosisError::Bucket {
                            characteristic,
                            name: bucket.name.clone(),
                            max,
                            previous,
                        });
                    }
                }
            }
        }
        Ok(())
    }
}

/// Buckets that end at `edges` and `last`, with the usual names.
fn named(edges: &[f64], last: Option<f64>) -> Vec<Bucket> {
    let ends = edges.iter().copied().map(Some).chain([last]);
    ["XS", "S", "M", "L", "XL"]
        .iter()
        .zip(ends)
        .map(|(name, max)| Bucket {
            name: (*name).to_owned(),
            max,
        })
        .collect()
}

/// Bucket of a value; `None` beyond the last one.
pub(super) fn bucket_of(buckets: &[Bucket], value: f64) -> Option<usize> {
    buckets
        .iter()
        .position(|bucket| bucket.max.is_none_or(|max| value <= max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_upper_edge() {
        let buckets = CharacteristicBuckets::activitynet();
        buckets.check().unwrap();
        let found = |characteristic, value| {
            let buckets = buckets.of(characteristic);
            bucket_of(buckets, value).map(|bucket| buckets[bucket].name.as_str())
        };
        assert_eq!(found(Characteristic::Coverage, 0.2), Some("XS"));
        assert_eq!(found(Characteristic::Coverage, 0.200001), Some("S"));
        assert_eq!(found(Characteristic::Coverage, 1.0), Some("XL"));
        assert_eq!(found(Characteristic::Coverage, 1.1), None);
        assert_eq!(found(Characteristic::Length, 30.0), Some("XS"));
        assert_eq!(found(Characteristic::Length, 1e9), Some("XL"));
        for (count, name) in [(1, "XS"), (2, "S"), (4, "S"), (5, "M"), (8, "M"), (9, "L")] {
            let value = f64::from(count);
            assert_eq!(found(Characteristic::NumInstances, value), Some(name));
        }
    }

    #[test]
    fn edges_must_rise() {
        let mut buckets = CharacteristicBuckets::thumos14();
        buckets.check().unwrap();
        buckets.length[2].max = Some(6.0);
        assert_eq!(
            buckets.check().unwrap_err().to_string(),
            "bucket \"M\" of length ends at 6, must be a finite number above 6 (only the last bucket may be open)"
        );
        buckets.length[2].max = None;
        assert!(buckets.check().is_err());
        buckets.length.clear();
        assert_eq!(
            buckets.check().unwrap_err().to_string(),
            "there is no bucket for length; give at least one"
        );
    }
}
