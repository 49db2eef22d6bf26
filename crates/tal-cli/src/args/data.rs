//! Arguments of `tal data`, `tal data check` and `tal data stats`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::config::ConfigArgs;
use super::convert::ConvertCommand;
use super::prepare::PrepareArgs;
use super::split::SplitArgs;
use super::synth::SynthArgs;
use super::weak::{ClicksArgs, ClipsArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Find mistakes in a data set before training does
    ///
    /// Reads the configuration, the annotations and every feature file, and reports every finding with the expected content.
    Check(CheckArgs),
    /// Describe a data set: numbers, durations and levels
    ///
    /// Also says how well dataset.max_seq_len and decoder.regression_range fit.
    Stats(StatsArgs),
    /// Create a synthetic data set: annotations and features
    Synth(SynthArgs),
    /// Convert a data set, as its publisher ships it, to annotations and arrays
    Prepare(PrepareArgs),
    /// Convert annotations or features to another format
    #[command(subcommand)]
    Convert(ConvertCommand),
    /// Split recordings into subsets
    ///
    /// Recordings of a group, such as a subject, stay together, and classes are spread evenly.
    Split(SplitArgs),
    /// Simulate background clicks from full annotations
    Clicks(ClicksArgs),
    /// Cut long recordings into clips, with their annotations and features
    Clips(ClipsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Check only that feature files exist, without reading them
    #[arg(long)]
    pub(crate) quick: bool,
    /// Also check background clicks: a click file, or a folder of archives in the released layout
    #[arg(long, value_name = "PATH")]
    pub(crate) clicks: Option<PathBuf>,
    /// Write all findings as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// First fill in what the descriptions of features from `tal features extract` say
    ///
    /// Stride, window, channels and frame rate go into CONFIG; durations and frame rates of the recordings into its annotation
    /// file. A file that changes is first copied to FILE.old (FILE.old2 if there is one, and so on).
    #[arg(long, conflicts_with_all = ["overlays", "overrides"])]
    pub(crate) write: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Derive the numbers of features from the durations, without reading feature files
    #[arg(long)]
    pub(crate) quick: bool,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Draw durations, classes and levels as SVG files into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) plots: Option<PathBuf>,
}
