//! Arguments of `tal data convert`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tal_core::config::{FeatureFormat, FeatureLayout};
use tal_corpus::source::SourceFormat;

use super::config::ConfigArgs;
use super::values::{at_least_one, positive, renaming};

#[derive(Debug, Subcommand)]
pub(crate) enum ConvertCommand {
    /// Convert a publisher's annotations to the shared JSON, ActivityNet's JSON or a table
    ///
    /// Reports gaps in the result, and annotations that were left out.
    Annotations(Box<ConvertAnnotationsArgs>),
    /// Convert the features of a data set to another format
    ///
    /// Converts the recordings of all training and test subsets of a configuration, and prints the lines of a configuration
    /// that reads the result.
    Features(ConvertFeaturesArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ConvertAnnotationsArgs {
    /// Annotation files, or the folder that holds them as published
    #[arg(required = true)]
    pub(crate) input: Vec<PathBuf>,
    /// Format of the files
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: SourceArg,
    /// File for the result
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Format of the result [default: csv for a name that ends in .csv, else json]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: Option<TargetArg>,
    /// Replace an existing file
    #[arg(long)]
    pub(crate) force: bool,
    /// Classes and their ids
    ///
    /// One name per line, optionally after a number, or a table with the columns id and key. Examples:
    /// Charades_v1_classes.txt, EPIC_100_verb_classes.csv, class_list.txt.
    #[arg(long, value_name = "FILE", help_heading = "Missing in the files")]
    pub(crate) class_names: Option<PathBuf>,
    /// Durations and frame rates: a table with the columns video_id and duration, fps or both
    ///
    /// Examples: EPIC_100_video_info.csv, video_info_new.csv of BSN and G-TAD.
    #[arg(long, value_name = "FILE", help_heading = "Missing in the files")]
    pub(crate) video_info: Option<PathBuf>,
    /// Frames per second of recordings whose frame rate is unknown
    #[arg(long, value_name = "N", value_parser = positive::<f64>, help_heading = "Missing in the files")]
    pub(crate) fps: Option<f64>,
    /// Subset of recordings whose subset is unknown [default: all, for a table without the column]
    #[arg(long, value_name = "NAME", help_heading = "Missing in the files")]
    pub(crate) default_subset: Option<String>,
    /// Rename a subset; can be given several times
    #[arg(long, value_name = "OLD=NEW", value_parser = renaming, help_heading = "Changes")]
    pub(crate) subset_map: Vec<(String, String)>,
    /// Leave out the annotations of a class (THUMOS14: Ambiguous); can be given several times
    #[arg(long, value_name = "NAME", help_heading = "Changes")]
    pub(crate) drop_class: Vec<String>,
    /// Ego4D: also use labels that are not marked as primary
    #[arg(long, help_heading = "Changes")]
    pub(crate) all_labels: bool,
    /// Stop at annotations that end before they start or have no length, instead of leaving them out
    #[arg(long, help_heading = "Changes")]
    pub(crate) strict: bool,
}

/// Format of annotations to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SourceArg {
    /// JSON as shared by ActionFormer, TriDet, OpenTAD and this program
    Json,
    /// Table with the columns recording, start, end and label; subset, duration, fps and label_id if known
    ///
    /// The columns of TSP (filename, t-start, t-end, action-label) and of G-TAD and AFSD (video, start, end, type) do, too.
    Csv,
    /// ActivityNet 1.2 and 1.3 (JSON)
    #[value(name = "activitynet")]
    ActivityNet,
    /// BSN, BMN and mmaction2 (JSON without subsets)
    Bsn,
    /// HACS Segments (JSON)
    Hacs,
    /// THUMOS14 (CLASS_val.txt, CLASS_test.txt)
    Thumos14,
    /// MultiTHUMOS (CLASS.txt, or the JSON with actions)
    #[value(name = "multithumos")]
    MultiThumos,
    /// EPIC-Kitchens-100, verbs (EPIC_100_train.csv, EPIC_100_validation.csv)
    EpicKitchensVerb,
    /// EPIC-Kitchens-100, nouns
    EpicKitchensNoun,
    /// Charades (Charades_v1_train.csv, Charades_v1_test.csv)
    Charades,
    /// Ego4D Moments Queries (moments_train.json, moments_val.json)
    Ego4dMq,
}

impl From<SourceArg> for SourceFormat {
    fn from(format: SourceArg) -> Self {
        match format {
            SourceArg::Json => SourceFormat::Json,
            SourceArg::Csv => SourceFormat::Csv,
            SourceArg::ActivityNet => SourceFormat::ActivityNet,
            SourceArg::Bsn => SourceFormat::Bsn,
            SourceArg::Hacs => SourceFormat::Hacs,
            SourceArg::Thumos14 => SourceFormat::Thumos,
            SourceArg::MultiThumos => SourceFormat::MultiThumos,
            SourceArg::EpicKitchensVerb => SourceFormat::EpicVerbs,
            SourceArg::EpicKitchensNoun => SourceFormat::EpicNouns,
            SourceArg::Charades => SourceFormat::Charades,
            SourceArg::Ego4dMq => SourceFormat::Ego4dMoments,
        }
    }
}

/// Format of annotations to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetArg {
    /// JSON that the commands of this program read
    Json,
    /// JSON of ActivityNet, without label ids
    #[value(name = "activitynet")]
    ActivityNet,
    /// Table with one row per annotation
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct ConvertFeaturesArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Format of the result, one file per recording
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: TargetFormat,
    /// Folder for the result; must be empty or new
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Order of the two axes: time T and channels C
    #[arg(long, value_name = "LAYOUT", default_value = "time-first")]
    pub(crate) layout: TargetLayout,
    /// Name of the array in the file; with several names (torch, pickle) each gets an equal share of the channels
    #[arg(long, value_name = "NAME")]
    pub(crate) key: Vec<String>,
    /// Number of recordings at the same time [default: one per core]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) jobs: Option<usize>,
}

/// Format of features to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetFormat {
    /// NumPy array
    Npy,
    /// NumPy archive
    Npz,
    /// Safetensors
    Safetensors,
    /// HDF5
    Hdf5,
    /// PyTorch: a tensor or, with --key, a dictionary
    Torch,
    /// Python pickle: a NumPy array or, with --key, a dictionary
    Pickle,
    /// Text, one line per feature
    Csv,
}

/// Order of the axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetLayout {
    /// (T, C)
    TimeFirst,
    /// (C, T)
    ChannelFirst,
}

impl ConvertFeaturesArgs {
    /// The format and the extension of its files, or the contradiction between the options.
    pub(crate) fn format(&self) -> Result<(FeatureFormat, &'static str), String> {
        let layout = match self.layout {
            TargetLayout::TimeFirst => FeatureLayout::TimeFirst,
            TargetLayout::ChannelFirst => FeatureLayout::ChannelFirst,
        };
        let keys = self.key.clone();
        let one = || match self.key.as_slice() {
            [] => Ok(None),
            [key] => Ok(Some(key.clone())),
            _ => Err("several --key are for torch and pickle".to_owned()),
        };
        let none = || match self.key.first() {
            None => Ok(()),
            Some(key) => Err(format!("--key {key}: the format has no names")),
        };
        Ok(match self.to {
            TargetFormat::Npy => {
                none()?;
                (FeatureFormat::Npy { layout }, ".npy")
            }
            TargetFormat::Npz => {
                let key = one()?.unwrap_or_else(|| "feats".to_owned());
                (FeatureFormat::Npz { key, layout }, ".npz")
            }
            TargetFormat::Safetensors => {
                let key = one()?;
                (FeatureFormat::Safetensors { key, layout }, ".safetensors")
            }
            TargetFormat::Hdf5 => {
                let (file, key) = (None, one()?);
                (FeatureFormat::Hdf5 { file, key, layout }, ".h5")
            }
            TargetFormat::Torch => (FeatureFormat::Torch { keys, layout }, ".pt"),
            TargetFormat::Pickle => (FeatureFormat::Pickle { keys, layout }, ".pkl"),
            TargetFormat::Csv => {
                none()?;
                if layout == FeatureLayout::ChannelFirst {
                    return Err(
                        "--layout channel-first: a text file has a line per feature".to_owned()
                    );
                }
                (FeatureFormat::Csv { header: false }, ".csv")
            }
        })
    }
}
