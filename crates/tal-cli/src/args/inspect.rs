//! Arguments of `tal inspect`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Run folder of a run with action sensitivity learning, or its last.safetensors
    ///
    /// The folder also has the course of the learned values over the epochs.
    #[arg(long, alias = "sensitivity", value_name = "CHECKPOINT")]
    pub(crate) action_sensitivity: PathBuf,
    /// Draw the weights over the action, and the course over the epochs
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) out: Option<PathBuf>,
}
