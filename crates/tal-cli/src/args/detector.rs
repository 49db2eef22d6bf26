//! Arguments of the commands that train, test, run or import a detector.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tal_core::config::Weights;

use super::config::{ConfigArgs, LayerArgs};
use super::evaluate::TunedArgs;
use super::values;

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Run folder [default: runs/NAME for NAME.yaml]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Seed of the run; the same as --set train.seed=N
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Continue the run in the folder from its last saved state
    #[arg(long)]
    pub(crate) resume: bool,
    /// Measure the time of each phase of a step; print it and write profile.json
    #[arg(long)]
    pub(crate) profile: bool,
    /// Number of processes that share each batch, on this machine; for several machines see docs/scale.md
    #[arg(long, value_name = "N", value_parser = values::at_least_one)]
    pub(crate) ranks: Option<usize>,
    /// Seconds after which a process that does not answer counts as lost
    #[arg(long, value_name = "SECONDS", default_value = "1800", value_parser = values::at_least_one)]
    pub(crate) rank_timeout: usize,
}

/// Heading of the options that change a trained detector.
const SETTINGS: &str = "Settings of the detector";

/// A trained detector and its settings.
#[derive(Debug, Args)]
pub(crate) struct TrainedArgs {
    /// Run folder (its best.safetensors, else last.safetensors) or checkpoint file
    pub(crate) checkpoint: PathBuf,
    /// Weights to use [default: those named in the checkpoint]
    #[arg(long, value_name = "KIND", help_heading = SETTINGS)]
    pub(crate) weights: Option<WeightsArg>,
    /// Set a configuration key of the checkpoint, such as inference.precision; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = SETTINGS)]
    pub(crate) overrides: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub(crate) trained: TrainedArgs,
    /// Subset to test on; can be given several times [default: dataset.test_subsets]
    #[arg(long, value_name = "NAME")]
    pub(crate) subset: Vec<String>,
    /// Write the figures, with AP per class and threshold, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the detections (.json, .jsonl, .csv or .tsv)
    #[arg(long, value_name = "FILE")]
    pub(crate) detections: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tuned: TunedArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Checkpoint of the released code (.pth.tar; BackTAL: .pth)
    pub(crate) file: PathBuf,
    /// Configuration of the network in the checkpoint (YAML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Result: a checkpoint file, or with --resumable a run folder
    #[arg(long, value_name = "FILE.safetensors")]
    pub(crate) out: PathBuf,
    /// Take the trained weights instead of their moving average
    #[arg(long, conflicts_with = "resumable")]
    pub(crate) raw: bool,
    /// Write a run folder with optimiser, schedule and epoch, which `tal train --resume` continues
    #[arg(long)]
    pub(crate) resumable: bool,
    #[command(flatten)]
    pub(crate) layers: LayerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder for the run and the data set [default: runs/demo, with --video runs/demo_video]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Begin with films of a drawn figure: needs ffmpeg and weights, which `cargo xtask setup --video` provides
    #[arg(long)]
    pub(crate) video: bool,
    /// Weights of EfficientNet-Lite0, for --video [default: those of the set-up]
    #[arg(long, value_name = "FILE", requires = "video")]
    pub(crate) weights: Option<PathBuf>,
    /// Continue an interrupted demo
    #[arg(long)]
    pub(crate) resume: bool,
    /// Set a configuration key; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
}

impl DemoArgs {
    /// The folder for the run and the data set.
    pub(crate) fn folder(&self) -> PathBuf {
        let usual = match self.video {
            true => "runs/demo_video",
            false => "runs/demo",
        };
        self.out.clone().unwrap_or_else(|| usual.into())
    }
}

/// Weights of a checkpoint.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum WeightsArg {
    /// Moving average of the trained weights
    Ema,
    /// Trained weights
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
