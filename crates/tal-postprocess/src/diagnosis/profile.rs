//! What the detections with the highest scores are.

use serde::{Deserialize, Serialize};

use super::DiagnosisConfig;
use super::ErrorType;
use super::error_type::BestOverlap;
use super::matching::Matches;
use super::table::{ClassTable, Table};

/// What the detections with the highest scores are, per threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FalsePositiveProfile {
    /// One per threshold, in the order of the configuration.
    pub thresholds: Vec<ThresholdProfile>,
}

/// What the detections with the highest scores are at one threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdProfile {
    /// The threshold.
    pub tiou_threshold: f64,
    /// The first `N_c` detections of each class, the second `N_c`, and so on.
    pub groups: Vec<ErrorCounts>,
    /// All groups together.
    pub total: ErrorCounts,
}

/// How many detections are what.
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
    /// The profile at a threshold of the configuration, found to 1e-9.
    pub fn at(&self, tiou_threshold: f64) -> Option<&ThresholdProfile> {
        self.thresholds
            .iter()
            .find(|profile| (profile.tiou_threshold - tiou_threshold).abs() <= 1e-9)
    }

    /// The counts of each group as the mean over the thresholds: first true positives, then the errors in the order of
    /// [`ErrorType::ALL`]; divided by their sum they are the bars of DETAD's figure.
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

/// What is wrong with a detection; none for a true positive.
pub(super) type Outcome = Option<ErrorType>;

/// The detections of one class that are looked at.
#[derive(Debug)]
pub(super) struct TopDetections {
    /// Annotations of the class, the size of a group.
    pub(super) num_instances: usize,
    /// Per threshold, what each detection is, by rank.
    pub(super) outcomes: Vec<Vec<Outcome>>,
}

impl TopDetections {
    /// The first `num_groups · N_c` detections of a class.
    pub(super) fn new(
        table: &Table,
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
                let annotations = table.recordings.get(detection.recording);
                BestOverlap::new(detection, class.label, annotations.map_or(&[], |a| a))
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

/// Counts the outcomes of all classes in groups.
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
