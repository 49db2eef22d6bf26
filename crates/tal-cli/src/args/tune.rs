//! Arguments of `tal tune`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tal_core::config::EvaluationDialect;

use super::detector::WeightsArg;
use super::evaluate::{Thresholds, dialects};
use super::measures::{LabellingArg, percentage};
use super::values::{not_negative, positive};

#[derive(Debug, Args)]
pub(crate) struct TuneArgs {
    /// Run folder or checkpoint file, whose detector is run; or a file of detections
    pub(crate) source: PathBuf,
    /// Measure that is to become as high as possible
    #[arg(long, value_name = "NAME")]
    pub(crate) measure: TuneMeasure,
    /// Subset to tune on, another one than that whose figures are reported; can be given several times
    #[arg(long, value_name = "NAME", required = true)]
    pub(crate) subset: Vec<String>,
    /// Annotation file; needed for a file of detections [default: that of the run]
    #[arg(long, value_name = "FILE")]
    pub(crate) ground_truth: Option<PathBuf>,
    /// File for the rules, for `--thresholds` of other commands [default: thresholds.yaml in the run folder]
    #[arg(long, value_name = "FILE.yaml")]
    pub(crate) out: Option<PathBuf>,
    /// Weights to use [default: those named in the checkpoint]
    #[arg(long, value_name = "KIND")]
    pub(crate) weights: Option<WeightsArg>,
    /// Set a configuration key of the checkpoint; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// frame, segment: frames per second in which time is counted [default: the frame rate of the annotations]
    #[arg(long, value_name = "HZ", value_parser = positive::<f64>)]
    pub(crate) frame_rate: Option<f64>,
    /// frame, event: how detections become labels
    #[arg(long, value_name = "RULE", default_value = "single")]
    pub(crate) labelling: LabellingArg,
    /// segment: least tIoU of a hit, in percent; F1 is averaged over several
    #[arg(
        long,
        value_name = "PERCENT",
        default_value = "10,25,50",
        value_delimiter = ',',
        value_parser = percentage
    )]
    pub(crate) overlap: Vec<f64>,
    /// event: largest distance of two starts or ends
    #[arg(long, value_name = "SECONDS", default_value_t = 0.2, value_parser = not_negative)]
    pub(crate) collar: f64,
    /// event: largest distance of two ends, in percent of the annotation's length, if that is more
    #[arg(long, value_name = "PERCENT", default_value_t = 50.0, value_parser = percentage)]
    pub(crate) percentage: f64,
    /// map: tIoU thresholds, as FIRST:STEP:LAST or a list [default: those of the run, or 0.3:0.1:0.7]
    #[arg(long, value_name = "VALUES")]
    pub(crate) tiou: Option<Thresholds>,
    /// map: rules of the evaluation [default: those of the run, or clean]
    #[arg(long, value_parser = dialects())]
    pub(crate) dialect: Option<EvaluationDialect>,
}

/// A measure that can be tuned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TuneMeasure {
    /// Mean F1 of frames over the classes
    Frame,
    /// F1@k of segments
    Segment,
    /// Mean F1 of events over the classes
    Event,
    /// mAP over tIoU thresholds
    Map,
}
