//! Details in which evaluators differ.

use std::collections::BTreeSet;

use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::tiou_from_parts;
use tal_core::{ClassMap, Segment};

use super::error::EvaluationError;
use crate::order::descending;

/// Length in seconds below which ActionFormer takes an annotation for noise.
pub(crate) const TOLERANCE: f64 = 1e-3;

/// Details of an evaluation.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Whether annotations that repeat an earlier one are dropped.
    pub(crate) without_duplicates: bool,
    /// Annotations that are too short.
    pub(crate) short: ShortInstances,
    /// Treatment of detections whose class has no ground truth.
    pub(crate) unknown_class: UnknownClass,
    /// Order of equal scores and equal overlaps.
    pub(crate) ties: Ties,
    /// Lower bound of the union in a tIoU, in seconds.
    pub(crate) min_union: f64,
    /// Class whose annotations mark where it is unclear what happens.
    pub(crate) ambiguous: Option<u32>,
    /// Recordings that do not count.
    pub(crate) blocked: BTreeSet<String>,
}

/// Annotations that are too short to count, and when they are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShortInstances {
    /// None is too short.
    Kept,
    /// Those below [`TOLERANCE`] are dropped before duplicates are looked for.
    BelowTolerance,
    /// Those without length are dropped before duplicates are looked for.
    Empty,
    /// Those without length are dropped last: they can hide a duplicate and give their class a rank.
    EmptyLast,
}

/// Treatment of detections whose class has no ground truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownClass {
    /// They are ignored.
    Ignored,
    /// Their id is taken for the rank of a class.
    TakenAsRank,
    /// They are an error.
    Refused,
}

/// Order of equal scores and equal overlaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ties {
    EarlierFirst,
    LaterFirst,
}

impl Rules {
    /// Rules of a configuration, whose thresholds are checked too; `classes` gives the id of the ambiguous class.
    pub(crate) fn new(
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

    /// Rules of a dialect, without an ambiguous class and blocked recordings.
    pub(crate) fn of(dialect: EvaluationDialect) -> Self {
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

    /// tIoU of two segments.
    pub(crate) fn overlap(&self, a: Segment, b: Segment) -> f64 {
        tiou_from_parts(a.intersection(b), a.length(), b.length(), self.min_union)
    }

    /// Sorts rows from the highest value to the lowest, equal values as the dialect says. No value may be NaN.
    pub(crate) fn sort_descending<T>(&self, rows: &mut [T], value: impl Fn(&T) -> f64) {
        if self.ties == Ties::LaterFirst {
            rows.reverse();
        }
        rows.sort_by(|a, b| descending(value(a), value(b)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_that_refuse_unknown_classes_say_so_beforehand() {
        for dialect in EvaluationDialect::ALL {
            let is_refused = Rules::of(dialect).unknown_class == UnknownClass::Refused;
            assert_eq!(dialect.refuses_unknown_classes(), is_refused, "{dialect}");
        }
    }
}
