//! The command line: one type per command.

mod ablate;
mod config;
mod convert;
mod convert_annotations;
mod convert_detections;
mod convert_features;
mod data;
mod detector;
mod ensemble;
mod evaluate;
mod examples;
mod features;
mod formats;
mod inspect;
mod label_studio;
mod machine;
mod measures;
mod predict;
mod prepare;
mod report;
mod runs;
mod split;
mod synth;
mod tune;
mod values;
mod weak;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tal_engine::DeviceChoice;

pub(crate) use ablate::AblateArgs;
pub(crate) use config::{ConfigCommand, ConfigImportArgs, ShowArgs, SuggestArgs};
pub(crate) use convert::ConvertCommand;
pub(crate) use convert_annotations::ConvertAnnotationsArgs;
pub(crate) use convert_detections::{ConvertDetectionsArgs, DraftArgs};
pub(crate) use convert_features::ConvertFeaturesArgs;
pub(crate) use data::{CheckArgs, DataCommand, StatsArgs};
pub(crate) use detector::{DemoArgs, ImportArgs, TestArgs, TrainArgs, TrainedArgs};
pub(crate) use ensemble::EnsembleArgs;
pub(crate) use evaluate::{CountArg, EvaluateArgs, FusionArgs, RulesArgs, TunedArgs};
pub(crate) use examples::command;
pub(crate) use features::{
    DecoderArgs, ExtractArgs, FeaturesCheckArgs, FeaturesCommand, ProbeArgs, RecipesArgs,
    WeightsArgs as ReleasedWeightsArgs,
};
pub(crate) use formats::{FromArg, SourceArg, TargetArg, ToArg};
pub(crate) use inspect::InspectArgs;
pub(crate) use label_studio::LabelStudioArgs;
pub(crate) use machine::{CompletionsArgs, DoctorArgs, ManArgs};
pub(crate) use measures::{EndsArg, MeasureArgs, MeasureName};
pub(crate) use predict::{ChoiceArgs, MergeArgs, PredictArgs, ScoresFormatArg};
pub(crate) use prepare::{PrepareArgs, PreparedDataset};
pub(crate) use report::{NamedPath, ReportArgs, SignalArg};
pub(crate) use runs::RunsArgs;
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
    /// Show runs and detections in one HTML file
    ///
    /// The file needs neither a network nor a server: figures as `tal evaluate` prints them, training curves, errors, and a
    /// timeline of every recording with annotations and detections.
    Report(Box<ReportArgs>),
    /// Train a grid of configurations and seeds, and tabulate the results
    ///
    /// Each run is a process of its own. Finished runs are kept and interrupted ones continue, so the same command can be
    /// repeated.
    Ablate(AblateArgs),
    /// Fuse the detections of several detectors into one set
    ///
    /// Detections of one class that overlap become one: its segment is their mean, weighted by score, and its score is their
    /// mean times the share of the models that agree. Runs with other seeds, folds or methods can be fused; mAP is printed if
    /// a run is among them.
    Ensemble(EnsembleArgs),
    /// List, sort and compare runs
    ///
    /// Finds all run folders below the given ones, running and broken ones included.
    Runs(RunsArgs),
    /// Say what a file is and what it holds
    ///
    /// Takes checkpoints, configurations, features, annotations, detections, descriptions beside extracted features, and run
    /// folders; the content decides, not the name. With --action-sensitivity it plots what action sensitivity learning found.
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
    /// Check that this machine has what is needed, and say what to do if not
    ///
    /// Looks at LibTorch, CUDA, cores, memory, disk, ffmpeg and the weights of a video network. The exit code is 1 if something
    /// is missing that is needed; --video and --device cuda need more.
    Doctor(DoctorArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Write manual pages, one for each command
    Man(ManArgs),
}

impl Command {
    /// The folder in which the command collects files before they are complete.
    pub(crate) fn half_written(&self) -> Option<PathBuf> {
        match self {
            Command::Data(DataCommand::Synth(args)) => Some(args.out.clone()),
            Command::Data(DataCommand::Prepare(args)) => Some(args.out.clone()),
            Command::Data(DataCommand::Clips(args)) => Some(args.out.clone()),
            Command::Demo(args) => {
                let data = if args.video { "films" } else { "data" };
                Some(args.folder().join(data))
            }
            _ => None,
        }
    }

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
        command().debug_assert();
    }
}
