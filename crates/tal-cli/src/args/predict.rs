//! Arguments of `tal predict` and `tal merge`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::detector::TrainedArgs;
use super::features::{DecoderArgs, VIDEOS};
use super::values::{at_least_one, finite, positive, shard};

/// Heading of the options about the recordings.
const RECORDINGS: &str = "Recordings";
/// Heading of the options that choose among detections.
const CHOICE: &str = "Choice of detections";
/// Heading of the options for many recordings.
const MANY: &str = "Many recordings";

#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    #[command(flatten)]
    pub(crate) trained: TrainedArgs,
    /// Videos or feature files in the format that the detector was trained on, folders of them, or patterns such as
    /// 'new/**/*.npy'. @FILE names a list with one per line, - the standard input. Of an HDF5 file for all recordings, all or
    /// those named by --recording
    #[arg(value_name = "INPUT", required_unless_present = "list")]
    pub(crate) inputs: Vec<PathBuf>,
    /// File with one input per line; - is the standard input
    #[arg(long, value_name = "FILE", help_heading = RECORDINGS)]
    pub(crate) list: Option<PathBuf>,
    /// Write all detections instead of printing the best ones: to a file (.json: ActivityNet result layout, .jsonl, .csv,
    /// .tsv), to a file per recording in a folder, or with - to the standard output
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// Format of the results: json, jsonl, csv, tsv, or that of an annotation tool, such as elan [default: that of the file's
    /// name; json in a folder, jsonl to the standard output, where each recording is written as soon as it is done]
    #[arg(long, value_name = "NAME")]
    pub(crate) format: Option<String>,
    /// Films or sounds that an annotation tool is to open: a folder, or a path or URL with {id} [default: the videos that were
    /// given, or ID.mp4]
    #[arg(long, value_name = "PATH")]
    pub(crate) media: Option<String>,
    /// Formats of annotation tools: at most one event at a time, that with the higher score
    #[arg(long)]
    pub(crate) one_at_a_time: bool,
    /// Print a time line for each recording: a row per class, darker for higher scores
    #[arg(long)]
    pub(crate) timeline: bool,
    /// Write the scores of all classes over time to this folder: ID.npy (T, C) with times in ID.json
    #[arg(long, value_name = "DIR")]
    pub(crate) scores: Option<PathBuf>,
    /// Format of --scores
    #[arg(long, value_name = "NAME", default_value = "npy", requires = "scores")]
    pub(crate) scores_format: ScoresFormatArg,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    /// Folder below which ids begin: a recording's id is its file's path in it [default: dataset.features.dir, and else the
    /// folder that was given]
    #[arg(long, value_name = "DIR", help_heading = RECORDINGS)]
    pub(crate) below: Option<PathBuf>,
    /// Id of a recording in the files, the only one to predict; can be given several times
    #[arg(long, value_name = "ID", help_heading = RECORDINGS)]
    pub(crate) recording: Vec<String>,
    /// Frames (samples) per second of the recordings, if dataset.fps is null [default: that of all training recordings]
    #[arg(long, value_name = "N", value_parser = positive::<f32>, help_heading = RECORDINGS)]
    pub(crate) fps: Option<f32>,
    /// Length of the recording, in seconds; needed only if all recordings were resampled to one number of features
    #[arg(long, value_name = "SECONDS", value_parser = positive::<f64>, help_heading = RECORDINGS)]
    pub(crate) duration: Option<f64>,
    /// Weights of the network that computes features of videos [default: dataset.extract.weights]
    #[arg(long, value_name = "FILE", help_heading = VIDEOS)]
    pub(crate) backbone: Option<PathBuf>,
    /// Keep the features of videos in this folder, and take those that are there; new ones are stored in single precision
    #[arg(long, value_name = "DIR", help_heading = VIDEOS)]
    pub(crate) features_out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) decoder: DecoderArgs,
    /// Predict part I of N, with I from 0 to N - 1, into the folder --out, one file of JSON Lines per part for `tal merge`
    #[arg(long, value_name = "I/N", value_parser = shard, requires = "out", help_heading = MANY)]
    pub(crate) shard: Option<(usize, usize)>,
    /// Go on with a part after a kill, and try those recordings again that failed. Without --shard, the part is that of
    /// SLURM_ARRAY_TASK_ID and _COUNT, JOB_COMPLETION_INDEX and JOB_COMPLETIONS, or RANK and WORLD_SIZE, and else everything
    #[arg(long, requires = "out", help_heading = MANY)]
    pub(crate) resume: bool,
}

/// A choice among the detections of each recording.
#[derive(Debug, Args)]
#[command(next_help_heading = CHOICE)]
pub(crate) struct ChoiceArgs {
    /// Leave out detections with a lower score; of classes that --thresholds names, those apply
    #[arg(long, value_name = "SCORE", value_parser = finite::<f64>)]
    pub(crate) min_score: Option<f64>,
    /// Keep only the best N detections of each recording
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) top: Option<usize>,
    /// Keep only these classes; can be given several times, or with commas
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    pub(crate) classes: Vec<String>,
    /// YAML or JSON file of lowest scores: `default: 0.3`, `CLASS: 0.5`; also min_duration, min_gap and sigma, as `tal tune`
    /// writes them
    #[arg(long, value_name = "FILE")]
    pub(crate) thresholds: Option<PathBuf>,
}

/// Format of per-frame scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScoresFormatArg {
    /// An array (T, C) of 32-bit floats, and its times and classes in ID.json
    Npy,
    /// A table with the columns time and one per class
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Folders that `tal predict --shard` wrote, or files of JSON Lines
    #[arg(required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// File for all recordings, in JSON Lines; - is the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The list of the prediction, to find recordings that are missing
    #[arg(long, value_name = "FILE")]
    pub(crate) list: Option<PathBuf>,
    /// Write the file although recordings of the list are missing
    #[arg(long, requires = "list")]
    pub(crate) allow_missing: bool,
    /// Write the file although recordings occur twice; the first of them stays
    #[arg(long)]
    pub(crate) allow_double: bool,
}
