//! What can be written on the command line.

mod ablate;
mod check;
mod config;
mod convert_features;
mod data;
mod evaluate;
mod inspect;
mod weak;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tal_core::config::Weights;
use tal_engine::DeviceChoice;

pub(crate) use ablate::AblateArgs;
pub(crate) use check::{CheckArgs, StatsArgs};
pub(crate) use config::{ConfigCommand, ConfigImportArgs, LayerArgs, ShowArgs};
pub(crate) use convert_features::ConvertFeaturesArgs;
pub(crate) use data::{
    ConvertAnnotationsArgs, ConvertCommand, CorpusArgs, DataCommand, PrepareArgs, PreparedDataset,
    SourceArg, SplitArgs, SynthArgs, TargetArg,
};
pub(crate) use evaluate::{EvaluateArgs, RulesArgs};
pub(crate) use inspect::InspectArgs;
pub(crate) use weak::{ClicksArgs, ClipsArgs};

/// Temporal action localization: find every action in an untrimmed recording (start, end, class, score).
#[derive(Debug, Parser)]
#[command(name = "tal", version, max_term_width = 100)]
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
    /// Where the network runs: auto, cpu, cuda or cuda:N.
    #[arg(long, global = true, default_value = "cpu", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
    /// Threads of numeric work; all cores unless given (demo: 1).
    #[arg(long, global = true, value_name = "N", value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,
    /// Say more (-v: what happens, -vv: details).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// No progress, only results, warnings and errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a detector.
    Train(TrainArgs),
    /// Run a trained detector over a subset and print its mAP.
    Eval(EvalArgs),
    /// Find actions in feature files.
    Predict(PredictArgs),
    /// Compare a file of detections with annotations: mAP, recall, diagnosis, confidence, plots.
    Evaluate(Box<EvaluateArgs>),
    /// Train a grid of configurations and seeds, and tabulate what they reach.
    Ablate(AblateArgs),
    /// Look at what a run has learned besides its detector.
    Inspect(InspectArgs),
    /// Turn a checkpoint of the released PyTorch code into one of ours.
    Import(ImportArgs),
    /// Look at configurations, translate those of other programs.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at data sets, make them.
    #[command(subcommand)]
    Data(DataCommand),
    /// See everything at work: make data, train, evaluate.
    Demo(DemoArgs),
}

impl Command {
    /// Whether a network is trained or run.
    pub(crate) fn runs_network(&self) -> bool {
        matches!(
            self,
            Command::Train(_)
                | Command::Eval(_)
                | Command::Predict(_)
                | Command::Ablate(_)
                | Command::Demo(_)
        )
    }
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Configuration file (YAML).
    pub(crate) config: PathBuf,
    /// Run folder; runs/NAME-OF-CONFIG unless given.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) layers: LayerArgs,
    /// Seed of the run (the same as --set train.seed=N).
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Continue the run of the folder where it was last saved.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Print at the end where the time of a step went, and write it to the run folder (profile.json).
    #[arg(long)]
    pub(crate) profile: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Run folder (its best.safetensors, else last.safetensors) or checkpoint file.
    pub(crate) checkpoint: PathBuf,
    /// Subset to evaluate on; the configured test subsets unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) subset: Vec<String>,
    /// Write the figures, with AP per class and threshold, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the detections (.json or .csv).
    #[arg(long, value_name = "FILE")]
    pub(crate) detections: Option<PathBuf>,
    /// Which weights to use; those that the checkpoint names unless given.
    #[arg(long, value_name = "KIND")]
    pub(crate) weights: Option<WeightsArg>,
    /// Change one configuration key of the checkpoint, such as dataset.annotations or inference.pre_nms_topk.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// Run folder or checkpoint file.
    pub(crate) checkpoint: PathBuf,
    /// Feature files, in the format that the checkpoint was trained on.
    #[arg(required = true)]
    pub(crate) features: Vec<PathBuf>,
    /// Write detections to a file (.json: ActivityNet result layout, .csv) instead of printing the best ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Frames (samples) per second of the recordings, where the configuration does not say.
    #[arg(long, value_name = "N")]
    pub(crate) fps: Option<f32>,
    /// Seconds that the recording lasts; needed for features of fixed length only, which share it out.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub(crate) duration: Option<f64>,
    /// Leave out detections with a lower score.
    #[arg(long, value_name = "SCORE", default_value_t = 0.0, value_parser = finite)]
    pub(crate) min_score: f64,
    /// Which weights to use; those that the checkpoint names unless given.
    #[arg(long, value_name = "KIND")]
    pub(crate) weights: Option<WeightsArg>,
    /// Change one configuration key of the checkpoint, such as inference.pre_nms_thresh or inference.precision.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Checkpoint of the released code (.pth.tar; BackTAL: .pth).
    pub(crate) file: PathBuf,
    /// Configuration of the network that it belongs to.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Where the result goes: a file, or with --resumable a run folder.
    #[arg(long, value_name = "FILE.safetensors")]
    pub(crate) out: PathBuf,
    /// Take the trained weights instead of their moving average.
    #[arg(long, conflicts_with = "resumable")]
    pub(crate) raw: bool,
    /// Make a run folder with optimiser, schedule and epoch, which `tal train --resume` continues.
    #[arg(long)]
    pub(crate) resumable: bool,
    #[command(flatten)]
    pub(crate) layers: LayerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Run folder; the data go into its sub-folder data.
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    pub(crate) out: PathBuf,
    /// Continue a demo that was interrupted.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Change one configuration key; can be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
}

/// Which weights of a checkpoint.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum WeightsArg {
    /// The moving average.
    Ema,
    /// The trained weights themselves.
    Raw,
}

impl From<WeightsArg> for Weights {
    fn from(weights: WeightsArg) -> Self {
        match weights {
            WeightsArg::Ema => Weights::Ema,
            WeightsArg::Raw => Weights::Raw,
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

/// A bound that can be compared with.
fn finite(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err("must be a finite number".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Frames per second, seconds and the like.
fn positive(text: &str) -> Result<f64, String> {
    finite(text).and_then(|number| match number > 0.0 {
        true => Ok(number),
        false => Err("must be above 0".to_owned()),
    })
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
