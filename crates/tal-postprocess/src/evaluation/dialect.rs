//! The details in which evaluators differ.

use std::cmp::Ordering;

use tal_core::config::EvaluationDialect;

use super::table::DetectionRow;

/// A dialect, detail by detail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Whether annotations without length go before duplicates are looked for (or after, still giving their class a
    /// rank).
    pub(super) empty_go_first: bool,
    /// What becomes of detections whose class has no ground truth.
    pub(super) unknown_class: UnknownClass,
    /// What comes first among equals.
    pub(super) ties: Ties,
    /// Lower bound of the union in a tIoU, in seconds.
    pub(super) min_union: f64,
}

/// What becomes of detections whose class has no ground truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnknownClass {
    /// They do not count.
    Ignored,
    /// Their id is taken for the rank of a class.
    TakenAsRank,
}

/// What comes first among equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ties {
    EarlierFirst,
    LaterFirst,
}

impl Rules {
    pub(super) fn of(dialect: EvaluationDialect) -> Self {
        match dialect {
            EvaluationDialect::Activitynet
            | EvaluationDialect::Actionformer
            | EvaluationDialect::Tridet => Self {
                empty_go_first: false,
                unknown_class: UnknownClass::TakenAsRank,
                ties: Ties::LaterFirst,
                min_union: 0.0,
            },
            EvaluationDialect::Opentad | EvaluationDialect::Clean => Self {
                empty_go_first: true,
                unknown_class: UnknownClass::Ignored,
                ties: Ties::EarlierFirst,
                min_union: 1e-8,
            },
        }
    }

    /// Sorts by score, highest first.
    pub(super) fn sort_detections(&self, detections: &mut [DetectionRow]) {
        self.sort_descending(detections, |row| row.score);
    }

    /// Sorts numbers that are comparable (none is NaN) from high to low; equal ones by the dialect.
    pub(super) fn sort_descending<T>(&self, rows: &mut [T], value: impl Fn(&T) -> f64) {
        if self.ties == Ties::LaterFirst {
            rows.reverse();
        }
        rows.sort_by(|a, b| value(b).partial_cmp(&value(a)).unwrap_or(Ordering::Equal));
    }
}
