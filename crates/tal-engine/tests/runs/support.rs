//! Helpers that all tests of runs share.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tal_core::config::Config;
use tal_engine::metrics::{self, Metric, StepMetrics};
use tal_engine::run::{self, METRICS, RunObserver, RunOptions, RunSummary};
use tch::Device;

/// LibTorch's generator belongs to the process, so runs that are compared must not overlap. One thread: the networks are
/// too small for more.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    tal_engine::set_num_threads(1);
    guard
}

pub(crate) fn options(out: PathBuf, resume: bool) -> RunOptions {
    RunOptions {
        out,
        resume,
        device: Device::Cpu,
        profile: false,
        ranks: tal_engine::Ranks::alone(),
    }
}

pub(crate) fn train(config: &Config, out: &Path) -> RunSummary {
    run::train(config, &options(out.to_owned(), false), &mut ()).unwrap()
}

/// The steps of a run, by its metrics.
pub(crate) fn steps(out: &Path) -> Vec<StepMetrics> {
    let metrics = metrics::read(&out.join(METRICS)).unwrap().into_iter();
    metrics
        .filter_map(|metric| match metric {
            Metric::Step(step) => Some(step),
            _ => None,
        })
        .collect()
}

/// Asks to stop after that many steps.
pub(crate) struct StopAfter(pub(crate) usize);

impl RunObserver for StopAfter {
    fn step(&mut self, _: &StepMetrics) {
        self.0 -= 1;
    }

    fn should_stop(&self) -> bool {
        self.0 == 0
    }
}
