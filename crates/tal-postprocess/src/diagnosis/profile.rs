//! Profile of the detections with the highest scores: true positives and types of errors.

use serde::{Deserialize, Serialize};

use super::config::DiagnosisConfig;
use super::error_type::{BestOverlap, ErrorType};
use super::matching::Matches;
use crate::evaluation::{ClassTable, Truth};

/// True positives and errors among the detections with the highest scores, per threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FalsePositiveProfile {
    /// Profile per threshold, in the order of the configuration.
    pub thresholds: Vec<ThresholdProfile>,
}

/// True positives and errors among the detections with the highest scores, at one threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdProfile {
    /// The threshold.
    pub tiou_threshold: f64,
    /// Counts in the first `N_c` detections of each class, in the next `N_c`, and so on.
    pub groups: Vec<ErrorCounts>,
    /// Counts in all groups together.
    pub total: ErrorCounts,
}

/// Numbers of true positives and of each type of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorCounts {
    /// True positives.
    pub true_positive: usize,
    /// See [`ErrorType::DoubleDetection`].
    pub double_detection: usize,
    /// See [`ErrorType::WrongLabel`].
    pub wrong_label: usize,
    /// See [`ErrorType::Localization`].
    pub localization: usize,
    /// See [`ErrorType::Confusion`].
    pub confusion: usize,
    /// See [`ErrorType::Background`].
    pub background: usize,
}

impl FalsePositiveProfile {
    /// Profile at a threshold of the configuration, which is matched to 1e-9.
    pub fn at(&self, tiou_threshold: f64) -> Option<&ThresholdProfile> {
        self.thresholds
            .iter()
            .find(|profile| (profile.tiou_threshold - tiou_threshold).abs() <= 1e-9)
    }

    /// Counts of each group, averaged over the thresholds: true positives, then errors in the order of [`ErrorType::ALL`].
    /// Divided by their sum they are the bars of DETAD's figure.
    pub fn mean_counts(&self) -> Vec<[f64; 6]> {
        let num_groups = self.thresholds.first().map_or(0, |t| t.groups.len());
        let mut means = vec![[0.0; 6]; num_groups];
        for profile in &self.thresholds {
            for (mean, counts) in means.iter_mut().zip(&profile.groups) {
                let errors = ErrorType::ALL.map(|error| counts.of(error));
                let counts = std::iter::once(counts.true_positive).chain(errors);
                for (mean, count) in mean.iter_mut().zip(counts) {
                    *mean += count as f64 / self.thresholds.len() as f64;
                }
            }
        }
        means
    }
}

impl ErrorCounts {
    /// Number of detections with this error.
    pub fn of(&self, error: ErrorType) -> usize {
        match error {
            ErrorType::DoubleDetection => self.double_detection,
            ErrorType::WrongLabel => self.wrong_label,
            ErrorType::Localization => self.localization,
            ErrorType::Confusion => self.confusion,
            ErrorType::Background => self.background,
        }
    }

    /// Number of all detections.
    pub fn num_detections(&self) -> usize {
        let errors: usize = ErrorType::ALL.iter().map(|error| self.of(*error)).sum();
        self.true_positive + errors
    }

    fn add(&mut self, outcome: Outcome) {
        let count = match outcome {
            None => &mut self.true_positive,
            Some(ErrorType::DoubleDetection) => &mut self.double_detection,
            Some(ErrorType::WrongLabel) => &mut self.wrong_label,
            Some(ErrorType::Localization) => &mut self.localization,
            Some(ErrorType::Confusion) => &mut self.confusion,
            Some(ErrorType::Background) => &mut self.background,
        };
        *count += 1;
    }
}

/// Error of a detection; `None` for a true positive.
pub(super) type Outcome = Option<ErrorType>;

/// Top detections of one class, from which the profile is made.
#[derive(Debug)]
pub(super) struct TopDetections {
    /// Number of annotations of the class, which is the size of a group.
    pub(super) num_instances: usize,
    /// Outcome of each detection, by threshold and rank.
    pub(super) outcomes: Vec<Vec<Outcome>>,
}

impl TopDetections {
    /// Outcomes of the first `num_groups · N_c` detections of a class.
    pub(super) fn new(
        truth: &Truth<'_>,
        class: &ClassTable,
        matches: &Matches,
        config: &DiagnosisConfig,
    ) -> Self {
        let num_instances = class.instances.len();
        let num = num_instances
            .saturating_mul(config.num_groups)
            .min(class.detections.len());
        let overlaps: Vec<BestOverlap> = class.detections[..num]
            .iter()
            .map(|detection| {
                let annotations = truth.instances.get(detection.recording as usize);
                BestOverlap::new(
                    detection,
                    class.label,
                    annotations.map_or(&[], |a| a),
                    config.ties,
                )
            })
            .collect();
        let outcomes = config
            .tiou_thresholds
            .iter()
            .zip(&matches.found)
            .map(|(threshold, found)| {
                let mut outcomes: Vec<Outcome> = overlaps
                    .iter()
                    .map(|overlap| Some(overlap.error_type(*threshold, config.min_tiou)))
                    .collect();
                let hits = matches.ranks.iter().zip(found);
                for (rank, _) in hits.filter(|(rank, found)| **rank < num && found.is_some()) {
                    outcomes[*rank] = None;
                }
                outcomes
            })
            .collect();
        Self {
            num_instances,
            outcomes,
        }
    }
}

/// Profile of all classes.
pub(super) fn profile(classes: &[TopDetections], config: &DiagnosisConfig) -> FalsePositiveProfile {
    let thresholds = config
        .tiou_thresholds
        .iter()
        .enumerate()
        .map(|(t, threshold)| {
            let mut groups = vec![ErrorCounts::default(); config.num_groups];
            let mut total = ErrorCounts::default();
            for class in classes {
                for (rank, outcome) in class.outcomes[t].iter().enumerate() {
                    groups[rank / class.num_instances].add(*outcome);
                    total.add(*outcome);
                }
            }
            ThresholdProfile {
                tiou_threshold: *threshold,
                groups,
                total,
            }
        })
        .collect();
    FalsePositiveProfile { thresholds }
}
