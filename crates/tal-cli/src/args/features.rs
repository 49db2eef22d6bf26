//! Arguments of `tal features`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tal_engine::extract::OnFailure;
use tal_video::FrameRate;

use super::config::ConfigArgs;
use super::values::{at_least_one, shard};

/// Heading of the options about videos.
pub(super) const VIDEOS: &str = "Videos";

#[derive(Debug, Subcommand)]
pub(crate) enum FeaturesCommand {
    /// Compute features of videos
    ///
    /// Decodes each video with the ffmpeg program, runs a network over its windows and writes ID.npy (T, C) and ID.json, which
    /// says everything that made them. Features that are there are kept if video, recipe, weights and precision are the same,
    /// so an interrupted call can be repeated. A video that fails gets ID.failed.json; the exit code is then 1.
    Extract(ExtractArgs),
    /// Show what a video holds: size, frame rate, number of frames, times, damage
    ///
    /// Decodes the whole video, because containers are often wrong about it.
    Probe(ProbeArgs),
    /// List the recipes, or print one as YAML
    Recipes(RecipesArgs),
    /// List public weight files with their source and licence, check files against them, or download one
    ///
    /// A download that breaks off goes on where it stopped; in a later call, too, if the list has a checksum of the file. The
    /// file gets its name once its checksum is that of the list. The program curl does the transfer.
    Weights(WeightsArgs),
    /// Compare the descriptions of extracted features with a configuration
    Check(FeaturesCheckArgs),
}

/// The ffmpeg program and what it reads.
#[derive(Debug, Args)]
pub(crate) struct DecoderArgs {
    /// The ffmpeg program, 5.1 or later [default: $TAL_FFMPEG, that of `cargo xtask setup --video`, the one on PATH]
    #[arg(long, value_name = "FILE", help_heading = VIDEOS)]
    pub(crate) ffmpeg: Option<PathBuf>,
    /// Video stream to read, counted from 0 without cover pictures
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = VIDEOS)]
    pub(crate) stream: usize,
}

#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// Name of a recipe (see `tal features recipes`), or a YAML file
    pub(crate) recipe: String,
    /// Videos, or folders with videos; the files of a folder keep the folders between in their ids
    #[arg(required_unless_present = "list")]
    pub(crate) videos: Vec<PathBuf>,
    /// File of weights for the recipe's network, see `tal features weights` [default: for EfficientNet-Lite0 that of
    /// `cargo xtask setup --video`]
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// Folder for the features
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// File with one video or folder per line
    #[arg(long, value_name = "FILE")]
    pub(crate) list: Option<PathBuf>,
    /// Take only part I of N, with I from 0 to N - 1, so that several processes share the work
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(crate) shard: Option<(usize, usize)>,
    /// Windows that go through the network together
    #[arg(long, value_name = "N", default_value = "1", value_parser = at_least_one)]
    pub(crate) batch_size: usize,
    /// A video that fails is skipped, or stops the work
    #[arg(long, value_name = "WHAT", default_value = "skip")]
    pub(crate) on_error: OnErrorArg,
    /// Store features in half precision (f16): half the size
    #[arg(long)]
    pub(crate) half: bool,
    /// The given folders hold the frames of one recording each, as numbered images of this rate
    #[arg(long, value_name = "FPS")]
    pub(crate) images: Option<FrameRate>,
    #[command(flatten)]
    pub(crate) decoder: DecoderArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// Videos
    #[arg(required = true)]
    pub(crate) videos: Vec<PathBuf>,
    /// Print JSON, one object per line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) decoder: DecoderArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RecipesArgs {
    /// Recipe to print
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct WeightsArgs {
    /// Files to compare with the published checksums
    pub(crate) files: Vec<PathBuf>,
    /// Print the list as JSON
    #[arg(long, conflicts_with = "files")]
    pub(crate) json: bool,
    /// Download the file of this name from its source
    #[arg(long, value_name = "NAME", conflicts_with_all = ["files", "json"])]
    pub(crate) download: Option<String>,
    /// Folder for the download
    #[arg(long, value_name = "DIR", default_value = ".", requires = "download")]
    pub(crate) out: PathBuf,
    /// Another address of the file to download, such as a mirror: https://…, file://…, or http:// on this machine; its checksum
    /// must be that of the list
    #[arg(long, value_name = "URL", requires = "download")]
    pub(crate) from: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct FeaturesCheckArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The treatment of a video that fails.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OnErrorArg {
    /// The next one follows
    Skip,
    /// The work ends
    Stop,
}

impl From<OnErrorArg> for OnFailure {
    fn from(argument: OnErrorArg) -> Self {
        match argument {
            OnErrorArg::Skip => OnFailure::Skip,
            OnErrorArg::Stop => OnFailure::Stop,
        }
    }
}
