//! Conditions on runs.

use std::cmp::Ordering;
use std::str::FromStr;

use serde_json::Value;

use super::compare::Column;
use super::record::RunRecord;
use crate::RunsError;

/// A condition on a run, such as `map>60`, `state=finished`, `name~gtea` or `train.epochs!=30`: a column or a configuration
/// key, then `=`, `!=`, `<`, `>` or `~` (contains), then a value. mAP is in percent.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    key: String,
    operator: Operator,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operator {
    Equal,
    Different,
    Less,
    Greater,
    Contains,
}

/// Spellings; of two that fit at one place, the first one counts.
const OPERATORS: [(&str, Operator); 5] = [
    ("!=", Operator::Different),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("~", Operator::Contains),
];

impl FromStr for Filter {
    type Err = RunsError;

    fn from_str(text: &str) -> Result<Self, RunsError> {
        let found = OPERATORS
            .iter()
            .filter_map(|(spelling, operator)| Some((text.find(spelling)?, *spelling, *operator)));
        let first = found.min_by_key(|(place, ..)| *place);
        let parts = first.map(|(place, spelling, operator)| {
            let (key, value) = (&text[..place], &text[place + spelling.len()..]);
            (key.trim(), operator, value.trim())
        });
        match parts {
            Some((key, operator, value)) if !key.is_empty() && !value.is_empty() => Ok(Self {
                key: key.to_owned(),
                operator,
                value: value.to_owned(),
            }),
            _ => Err(RunsError::Condition {
                text: text.to_owned(),
                reason: "expected KEY=VALUE, or one of != < > ~ in place of =, such as state=finished, map>60 or train.epochs=30"
                    .to_owned(),
            }),
        }
    }
}

impl Filter {
    /// Whether a run meets the condition. A run without a value meets only `!=`.
    ///
    /// # Errors
    /// If there is no column of that name, and no run of `all` has such a configuration key.
    pub fn meets(&self, run: &RunRecord, all: &[RunRecord]) -> Result<bool, RunsError> {
        let column = Column::ALL
            .into_iter()
            .find(|column| column.name() == self.key);
        let value = match column {
            Some(column) => column.value(run),
            None if all.iter().any(|run| run.config.contains_key(&self.key)) => {
                run.config.get(&self.key).cloned().unwrap_or(Value::Null)
            }
            None => return Err(self.unknown_key(all)),
        };
        Ok(self.fits(&value))
    }

    fn fits(&self, value: &Value) -> bool {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let numbers = value.as_f64().zip(self.value.parse::<f64>().ok());
        let order = match numbers {
            Some((value, wanted)) => value.partial_cmp(&wanted),
            None => Some(text.cmp(&self.value)),
        };
        match self.operator {
            Operator::Equal => order == Some(Ordering::Equal),
            Operator::Different => order != Some(Ordering::Equal),
            Operator::Less => numbers.is_some() && order == Some(Ordering::Less),
            Operator::Greater => numbers.is_some() && order == Some(Ordering::Greater),
            Operator::Contains => !value.is_null() && text.contains(&self.value),
        }
    }

    fn unknown_key(&self, all: &[RunRecord]) -> RunsError {
        let columns = Column::ALL.map(Column::name);
        let keys = all
            .iter()
            .flat_map(|run| run.config.keys())
            .map(String::as_str);
        let nearest = tal_core::nearest_name(&self.key, columns.into_iter().chain(keys));
        let hint = nearest.map_or(String::new(), |name| format!("; did you mean {name}?"));
        RunsError::Condition {
            text: self.key.clone(),
            reason: format!(
                "no column ({}) and no configuration key of these runs{hint}",
                columns.join(", ")
            ),
        }
    }
}
