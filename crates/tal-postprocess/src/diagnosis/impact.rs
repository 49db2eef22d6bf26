//! What each type of error costs.

use serde::{Deserialize, Serialize};

use super::normalized::normalized_average_precision;
use super::profile::{Outcome, TopDetections};
use super::{ErrorType, NormalizedMap};

/// What each type of error costs, over the detections of the false positive profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// Normalised mAP of those detections.
    pub base: NormalizedMap,
    /// One per type, in the order of [`ErrorType::ALL`].
    pub errors: Vec<ErrorImpact>,
}

/// What one type of error costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorImpact {
    /// The type.
    pub error: ErrorType,
    /// Normalised mAP without the detections that have this error (at each threshold its own).
    pub without: NormalizedMap,
    /// What is gained in the average: `without.average_map − base.average_map`, never below 0 but for rounding.
    pub gain: f64,
}

impl Impact {
    /// The impact of one type of error.
    pub fn of(&self, error: ErrorType) -> Option<&ErrorImpact> {
        self.errors.iter().find(|impact| impact.error == error)
    }
}

/// Takes each type of error away in turn.
pub(super) fn impact(classes: &[TopDetections], mean_instances: f64) -> Impact {
    let map_of = |stays: &dyn Fn(Outcome) -> bool| {
        let ap: Vec<Vec<f64>> = classes
            .iter()
            .map(|class| {
                class
                    .outcomes
                    .iter()
                    .map(|outcomes| {
                        let hits: Vec<bool> = outcomes
                            .iter()
                            .filter(|outcome| stays(**outcome))
                            .map(Option::is_none)
                            .collect();
                        normalized_average_precision(&hits, class.num_instances, mean_instances)
                    })
                    .collect()
            })
            .collect();
        NormalizedMap::over_classes(&ap)
    };
    let base = map_of(&|_| true);
    let errors = ErrorType::ALL
        .into_iter()
        .map(|error| {
            let without = map_of(&|outcome| outcome != Some(error));
            ErrorImpact {
                error,
                gain: without.average_map - base.average_map,
                without,
            }
        })
        .collect();
    Impact { base, errors }
}
