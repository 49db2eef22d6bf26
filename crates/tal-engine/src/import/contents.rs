//! Contents of a released file.

use std::fmt;

use tal_core::plain_list;
use tal_pth::Value;

/// Contents of a released file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contents {
    /// Number of tensors of the trained weights.
    pub num_raw: Option<usize>,
    /// Number of tensors of their moving average.
    pub num_ema: Option<usize>,
    /// Epochs done.
    pub epoch: Option<i64>,
    /// Steps done, as the schedule counts them.
    pub step: Option<i64>,
    /// Average mAP of the best checkpoint of a run, in the unit of the released code.
    pub map: Option<f64>,
    /// Parameters whose moments the optimiser holds.
    pub num_moments: Option<usize>,
    /// All other keys, with the kind of their values.
    pub others: Vec<String>,
}

impl Contents {
    pub(super) fn of(root: &Value) -> Self {
        let num = |value: &Value| value.named_tensors().count();
        let mut contents = Self::default();
        if is_state(root) {
            contents.num_raw = Some(num(root));
            return contents;
        }
        for (key, value) in root.as_dict().unwrap_or_default() {
            let key = key.as_str().unwrap_or("?");
            match key {
                "state_dict" => contents.num_raw = Some(num(value)),
                "state_dict_ema" => contents.num_ema = Some(num(value)),
                "epoch" if value.as_i64().is_some() => contents.epoch = value.as_i64(),
                "scheduler" => contents.step = value.get("last_epoch").and_then(Value::as_i64),
                "mAP" if value.as_f64().is_some() => contents.map = value.as_f64(),
                "optimizer" => {
                    let state = value.get("state").and_then(Value::as_dict);
                    contents.num_moments = state.map(<[_]>::len);
                }
                _ => contents
                    .others
                    .push(format!("{key} ({})", value.describe())),
            }
        }
        contents
    }
}

/// A list in words.
impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(num) = self.num_raw {
            parts.push(format!("trained weights ({num} tensors)"));
        }
        if let Some(num) = self.num_ema {
            parts.push(format!("averaged weights ({num} tensors)"));
        }
        if let Some(num) = self.num_moments {
            parts.push(format!("an optimiser (moments of {num} parameters)"));
        }
        if let Some(step) = self.step {
            parts.push(format!("a schedule (after {step} steps)"));
        }
        if let Some(epoch) = self.epoch {
            parts.push(format!("epoch {epoch}"));
        }
        if let Some(map) = self.map {
            parts.push(format!("mAP {map}"));
        }
        if !self.others.is_empty() {
            parts.push(plain_list(&self.others));
        }
        f.write_str(&parts.join(", "))
    }
}

/// Whether a value is a dictionary of tensors.
pub(super) fn is_state(value: &Value) -> bool {
    let entries = value.as_dict().unwrap_or_default();
    !entries.is_empty()
        && entries
            .iter()
            .all(|(_, value)| matches!(value, Value::Tensor(_)))
}
