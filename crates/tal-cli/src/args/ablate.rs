//! Arguments of `tal ablate`.

use std::path::PathBuf;

use clap::Args;

use super::values::{at_least_one, shard};

#[derive(Debug, Args)]
pub(crate) struct AblateArgs {
    /// Plan (YAML): a configuration, variants of it, folds and seeds
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
    /// Choose between variants: train without the validation recordings of each fold and evaluate on them; runs and tables go
    /// to the subfolder `validation`
    #[arg(long)]
    pub(crate) validation: bool,
    /// Train only part I of N of the runs, I from 0, so that several machines or the tasks of a Slurm array share a plan
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with = "collect")]
    pub(crate) shard: Option<(usize, usize)>,
    /// Train nothing, only tabulate the finished runs
    #[arg(long, conflicts_with = "jobs")]
    pub(crate) collect: bool,
}
