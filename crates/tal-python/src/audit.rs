//! Checks of a data set.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use tal_corpus::audit::{Watch, check};

use crate::evaluation::figures;
use crate::guard::failing;

/// Findings about the data set of a configuration file.
#[pyfunction(name = "check")]
pub(crate) fn check_dataset<'py>(
    py: Python<'py>,
    path: PathBuf,
    overrides: Vec<String>,
    quick: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let config = failing(py, || tal_config::load(&path, &overrides))?;
    let stop = AtomicBool::new(false);
    let audit = failing(py, || {
        // Ctrl-C ends the work.
        let progress = |_: usize, _: usize| {
            if Python::attach(|py| py.check_signals()).is_err() {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let watch = Watch {
            progress: &progress,
            stop: &stop,
        };
        Ok::<_, std::convert::Infallible>(check(&config, quick, &watch))
    })?;
    if stop.load(Ordering::Relaxed) {
        return Err(pyo3::exceptions::PyKeyboardInterrupt::new_err(
            "the check was interrupted",
        ));
    }
    figures(py, &audit)
}
