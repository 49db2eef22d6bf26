//! Arguments of `tal data clicks` and `tal data clips`.

use std::path::PathBuf;

use clap::Args;

use super::config::{ConfigArgs, LayerArgs};
use super::values::{at_least_one, from_zero_to_one, not_negative, positive};

#[derive(Debug, Args)]
pub(crate) struct ClicksArgs {
    /// Annotation file (JSON), or a configuration (YAML) that names one
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) layers: LayerArgs,
    /// File for the clicks (JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Number of clicks in every stretch of background, at times drawn uniformly
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    pub(crate) per_stretch: usize,
    /// Leave out shorter stretches of background
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = not_negative)]
    pub(crate) min_length: f64,
    /// Standard deviation of the annotator's error; clicks may then lie in actions
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = not_negative)]
    pub(crate) jitter: f64,
    /// Subset of the recordings; can be given several times [default: the training subsets of a configuration, all recordings
    /// of an annotation file]
    #[arg(long, value_name = "NAME")]
    pub(crate) subset: Vec<String>,
    /// Seed of the random times; the same seed gives the same clicks
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Replace an existing file
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ClipsArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Folder for annotations.json, dataset.yaml and features/ or raw/; must be empty or new
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Length of a clip
    #[arg(long, value_name = "SECONDS", value_parser = positive::<f64>)]
    pub(crate) length: f64,
    /// Time between the starts of neighbouring clips, at most --length [default: --length]
    #[arg(long, value_name = "SECONDS", value_parser = positive::<f64>)]
    pub(crate) stride: Option<f64>,
    /// Least share of an action inside a clip for the clip to have the action (share of the clip if that is shorter)
    #[arg(long, value_name = "SHARE", default_value_t = 0.25, value_parser = from_zero_to_one)]
    pub(crate) min_share: f64,
    /// Keep training clips without an action
    #[arg(long)]
    pub(crate) keep_empty: bool,
    /// Background clicks of the recordings, to cut the same way into clicks.json
    #[arg(long, value_name = "FILE")]
    pub(crate) clicks: Option<PathBuf>,
    /// Subset of the recordings; can be given several times [default: the training and test subsets]
    #[arg(long, value_name = "NAME")]
    pub(crate) subset: Vec<String>,
}
