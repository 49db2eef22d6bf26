//! Arguments of `tal ablate`.

use std::path::PathBuf;

use clap::Args;

use super::values::at_least_one;

#[derive(Debug, Args)]
pub(crate) struct AblateArgs {
    /// Plan (YAML): a configuration, variants of it and seeds
    pub(crate) plan: PathBuf,
    /// Folder of the runs and tables [default: runs/NAME for NAME.yaml]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Number of runs at the same time; each has the number of threads that --threads gives
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    pub(crate) jobs: usize,
    /// Train only this variant; can be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Train nothing, only tabulate the finished runs
    #[arg(long, conflicts_with = "jobs")]
    pub(crate) collect: bool,
}
