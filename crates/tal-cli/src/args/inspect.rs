//! Options of `tal inspect`.

use std::path::PathBuf;

use clap::Args;

/// What a run has learned besides its detector.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Show which moments of an action matter for each class, as a run with loss.action_sensitivity has learned it: a run folder,
    /// which also has the course over its epochs, or its last.safetensors.
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) sensitivity: PathBuf,
    /// Draw it.
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) out: Option<PathBuf>,
}
