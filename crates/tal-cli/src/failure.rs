//! Errors at the end of the program: one message, and exit code 2 for a wrong request or 1 for a failure.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use tal_core::Usage;
use tal_corpus::{ClipError, SuggestionError};
use tal_engine::EngineError;
use tal_engine::ablation::AblationError;
use tal_engine::predict::PredictError;
use tal_engine::tuning::RulesFileError;
use tal_synth::SynthError;

/// A wrong request that the program itself found.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

impl Usage for UsageError {
    fn is_usage(&self) -> bool {
        true
    }
}

/// The failure of a training run, and the log that says more.
#[derive(Debug, thiserror::Error)]
#[error("{source}; the log is {}", log.display())]
pub(crate) struct RunError {
    /// The failure.
    pub(crate) source: EngineError,
    /// The log.
    pub(crate) log: PathBuf,
}

impl Usage for RunError {
    fn is_usage(&self) -> bool {
        self.source.is_usage()
    }
}

/// Returns a [`UsageError`] with a message, as `format!` makes it.
macro_rules! bail_usage {
    ($($message:tt)*) => {
        return Err($crate::failure::UsageError(format!($($message)*)).into())
    };
}
pub(crate) use bail_usage;

fn usage<E: Usage + Send + Sync + 'static>(error: &anyhow::Error) -> bool {
    error.downcast_ref::<E>().is_some_and(E::is_usage)
}

/// Prints the error and returns the exit code. Messages of our libraries name their cause, so only the outermost one is
/// printed.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    // The reader may have gone; the exit code still tells.
    let message = bounded(&tal_core::plain_words(&error.to_string()));
    let _ = writeln!(io::stderr(), "error: {message}");
    let usage = usage::<UsageError>(error)
        || usage::<tal_config::ConfigError>(error)
        || usage::<tal_engine::DeviceError>(error)
        || usage::<EngineError>(error)
        || usage::<tal_engine::extract::ExtractError>(error)
        || usage::<RunError>(error)
        || usage::<tal_inspect::InspectError>(error)
        || usage::<tal_runs::RunsError>(error)
        || usage::<AblationError>(error)
        || usage::<tal_config::import::ImportError>(error)
        || usage::<ClipError>(error)
        || usage::<PredictError>(error)
        || usage::<RulesFileError>(error)
        || usage::<SuggestionError>(error)
        || usage::<SynthError>(error);
    ExitCode::from(if usage { 2 } else { 1 })
}

/// A message of at most 4,000 characters. Long ones lose their middle: the place stands at the start, the way out at the end.
fn bounded(message: &str) -> String {
    const START: usize = 3000;
    const END: usize = 900;
    let count = message.chars().count();
    if count <= START + END {
        return message.to_owned();
    }
    let start: String = message.chars().take(START).collect();
    let end: String = message.chars().skip(count - END).collect();
    format!("{start} [… {} characters …] {end}", count - START - END)
}

/// Makes panics, which are mostly our mistakes, print one message without a backtrace.
pub(crate) fn install_panic_message() {
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map(|location| format!(" ({}:{})", location.file(), location.line()))
            .unwrap_or_default();
        let payload = info.payload();
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .and_then(|message| message.lines().next())
            .unwrap_or("no message");
        let _ = writeln!(io::stderr(), "error: {}", panic_message(message, &place));
    }));
}

/// LibTorch's operations report a full GPU only by a panic, although it is not our mistake.
fn panic_message(message: &str, place: &str) -> String {
    if message.contains("CUDA out of memory") {
        return format!(
            "{message}; lower train.batch_size, inference.batch_size or dataset.max_seq_len, or set train.precision=bfloat16. With \
             --resume, a run continues from its last saved state"
        );
    }
    format!("internal error, please report it: {message}{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_bounded_whatever_a_file_holds() {
        let short = "a.json: no recording; expected one";
        assert_eq!(bounded(short), short);
        let cell = "ü".repeat(1_000_000);
        let told = bounded(&format!("a.csv: line 2: {cell:?}; expected a number"));
        assert!(told.chars().count() < 4000);
        assert!(told.starts_with("a.csv: line 2") && told.ends_with("expected a number"));
    }

    #[test]
    fn a_full_gpu_is_no_mistake_of_ours() {
        let message = "Torch(\"CUDA out of memory. Tried to allocate 20.00 MiB\")";
        let told = panic_message(message, " (a.rs:1)");
        assert!(told.contains("lower train.batch_size"), "{told}");
        assert!(!told.contains("report"), "{told}");
        assert_eq!(
            panic_message("oops", " (a.rs:1)"),
            "internal error, please report it: oops (a.rs:1)"
        );
    }
}
