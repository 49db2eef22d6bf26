//! Arguments of `tal data convert detections`.

use std::path::PathBuf;

use clap::Args;
use tal_exchange::Format;

use super::formats::tool_targets;
use super::label_studio::LabelStudioArgs;
use super::values::{finite, not_negative, positive};

#[derive(Debug, Args)]
pub(crate) struct ConvertDetectionsArgs {
    /// Detections, as `tal predict` and `tal test` write them
    #[arg(value_name = "DETECTIONS")]
    pub(crate) detections: PathBuf,
    /// Format of the drafts
    #[arg(long, value_name = "FORMAT", value_parser = tool_targets())]
    pub(crate) to: &'static Format,
    /// Folder for the drafts, or a file if the format holds all recordings in one
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// Replace existing files
    #[arg(long)]
    pub(crate) force: bool,
    /// Annotations in the shared JSON: all classes, and durations and frame rates of the recordings
    #[arg(long, value_name = "FILE")]
    pub(crate) annotations: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) drafts: DraftArgs,
}

/// Which detections become drafts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Drafts")]
pub(crate) struct DraftArgs {
    /// Smallest score of a class without a threshold of its own
    #[arg(long, value_name = "SCORE", value_parser = finite::<f64>)]
    pub(crate) min_score: Option<f64>,
    /// Smallest score by class: YAML or JSON such as {pour: 0.4, default: 0.3}; also min_duration and min_gap, as `tal tune`
    /// writes them
    #[arg(long, value_name = "FILE")]
    pub(crate) thresholds: Option<PathBuf>,
    /// Leave out segments that are shorter, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = not_negative)]
    pub(crate) min_duration: Option<f64>,
    /// Join segments of a class that overlap or are less than this apart, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = not_negative)]
    pub(crate) min_gap: Option<f64>,
    /// At most one segment at a time: the best score keeps its time, others are cut
    #[arg(long)]
    pub(crate) one_at_a_time: bool,
    /// Frames per second of recordings whose frame rate is unknown; formats that count frames need it
    #[arg(long, value_name = "N", value_parser = positive::<f64>)]
    pub(crate) fps: Option<f64>,
    /// Path or URL of the films in the drafts: a folder, or with {id} for the recording's id
    #[arg(long, value_name = "PATH")]
    pub(crate) media: Option<String>,
    #[command(flatten)]
    pub(crate) label_studio: LabelStudioArgs,
}
