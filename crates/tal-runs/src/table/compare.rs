//! Order of runs, and what sets them apart.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::record::RunRecord;

/// A column that runs can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Name, from A.
    Name,
    /// Method, from A.
    Method,
    /// Data, from A.
    Data,
    /// Best mAP, the highest first.
    Map,
    /// Steps done, most first.
    Steps,
    /// Time, longest first.
    Time,
    /// State: finished, running, stopped, failed.
    State,
}

impl Column {
    /// All columns.
    pub const ALL: [Self; 7] = [
        Self::Name,
        Self::Method,
        Self::Data,
        Self::Map,
        Self::Steps,
        Self::Time,
        Self::State,
    ];

    /// The name in conditions and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Method => "method",
            Self::Data => "data",
            Self::Map => "map",
            Self::Steps => "steps",
            Self::Time => "time",
            Self::State => "state",
        }
    }

    /// The value of a run, mAP in percent; null if it has none.
    pub(super) fn value(self, run: &RunRecord) -> Value {
        match self {
            Self::Name => run.name.as_str().into(),
            Self::Method => run.method.as_str().into(),
            Self::Data => run.data.as_str().into(),
            Self::Map => run.best_map.map(|map| 100.0 * map).into(),
            Self::Steps => run.steps.into(),
            Self::Time => run.seconds.into(),
            Self::State => run.state.name().into(),
        }
    }

    fn order(self, a: &RunRecord, b: &RunRecord) -> Ordering {
        match self {
            Self::Name => a.name.cmp(&b.name),
            Self::Method => a.method.cmp(&b.method),
            Self::Data => a.data.cmp(&b.data),
            Self::Map => {
                let map = |run: &RunRecord| run.best_map.unwrap_or(f64::NEG_INFINITY);
                map(b).total_cmp(&map(a))
            }
            Self::Steps => b.steps.cmp(&a.steps),
            Self::Time => b.seconds.total_cmp(&a.seconds),
            Self::State => a.state.cmp(&b.state),
        }
    }
}

/// Sorts runs by a column; equal ones by name.
pub fn sort(runs: &mut [RunRecord], column: Column) {
    runs.sort_by(|a, b| column.order(a, b).then_with(|| a.name.cmp(&b.name)));
}

/// A configuration key with its values in several runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The dotted key.
    pub key: String,
    /// The value in each run, in their order; `None` if a run lacks the key.
    pub values: Vec<Option<Value>>,
}

/// The configuration keys that have not the same value in all runs, by name.
pub fn differences(runs: &[RunRecord]) -> Vec<Difference> {
    let keys: BTreeSet<&String> = runs.iter().flat_map(|run| run.config.keys()).collect();
    let all = keys.into_iter().map(|key| Difference {
        key: key.clone(),
        values: runs
            .iter()
            .map(|run| run.config.get(key).cloned())
            .collect(),
    });
    all.filter(|found| found.values.windows(2).any(|pair| pair[0] != pair[1]))
        .collect()
}
