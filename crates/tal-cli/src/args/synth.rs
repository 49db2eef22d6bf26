//! Arguments of `tal data synth`.

use std::path::PathBuf;

use clap::Args;

use super::config::LayerArgs;
use super::values::{at_least_one, from_zero_to_one};

#[derive(Debug, Args)]
pub(crate) struct SynthArgs {
    /// Folder for the data set; must be empty or new
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) corpus: CorpusArgs,
    /// Draw films of a figure that does six motions, instead of features; needs ffmpeg
    #[arg(long, conflicts_with_all = ["difficulty", "like"])]
    pub(crate) video: bool,
    /// Length of a film, in seconds [default: 60]
    #[arg(long, value_name = "N", requires = "video")]
    pub(crate) seconds: Option<u32>,
    /// Create data in the layout, formats and sizes of a configuration (YAML) instead
    #[arg(
        long,
        value_name = "CONFIG",
        conflicts_with_all = ["num_train", "num_test", "difficulty"],
        help_heading = "Like a configuration"
    )]
    pub(crate) like: Option<PathBuf>,
    /// Number of recordings in the training subset, and in the test subset
    #[arg(
        long,
        value_name = "N",
        default_value_t = 4,
        value_parser = at_least_one,
        requires = "like",
        help_heading = "Like a configuration"
    )]
    pub(crate) count: usize,
    #[command(flatten)]
    pub(crate) layers: LayerArgs,
}

/// Properties of the synthetic data set.
#[derive(Debug, Clone, Args)]
pub(crate) struct CorpusArgs {
    /// Number of training recordings [default: 80, with --video 24]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) num_train: Option<usize>,
    /// Number of test recordings [default: 30, with --video 8]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) num_test: Option<usize>,
    /// Difficulty, from 0 (clean) to 1 (noise, distractors, similar classes, overlaps)
    #[arg(long, value_name = "D", default_value_t = 0.5, value_parser = from_zero_to_one)]
    pub(crate) difficulty: f64,
    /// Seed of the random numbers; the same seed gives the same data set
    #[arg(long, visible_alias = "seed", value_name = "N", default_value_t = 1)]
    pub(crate) corpus_seed: u64,
}
