//! True and false positives, and the fractions made of them.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Numbers of hits and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// What was found rightly.
    pub true_positives: u64,
    /// What was found wrongly.
    pub false_positives: u64,
    /// What was missed.
    pub false_negatives: u64,
}

impl Counts {
    /// Counts from the numbers of hits, of everything found and of everything annotated.
    pub(super) fn from_totals(hits: u64, found: u64, truth: u64) -> Self {
        Self {
            true_positives: hits,
            false_positives: found - hits,
            false_negatives: truth - hits,
        }
    }

    /// Share of what was found that is right; 0 if nothing was found.
    pub fn precision(&self) -> f64 {
        let found = self.true_positives + self.false_positives;
        ratio(self.true_positives as f64, found as f64)
    }

    /// Share of what was annotated that was found; 0 if nothing was annotated.
    pub fn recall(&self) -> f64 {
        let truth = self.true_positives + self.false_negatives;
        ratio(self.true_positives as f64, truth as f64)
    }

    /// F-beta, (1 + β²) TP / ((1 + β²) TP + β² FN + FP); 0 if there is nothing to count.
    pub fn f_beta(&self, beta: f64) -> f64 {
        let weighted = (1.0 + beta * beta) * self.true_positives as f64;
        let missed = beta * beta * self.false_negatives as f64;
        ratio(weighted, weighted + missed + self.false_positives as f64)
    }

    /// Precision, recall and F1.
    pub fn fractions(&self) -> PrecisionRecallF1 {
        PrecisionRecallF1 {
            precision: self.precision(),
            recall: self.recall(),
            f1: self.f_beta(1.0),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.true_positives += other.true_positives;
        self.false_positives += other.false_positives;
        self.false_negatives += other.false_negatives;
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

/// Precision, recall and F1, as fractions.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PrecisionRecallF1 {
    /// Precision.
    pub precision: f64,
    /// Recall.
    pub recall: f64,
    /// F1.
    pub f1: f64,
}

impl PrecisionRecallF1 {
    /// The mean of each figure over those that are not NaN; NaN if none is left.
    fn mean(all: &[Self]) -> Self {
        let mean_of = |figure: fn(&Self) -> f64| {
            let values: Vec<f64> = all.iter().map(figure).filter(|v| !v.is_nan()).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        Self {
            precision: mean_of(|one| one.precision),
            recall: mean_of(|one| one.recall),
            f1: mean_of(|one| one.f1),
        }
    }
}

/// Precision, recall and F1 of all classes together, and of each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Fractions of the counts of all classes together.
    pub micro: PrecisionRecallF1,
    /// Means over the classes that have annotations; NaN if there is none.
    #[serde(rename = "macro")]
    pub macro_average: PrecisionRecallF1,
    /// Counts of all classes together.
    pub counts: Counts,
    /// Classes that have annotations, by id.
    pub classes: Vec<ClassFigures>,
}

/// Precision, recall and F1 of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// The class id.
    pub label: u32,
    /// Numbers of hits and errors.
    pub counts: Counts,
    /// Precision, recall and F1.
    #[serde(flatten)]
    pub fractions: PrecisionRecallF1,
}

impl Figures {
    /// Figures from the counts of all classes. Those without annotations (`has_truth`) are no part of the means.
    pub(super) fn new(
        counts: &BTreeMap<u32, Counts>,
        has_truth: impl Fn(u32) -> bool,
        fractions: impl Fn(&Counts) -> PrecisionRecallF1,
    ) -> Self {
        let all: Counts = counts.values().copied().sum();
        let classes: Vec<ClassFigures> = counts
            .iter()
            .filter(|(label, _)| has_truth(**label))
            .map(|(label, counts)| ClassFigures {
                label: *label,
                counts: *counts,
                fractions: fractions(counts),
            })
            .collect();
        let each: Vec<PrecisionRecallF1> = classes.iter().map(|class| class.fractions).collect();
        Self {
            micro: fractions(&all),
            macro_average: PrecisionRecallF1::mean(&each),
            counts: all,
            classes,
        }
    }
}

/// `part / whole`; 0 if the whole is 0.
pub(super) fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
