//! Report on the import of a run.

use std::fmt::Display;

use tal_core::weights::LoadReport;

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
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
