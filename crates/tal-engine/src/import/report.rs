//! What the import of a run found.

use std::fmt::Display;

use tal_core::weights::LoadReport;

/// A value that the file and the configuration do not agree on; the configuration's is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is, with the key of the configuration where it has one.
    pub what: String,
    /// The value in the file.
    pub file: String,
    /// The value that the configuration means.
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

/// What the import of a run took over, what it could not, and where file and configuration disagree.
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
    /// Steps done; the schedule goes on from here.
    pub step: u64,
    /// Steps of an epoch, where the data or the file tell.
    pub steps_per_epoch: Option<usize>,
    /// Parameters that got their moments.
    pub num_moments: usize,
    /// Parameters that have none in the file since they never had a gradient; theirs start at zero.
    pub without_moments: Vec<String>,
    /// Where the loss normaliser starts: a released file does not hold it.
    pub normalizer: f64,
    /// Where file and configuration disagree.
    pub differences: Vec<Difference>,
}
