//! Contents of a released file, and the report on its import.

use std::fmt::{self, Display};

use tal_core::plain_list;
use tal_core::weights::LoadReport;
use tal_pth::Value;

/// A value that differs between file and configuration; that of the configuration is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Name of the value: the key of the configuration if it has one.
    pub what: String,
    /// The value in the file.
    pub file: String,
    /// The value of the configuration.
    pub config: String,
}

impl Difference {
    pub(super) fn new(what: impl Into<String>, file: impl Display, config: impl Display) -> Self {
        Self {
            what: what.into(),
            file: file.to_string(),
            config: config.to_string(),
        }
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, file, config } = self;
        write!(f, "{what} is {file} in the file, {config} here")
    }
}

/// Report on the import of a run: imported parts, missing parts, and differences between file and configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    /// The trained weights.
    pub raw: LoadReport,
    /// Their moving average.
    pub ema: LoadReport,
    /// Epochs done.
    pub epoch: u64,
    /// Epochs that the configuration runs.
    pub num_epochs: u64,
    /// Steps done; the schedule continues from here.
    pub step: u64,
    /// Steps of an epoch; `None` if neither the data nor the file tell.
    pub steps_per_epoch: Option<usize>,
    /// Number of parameters with moments.
    pub num_moments: usize,
    /// Parameters without moments in the file, since they never had a gradient; their moments start at zero.
    pub without_moments: Vec<String>,
    /// Start value of the loss normaliser, which a released file does not hold.
    pub normalizer: f64,
    /// Differences between file and configuration.
    pub differences: Vec<Difference>,
}

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
impl Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [
            self.num_raw
                .map(|num| format!("trained weights ({num} tensors)")),
            self.num_ema
                .map(|num| format!("averaged weights ({num} tensors)")),
            self.num_moments
                .map(|num| format!("an optimiser (moments of {num} parameters)")),
            self.step
                .map(|step| format!("a schedule (after {step} steps)")),
            self.epoch.map(|epoch| format!("epoch {epoch}")),
            self.map.map(|map| format!("mAP {map}")),
        ];
        let others = (!self.others.is_empty()).then(|| plain_list(&self.others));
        let parts = known.into_iter().flatten().chain(others);
        let parts: Vec<String> = parts.collect();
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
