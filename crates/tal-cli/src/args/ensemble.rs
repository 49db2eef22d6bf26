//! Arguments of `tal ensemble`.

use std::path::PathBuf;

use clap::Args;

use super::values::{at_least_one, from_zero_to_one};

#[derive(Debug, Args)]
pub(crate) struct EnsembleArgs {
    /// Detections of the models: finished run folders, or files as in `tal evaluate`
    #[arg(required = true)]
    pub(crate) models: Vec<PathBuf>,
    /// Annotation file (JSON) with the class names [default: that of the first run]
    #[arg(long, value_name = "FILE")]
    pub(crate) annotations: Option<PathBuf>,
    /// Write the fused detections (.json or .csv)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Smallest tIoU of detections that count as the same
    #[arg(long, value_name = "TIOU", default_value_t = 0.5, value_parser = from_zero_to_one)]
    pub(crate) tiou: f64,
    /// Largest number of detections per recording [default: no limit]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max_detections: Option<usize>,
    /// Write the figures as JSON; needs a run among the models, whose test subsets and rules are taken
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}
