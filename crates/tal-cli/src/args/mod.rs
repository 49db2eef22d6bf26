//! The command line: one type per command.

mod ablate;
mod config;
mod convert;
mod convert_annotations;
mod convert_detections;
mod convert_features;
mod data;
mod detector;
mod evaluate;
mod features;
mod formats;
mod inspect;
mod measures;
mod predict;
mod prepare;
mod split;
mod synth;
mod tune;
mod values;
mod weak;

use clap::{Args, Parser, Subcommand};
use tal_engine::DeviceChoice;

pub(crate) use ablate::AblateArgs;
pub(crate) use config::{ConfigCommand, ConfigImportArgs, ShowArgs};
pub(crate) use convert::ConvertCommand;
pub(crate) use convert_annotations::{ConvertAnnotationsArgs, ToolArgs};
pub(crate) use convert_detections::{ConvertDetectionsArgs, DraftArgs};
pub(crate) use convert_features::ConvertFeaturesArgs;
pub(crate) use data::{CheckArgs, DataCommand, StatsArgs};
pub(crate) use detector::{DemoArgs, ImportArgs, TestArgs, TrainArgs, TrainedArgs};
pub(crate) use evaluate::{CountArg, EvaluateArgs, RulesArgs, TunedArgs};
pub(crate) use features::{
    DecoderArgs, ExtractArgs, FeaturesCheckArgs, FeaturesCommand, ProbeArgs, RecipesArgs,
    WeightsArgs as ReleasedWeightsArgs,
};
pub(crate) use formats::{FromArg, SourceArg, TargetArg, ToArg};
pub(crate) use inspect::InspectArgs;
pub(crate) use measures::{EndsArg, MeasureArgs, MeasureName};
pub(crate) use predict::{ChoiceArgs, MergeArgs, PredictArgs, ScoresFormatArg};
pub(crate) use prepare::{PrepareArgs, PreparedDataset};
pub(crate) use split::SplitArgs;
pub(crate) use synth::{CorpusArgs, SynthArgs};
pub(crate) use tune::{TuneArgs, TuneMeasure};
pub(crate) use weak::{ClicksArgs, ClipsArgs};

/// Find every action in untrimmed recordings: start, end, class and score.
///
/// `tal train` trains a detector on features of recordings and their annotations, `tal test` measures it and `tal predict`
/// applies it. `tal evaluate` measures the detections of any detector, and `tal data` checks and converts data sets.
#[derive(Debug, Parser)]
#[command(name = "tal", version, max_term_width = 100)]
#[command(after_help = "To see everything at work, run `tal demo`.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of all commands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub(crate) struct GlobalArgs {
    /// Device that the network runs on: auto, cpu, cuda or cuda:N
    #[arg(long, global = true, default_value = "cpu", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
    /// Number of threads for numeric work [default: one per core; demo and the runs of ablate: 1]
    #[arg(long, global = true, value_name = "N", value_parser = values::at_least_one)]
    pub(crate) threads: Option<usize>,
    /// Print more messages (-v: events, -vv: details)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print only results, warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a detector
    ///
    /// The run folder receives the resolved configuration, the metrics of every step, checkpoints, and the detections on the
    /// test subsets with their evaluation. Ctrl-C saves the state before the program ends; --resume continues from there.
    Train(TrainArgs),
    /// Test a trained detector on a subset of its data set
    ///
    /// Runs the detector on every recording of the subset and prints AP per class and mAP under the rules of its
    /// configuration. For a file of detections, use `tal evaluate`.
    #[command(alias = "eval")]
    Test(TestArgs),
    /// Detect actions in videos or feature files
    ///
    /// Needs no annotations. Prints the best detections of each recording; --out writes all of them to a file, or to a folder
    /// with a file per recording. With --shard or --resume, several processes share a long list, and each goes on where a
    /// kill stopped it.
    Predict(Box<PredictArgs>),
    /// Put the parts of a prediction with --shard together
    ///
    /// Finds parts that are not complete, recordings that occur twice and, given the list, those that are missing. Recordings
    /// are copied one by one, so that memory does not grow with their detections.
    Merge(MergeArgs),
    /// Choose thresholds and other rules for a measure, on a validation subset
    ///
    /// Tries a threshold for each class, the width σ of Soft-NMS (for a run), a smallest gap and a shortest length, and writes
    /// the best ones for --thresholds of `tal predict`, `test` and `evaluate`. The last two refuse to report figures on the
    /// recordings that were tuned on.
    Tune(Box<TuneArgs>),
    /// Evaluate a file of detections against annotations
    ///
    /// Prints mAP and, on request, recall, kinds of errors, confidence intervals and a comparison with a second file. Runs no
    /// network, so the file may come from any detector.
    Evaluate(Box<EvaluateArgs>),
    /// Train a grid of configurations and seeds, and tabulate the results
    ///
    /// Each run is a process of its own. Finished runs are kept and interrupted ones continue, so the same command can be
    /// repeated.
    Ablate(AblateArgs),
    /// Plot what action sensitivity learning found
    ///
    /// Prints mean and width of the learned Gaussians of every class; --out draws their curves.
    Inspect(InspectArgs),
    /// Convert a checkpoint of the released PyTorch code
    ///
    /// Reads checkpoints of CLTDR-GMG, TriDet, ActionFormer, TemporalMaxer and BackTAL. No code in the file is run.
    Import(ImportArgs),
    /// Show configurations and convert those of other programs
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Compute features of videos
    #[command(subcommand)]
    Features(FeaturesCommand),
    /// Check, describe, convert and create data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// Show everything at work: create data, train and test
    Demo(DemoArgs),
}

impl Command {
    /// Whether a network is trained or run.
    pub(crate) fn runs_network(&self) -> bool {
        matches!(
            self,
            Command::Train(_)
                | Command::Test(_)
                | Command::Predict(_)
                | Command::Tune(_)
                | Command::Ablate(_)
                | Command::Demo(_)
                | Command::Features(FeaturesCommand::Extract(_))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
