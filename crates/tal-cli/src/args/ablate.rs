//! Arguments of `tal ablate`.

use std::path::PathBuf;

use clap::Args;

use super::at_least_one;

#[derive(Debug, Args)]
pub(crate) struct AblateArgs {
    /// Plan (YAML): a configuration, variants of it and seeds.
    pub(crate) plan: PathBuf,
    /// Folder of the runs and tables; runs/NAME-OF-PLAN unless given. Finished runs in it are kept, interrupted ones continue.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Runs at the same time, each a process of its own with the number of threads that --threads says (1 unless given).
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    pub(crate) jobs: usize,
    /// Only these variants; can be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Train nothing: tabulate what is finished.
    #[arg(long, conflicts_with = "jobs")]
    pub(crate) collect: bool,
}
