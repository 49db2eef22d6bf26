//! Work without the interpreter's lock, and without a panic that reaches Python.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

/// Amount of work from which other threads may run meanwhile; below, handing the lock over takes longer than the work.
const MIN_DETACHED: usize = 500;

/// Runs `work` of the size `amount`; other Python threads run meanwhile, if it is worth it.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    amount: usize,
    work: impl FnOnce() -> T + Send,
) -> PyResult<T> {
    if amount < MIN_DETACHED {
        return guarded(work);
    }
    py.detach(|| guarded(work))
}

/// Runs `work`, whose errors become a `ValueError` or, with an error of the system in them, an `OSError`.
pub(crate) fn failing<T: Send, E: std::error::Error + Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T> {
    py.detach(|| guarded(work))?.map_err(|error| raised(&error))
}

fn guarded<T>(work: impl FnOnce() -> T) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        PyRuntimeError::new_err(format!(
            "a mistake in tal itself: {}; please report it with the input",
            said.unwrap_or("no message")
        ))
    })
}

/// The exception of an error, with the messages of its causes.
pub(crate) fn raised(error: &(dyn std::error::Error + 'static)) -> PyErr {
    let mut message = error.to_string();
    let mut cause = error.source();
    let mut of_system = system_error(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        of_system = of_system.or_else(|| system_error(error));
        cause = error.source();
    }
    match of_system {
        Some(std::io::ErrorKind::NotFound) => {
            pyo3::exceptions::PyFileNotFoundError::new_err(message)
        }
        Some(std::io::ErrorKind::PermissionDenied) => {
            pyo3::exceptions::PyPermissionError::new_err(message)
        }
        Some(kind) if kind != std::io::ErrorKind::InvalidData => {
            pyo3::exceptions::PyOSError::new_err(message)
        }
        _ => PyValueError::new_err(message),
    }
}

fn system_error(error: &(dyn std::error::Error + 'static)) -> Option<std::io::ErrorKind> {
    error
        .downcast_ref::<std::io::Error>()
        .map(std::io::Error::kind)
}
