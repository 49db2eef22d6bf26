//! Options, observer and outcome of a run.

use std::path::PathBuf;

use tal_core::config::Weights;
use tch::Device;

use crate::checkpoint::Best;
use crate::evaluator::EvaluationReport;
use crate::metrics::StepMetrics;
use crate::profile::StepProfile;
use crate::ranks::Ranks;

/// Folder, device and start of a run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The run folder.
    pub out: PathBuf,
    /// Continue the run that the folder holds; start one if it holds none.
    pub resume: bool,
    /// Device of the network.
    pub device: Device,
    /// Measure the phases of the steps: for [`RunObserver::profiled`] and [`super::PROFILE`].
    pub profile: bool,
    /// The processes that train together; only the first one writes into the folder.
    pub ranks: Ranks,
}

/// Size of a run that is about to start.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// The run folder; it exists from now on.
    pub out: PathBuf,
    /// Training recordings.
    pub num_recordings: usize,
    /// Recordings of the test subsets.
    pub num_test_recordings: usize,
    /// Trained values of the network.
    pub num_parameters: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Epochs of the run.
    pub num_epochs: u64,
    /// Steps that an earlier process did.
    pub steps_done: u64,
}

/// Listener of a run; no method is required.
pub trait RunObserver {
    /// The data are open and the network is built.
    fn started(&mut self, _info: &RunInfo) {}
    /// A step is done.
    fn step(&mut self, _metrics: &StepMetrics) {}
    /// `done` of `total` recordings are evaluated; first called with 0.
    fn evaluating(&mut self, _done: usize, _total: usize) {}
    /// An evaluation is done, `epoch` counted from 1; `best` is the best so far.
    fn evaluated(&mut self, _epoch: u64, _report: &EvaluationReport, _best: Option<Best>) {}
    /// Training is over or interrupted: the time of its phases, if that was measured and a step was done.
    fn profiled(&mut self, _profile: &StepProfile) {}
    /// Whether to stop after the current step; the run is saved.
    fn should_stop(&self) -> bool {
        false
    }
}

/// An observer that does nothing.
impl RunObserver for () {}

/// Outcome of a run.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// The run folder.
    pub out: PathBuf,
    /// The kind of weights that were evaluated.
    pub weights: Weights,
    /// The evaluation after the last epoch.
    pub last: EvaluationReport,
    /// The best evaluation; `None` if epochs were not compared.
    pub best: Option<Best>,
    /// Steps of the whole run.
    pub num_steps: u64,
    /// Seconds of training in this process, without evaluations.
    pub train_seconds: f64,
}
