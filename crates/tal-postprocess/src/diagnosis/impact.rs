//! Cost of each type of error.

use serde::{Deserialize, Serialize};

use super::error_type::ErrorType;
use super::normalized::{NormalizedMap, normalized_average_precision};
use super::profile::{Outcome, TopDetections};

/// Cost of each type of error among the detections of the false positive profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// Normalised mAP of all these detections.
    pub base: NormalizedMap,
    /// Cost per type, in the order of [`ErrorType::ALL`].
    pub errors: Vec<ErrorImpact>,
}

/// Cost of one type of error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorImpact {
    /// Type of the error.
    pub error: ErrorType,
    /// Normalised mAP without the detections that have this error at the threshold in question.
    pub without: NormalizedMap,
    /// Gain in the average, `without.average_map − base.average_map`; at least 0 up to rounding.
    pub gain: f64,
}

impl Impact {
    /// Cost of one type of error.
    pub fn of(&self, error: ErrorType) -> Option<&ErrorImpact> {
        self.errors.iter().find(|impact| impact.error == error)
    }
}

/// Cost of each type of error, found by removing it.
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
