//! Arguments of `tal inspect`.

use std::path::PathBuf;

use clap::Args;

/// Heading of the options about action sensitivity learning.
const SENSITIVITY: &str = "Action sensitivity learning";

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// File or run folder
    #[arg(required_unless_present = "action_sensitivity")]
    pub(crate) file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Name of the array in a feature file that holds several [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(crate) key: Option<String>,
    /// Levels of the tree of parameters
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = super::values::at_least_one)]
    pub(crate) depth: usize,
    /// Run folder of a run with action sensitivity learning, or its last.safetensors
    ///
    /// The folder also has the course of the learned values over the epochs.
    #[arg(
        long,
        alias = "sensitivity",
        value_name = "CHECKPOINT",
        conflicts_with_all = ["file", "json", "key", "depth"],
        help_heading = SENSITIVITY
    )]
    pub(crate) action_sensitivity: Option<PathBuf>,
    /// Draw the weights over the action, and the course over the epochs
    #[arg(long, value_name = "FILE.svg", help_heading = SENSITIVITY)]
    pub(crate) out: Option<PathBuf>,
}
