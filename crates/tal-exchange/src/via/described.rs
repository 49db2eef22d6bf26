//! Attributes as VIA's exported tables describe them.

use std::path::Path;

use serde_json::{Value, json};

use crate::ExchangeError;

const ATTRIBUTES: [&str; 2] = ["# ATTRIBUTE =", "# ATTRIBUTES ="];

/// The attributes that the file describes; an older version of VIA wrote their names alone.
pub(crate) fn described(text: &str, path: &Path) -> Result<Option<Value>, ExchangeError> {
    let line = text.lines().zip(1..).find_map(|(line, number)| {
        let rest = ATTRIBUTES
            .iter()
            .find_map(|start| line.strip_prefix(start))?;
        Some((rest, number))
    });
    let Some((rest, number)) = line else {
        return Ok(None);
    };
    let value: Value = serde_json::from_str(rest.trim()).map_err(|_| {
        ExchangeError::part(
            path,
            format!("line {number}"),
            rest,
            "JSON with the attributes",
        )
    })?;
    Ok(Some(match value {
        Value::Object(fields) => Value::Object(
            (fields.into_iter())
                .map(|(id, one)| match one.as_str() {
                    Some(name) => (id, text_attribute(name)),
                    None => (id, one),
                })
                .collect(),
        ),
        other => other,
    }))
}

/// An attribute of free text.
pub(crate) fn text_attribute(name: &str) -> Value {
    json!({"aname": name, "type": 1, "anchor_id": "FILE1_Z2_XY0", "options": {}})
}
