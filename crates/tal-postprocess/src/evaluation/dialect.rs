//! The details in which evaluators differ.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use tal_core::ClassMap;
use tal_core::config::{EvaluationConfig, EvaluationDialect};

use super::EvaluationError;
use super::table::DetectionRow;

/// Annotations shorter than this are noise to ActionFormer, and ends no further apart than this are the same, in seconds.
pub(super) const TOLERANCE: f64 = 1e-3;

/// A configuration, detail by detail.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// Whether annotations that repeat an earlier one go.
    pub(super) without_duplicates: bool,
    /// Which annotations are too short.
    pub(super) short: ShortInstances,
    /// What becomes of detections whose class has no ground truth.
    pub(super) unknown_class: UnknownClass,
    /// What comes first among equals.
    pub(super) ties: Ties,
    /// Lower bound of the union in a tIoU, in seconds.
    pub(super) min_union: f64,
    /// Whose annotations mark where it is unclear what happens.
    pub(super) ambiguous: Option<u32>,
    /// Recordings that do not count.
    pub(super) blocked: BTreeSet<String>,
}

/// Which annotations are too short to count, and when they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShortInstances {
    /// All count.
    Kept,
    /// Those below [`TOLERANCE`] go before duplicates are looked for.
    BelowTolerance,
    /// Those without length go before duplicates are looked for.
    Empty,
    /// Those without length go last: they can hide a duplicate and give their class a rank.
    EmptyLast,
}

/// What becomes of detections whose class has no ground truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnknownClass {
    /// They do not count.
    Ignored,
    /// Their id is taken for the rank of a class.
    TakenAsRank,
    /// There may be none.
    Refused,
}

/// What comes first among equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ties {
    EarlierFirst,
    LaterFirst,
}

impl Rules {
    /// The rules of a configuration, whose thresholds are checked too. `classes` gives the ambiguous class its id.
    pub(super) fn new(
        config: &EvaluationConfig,
        classes: Option<&ClassMap>,
    ) -> Result<Self, EvaluationError> {
        let thresholds = &config.tiou_thresholds;
        if thresholds.is_empty() {
            return Err(EvaluationError::NoThresholds);
        }
        if let Some(index) = thresholds.iter().position(|t| !(0.0..=1.0).contains(t)) {
            let value = thresholds[index];
            return Err(EvaluationError::Threshold { index, value });
        }
        let mut rules = Self::of(config.dialect);
        rules.blocked = config.blocked.iter().cloned().collect();
        if let Some(name) = &config.ambiguous_class {
            let Some(classes) = classes else {
                return Err(EvaluationError::NoClassNames { name: name.clone() });
            };
            let id = classes.id(name).ok_or_else(|| {
                let known: Vec<&str> = classes.iter().map(|(_, name)| name).collect();
                EvaluationError::UnknownAmbiguousClass {
                    name: name.clone(),
                    nearest: classes.nearest(name).map(str::to_owned),
                    known: known.join(", "),
                }
            })?;
            rules.ambiguous = Some(id);
        }
        Ok(rules)
    }

    fn of(dialect: EvaluationDialect) -> Self {
        use EvaluationDialect as Dialect;
        let numpy = Self {
            without_duplicates: true,
            short: ShortInstances::Empty,
            unknown_class: UnknownClass::Ignored,
            ties: Ties::LaterFirst,
            min_union: 0.0,
            ambiguous: None,
            blocked: BTreeSet::new(),
        };
        match dialect {
            Dialect::ActivityNet => Self {
                without_duplicates: false,
                short: ShortInstances::Kept,
                unknown_class: UnknownClass::Refused,
                ..numpy
            },
            Dialect::ActionFormer => Self {
                short: ShortInstances::BelowTolerance,
                unknown_class: UnknownClass::TakenAsRank,
                ..numpy
            },
            Dialect::TriDet => Self {
                short: ShortInstances::EmptyLast,
                unknown_class: UnknownClass::TakenAsRank,
                ..numpy
            },
            Dialect::OpenTad => Self {
                min_union: 1e-8,
                ..numpy
            },
            Dialect::Clean => Self {
                min_union: 1e-8,
                ties: Ties::EarlierFirst,
                ..numpy
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_refuses_unknown_classes_says_so_beforehand() {
        for dialect in EvaluationDialect::ALL {
            let is_refused = Rules::of(dialect).unknown_class == UnknownClass::Refused;
            assert_eq!(dialect.refuses_unknown_classes(), is_refused, "{dialect}");
        }
    }
}
