//! The command line of `tal data`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use regex::Regex;
use tal_corpus::source::SourceFormat;

use super::{
    CheckArgs, ClicksArgs, ClipsArgs, ConvertFeaturesArgs, LayerArgs, StatsArgs, at_least_one,
    positive,
};

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Find what is wrong with a data set, before training does.
    Check(CheckArgs),
    /// Tell what a data set is like: counts, lengths, levels.
    Stats(StatsArgs),
    /// Make a synthetic corpus: annotations and features.
    Synth(SynthArgs),
    /// Turn a data set as its publisher ships it into annotations and arrays.
    Prepare(PrepareArgs),
    /// Turn files of one format into another.
    #[command(subcommand)]
    Convert(ConvertCommand),
    /// Deal recordings to subsets: groups (subjects) stay together, classes are spread evenly.
    Split(SplitArgs),
    /// Draw background clicks from full annotations.
    Clicks(ClicksArgs),
    /// Cut long recordings into clips, with annotations and features.
    Clips(ClipsArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConvertCommand {
    /// Turn a publisher's annotations into the shared JSON, ActivityNet's JSON or a table.
    Annotations(Box<ConvertAnnotationsArgs>),
    /// Write the features of a data set in another format.
    Features(ConvertFeaturesArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ConvertAnnotationsArgs {
    /// Annotation files, or the folder that holds them as published.
    #[arg(required = true)]
    pub(crate) input: Vec<PathBuf>,
    /// Format of the files.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: SourceArg,
    /// Where the result goes.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Format of the result; unless given, csv for a name that ends so and json for others.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: Option<TargetArg>,
    /// Replace an existing file.
    #[arg(long)]
    pub(crate) force: bool,
    /// Classes and their ids: a name per line, which may have a number before it, or a table with id and key, such as
    /// Charades_v1_classes.txt, EPIC_100_verb_classes.csv, class_list.txt.
    #[arg(long, value_name = "FILE", help_heading = "What the files do not say")]
    pub(crate) class_names: Option<PathBuf>,
    /// Durations and frame rates: a table with video_id and duration, fps or both, such as EPIC_100_video_info.csv.
    #[arg(long, value_name = "FILE", help_heading = "What the files do not say")]
    pub(crate) video_info: Option<PathBuf>,
    /// Frames per second of recordings for which nothing else says it.
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "What the files do not say")]
    pub(crate) fps: Option<f64>,
    /// Subset of recordings for which neither file nor name says it.
    #[arg(long, value_name = "NAME", help_heading = "What the files do not say")]
    pub(crate) default_subset: Option<String>,
    /// Rename a subset; can be given several times.
    #[arg(long, value_name = "OLD=NEW", value_parser = renaming, help_heading = "Changes")]
    pub(crate) subset_map: Vec<(String, String)>,
    /// Leave out the annotations of a class (THUMOS14: Ambiguous); can be given several times.
    #[arg(long, value_name = "NAME", help_heading = "Changes")]
    pub(crate) drop_class: Vec<String>,
    /// Ego4D: use the labels that are not marked as primary, too.
    #[arg(long, help_heading = "Changes")]
    pub(crate) all_labels: bool,
}

/// Formats of annotations that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SourceArg {
    /// The JSON that ActionFormer, TriDet, OpenTAD and this program share.
    Json,
    /// A table with the columns recording, start, end, label; subset, duration, fps and label_id where known.
    Csv,
    /// ActivityNet 1.2 and 1.3 (JSON).
    #[value(name = "activitynet")]
    ActivityNet,
    /// HACS Segments (JSON).
    Hacs,
    /// THUMOS14 (CLASS_val.txt, CLASS_test.txt).
    Thumos14,
    /// MultiTHUMOS (CLASS.txt, or the JSON with actions).
    #[value(name = "multithumos")]
    MultiThumos,
    /// EPIC-Kitchens-100, verbs (EPIC_100_train.csv, EPIC_100_validation.csv).
    EpicKitchensVerb,
    /// EPIC-Kitchens-100, nouns.
    EpicKitchensNoun,
    /// Charades (Charades_v1_train.csv, Charades_v1_test.csv).
    Charades,
    /// Ego4D Moments Queries (moments_train.json, moments_val.json).
    Ego4dMq,
}

impl From<SourceArg> for SourceFormat {
    fn from(format: SourceArg) -> Self {
        match format {
            SourceArg::Json => SourceFormat::Json,
            SourceArg::Csv => SourceFormat::Csv,
            SourceArg::ActivityNet => SourceFormat::ActivityNet,
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

/// Formats of annotations that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetArg {
    /// The shared JSON, which the commands of this program read.
    Json,
    /// ActivityNet's JSON, without label ids.
    #[value(name = "activitynet")]
    ActivityNet,
    /// A table with a row per annotation.
    Csv,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("plan").required(true).multiple(true).args(["test_share", "validation_share", "folds"]))]
pub(crate) struct SplitArgs {
    /// Annotation file (shared JSON).
    pub(crate) annotations: PathBuf,
    /// Share of the recordings for the subset test, such as 0.2; the rest is training.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) test_share: Option<f64>,
    /// Share of the recordings for the subset validation.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) validation_share: Option<f64>,
    /// Make K files for cross-validation; each recording is in the subset test of one of them.
    #[arg(long, value_name = "K", value_parser = at_least_two, conflicts_with_all = ["test_share", "validation_share"])]
    pub(crate) folds: Option<usize>,
    /// Recordings for which this regular expression finds the same text in the id (its first group, where it has one)
    /// stay together: '_user(\d+)'.
    #[arg(long, value_name = "REGEX", value_parser = regular_expression)]
    pub(crate) group: Option<Regex>,
    /// Recordings whose ids are the same up to this text stay together: '_' for S1_Tea and S1_Cheese.
    #[arg(long, value_name = "TEXT", conflicts_with = "group", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) group_prefix: Option<String>,
    /// Deal only the recordings of this subset, the others stay where they are; can be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) subset: Vec<String>,
    /// Seed; the same seed gives the same subsets.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where the result goes: a file, with --folds a folder for fold1.json, fold2.json, …
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// Replace existing files.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = PREPARE_SOURCES)]
pub(crate) struct PrepareArgs {
    /// Which data set.
    pub(crate) dataset: PreparedDataset,
    /// Folder of the publisher's files.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// Folder for annotations.json and raw/ or features/; must be empty or new.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// GTEA (1 to 4) and 50 Salads (1 to 5): the split that makes the subsets training and test; 1 unless given.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) split: Option<usize>,
    /// GTEA and 50 Salads: use every Nth frame only (50 Salads is mostly used at 15 frames per second: 2).
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) every: Option<usize>,
    /// GTEA and 50 Salads: frames per second of labels and features; 15 and 30, as published, unless given.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) fps: Option<f64>,
}

/// Where the files come from.
const PREPARE_SOURCES: &str = "\
Where to get the files:
  sbhar     archive.ics.uci.edu, data set 341, Smartphone-Based Recognition
            of Human Activities and Postural Transitions.
            --from is its folder RawData.
  gtea      data.zip of the authors of MS-TCN: github.com/yabufarha/ms-tcn
            links it, and zenodo.org/record/3625992 has it.
            --from is its folder gtea, with groundTruth/, features/, splits/
            and mapping.txt.
  50salads  the same archive; --from is its folder 50salads.

The publishers' terms of use apply; they say what is to be cited.";

/// Data sets that can be prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PreparedDataset {
    /// Smartphone-Based Recognition of Human Activities and Postural Transitions (UCI), folder RawData.
    Sbhar,
    /// Georgia Tech Egocentric Activities, as distributed with MS-TCN.
    Gtea,
    /// 50 Salads, as distributed with MS-TCN.
    #[value(name = "50salads")]
    Salads,
}

#[derive(Debug, Args)]
pub(crate) struct SynthArgs {
    /// Folder for the corpus; must be empty or new.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) corpus: CorpusArgs,
    /// Make data in the layout, formats and sizes of a configuration (YAML) instead.
    #[arg(
        long,
        value_name = "CONFIG",
        conflicts_with_all = ["num_train", "num_test", "difficulty"],
        help_heading = "Like a configuration"
    )]
    pub(crate) like: Option<PathBuf>,
    /// Recordings of the training subset, and as many of the test subset.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 4,
        value_parser = at_least_one,
        requires = "like",
        help_heading = "Like a configuration"
    )]
    pub(crate) count: usize,
    #[command(flatten)]
    pub(crate) layers: LayerArgs,
}

/// What the synthetic corpus is like.
#[derive(Debug, Clone, Args)]
pub(crate) struct CorpusArgs {
    /// Recordings to train on.
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = at_least_one)]
    pub(crate) num_train: usize,
    /// Recordings to test on.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = at_least_one)]
    pub(crate) num_test: usize,
    /// From 0 (clean) to 1 (noise, distractors, confusable classes, overlaps).
    #[arg(long, value_name = "D", default_value_t = 0.5, value_parser = from_zero_to_one)]
    pub(crate) difficulty: f64,
    /// Seed; the same seed gives the same corpus.
    #[arg(long, visible_alias = "seed", value_name = "N", default_value_t = 1)]
    pub(crate) corpus_seed: u64,
}

pub(super) fn from_zero_to_one(text: &str) -> Result<f64, String> {
    match super::finite(text)? {
        number if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err("must be from 0 to 1".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match super::finite(text)? {
        number if number > 0.0 && number < 1.0 => Ok(number),
        _ => Err("must be above 0 and below 1".to_owned()),
    }
}

fn at_least_two(text: &str) -> Result<usize, String> {
    match at_least_one(text)? {
        1 => Err("must be at least 2".to_owned()),
        number => Ok(number),
    }
}

/// The parser's message is a drawing over several lines; its last one says what is wrong.
fn regular_expression(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| {
        let message = error.to_string();
        let last = message.lines().last().unwrap_or_default();
        last.trim_start_matches("error: ").to_owned()
    })
}

fn renaming(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => {
            Ok((old.to_lowercase(), new.to_owned()))
        }
        _ => Err("needs OLD=NEW, such as validation=training".to_owned()),
    }
}
