//! PyTorch beside tal: the same networks, weights and recordings in two processes that take turns.
//!
//! The Python files of this folder state the authors' released code again; `benches/examples/beside.rs` runs both.

mod conversation;
mod load;
mod settings;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use conversation::{Answer, Conversation, Outcome};
pub use load::Load;
pub use settings::released_settings;

/// Result whose error is for people.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The folder with the Python files.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("beside")
}

/// A call of the Python files, without two settings of cargo: the path of libraries, which names another LibTorch than Python's, and
/// the short wait of idle threads, with which PyTorch on a quiet machine is slower than as it comes.
pub fn python(interpreter: &Path) -> Command {
    let mut command = Command::new(interpreter);
    command
        .arg(folder())
        .env_remove("LD_LIBRARY_PATH")
        .env_remove("GOMP_SPINCOUNT");
    command
}

/// Checks that two networks computed the same from the same weights and recordings, up to rounding, the choice of candidates among
/// nearly equal scores, and the random numbers of a training step.
///
/// # Errors
/// If a figure is missing on one side, or differs by more than `allowed` times its value.
pub fn compare(theirs: &Outcome, ours: &Outcome, allowed: f64) -> Result<()> {
    if !theirs.keys().eq(ours.keys()) {
        let names = |outcome: &Outcome| tal_core::quoted_list(outcome.keys());
        let (theirs, ours) = (names(theirs), names(ours));
        return Err(format!("PyTorch tells {theirs} of its run, tal tells {ours}").into());
    }
    for (name, theirs) in theirs {
        let ours = ours[name];
        let difference = (theirs - ours).abs();
        // It is not a number if one of them is none.
        if difference.is_nan() || difference > allowed * theirs.abs() {
            return Err(format!(
                "{name} is {theirs} by PyTorch and {ours} by tal, which differ by more than {} %: one of them does other work",
                100.0 * allowed
            )
            .into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(figures: &[(&str, f64)]) -> Outcome {
        let figures = figures.iter();
        figures
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect()
    }

    #[test]
    fn other_work_is_refused() {
        let theirs = outcome(&[("candidates", 1000.0), ("score", 0.5)]);
        let near = outcome(&[("candidates", 1009.0), ("score", 0.4951)]);
        compare(&theirs, &near, 0.01).unwrap();
        for (ours, part) in [
            (
                outcome(&[("candidates", 989.0), ("score", 0.5)]),
                "candidates is 1000 by PyTorch and 989 by tal",
            ),
            (
                outcome(&[("candidates", 1000.0), ("score", f64::NAN)]),
                "score is 0.5 by PyTorch and NaN",
            ),
            (outcome(&[("loss", 1.0)]), "tal tells \"loss\""),
        ] {
            let error = compare(&theirs, &ours, 0.01).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let loss = |value| outcome(&[("loss", value)]);
        assert!(compare(&loss(0.0), &loss(0.1), 0.01).is_err());
    }

    #[test]
    fn the_python_files_are_there() {
        assert!(folder().join("__main__.py").is_file());
    }
}
