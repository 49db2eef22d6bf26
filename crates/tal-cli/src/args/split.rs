//! Arguments of `tal data split`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args};
use regex::Regex;

use super::values::{at_least_two, regular_expression, share};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("plan").required(true).multiple(true).args(["test_share", "validation_share", "folds"]))]
pub(crate) struct SplitArgs {
    /// Annotation file (JSON)
    pub(crate) annotations: PathBuf,
    /// Share of the recordings for the subset test, such as 0.2; the rest is for training
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) test_share: Option<f64>,
    /// Share of the recordings for the subset validation
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) validation_share: Option<f64>,
    /// Write K files for cross-validation; each recording is in the subset test of one of them
    #[arg(long, value_name = "K", value_parser = at_least_two, conflicts_with_all = ["test_share", "validation_share"])]
    pub(crate) folds: Option<usize>,
    /// Keep recordings together in whose ids this regular expression finds the same text, such as '_user(\d+)'
    ///
    /// If the expression has a group, the text of the first one counts.
    #[arg(long, value_name = "REGEX", value_parser = regular_expression)]
    pub(crate) group: Option<Regex>,
    /// Keep recordings together whose ids are equal up to this text, such as '_' for S1_Tea and S1_Cheese
    #[arg(long, value_name = "TEXT", conflicts_with = "group", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) group_prefix: Option<String>,
    /// Split only the recordings of this subset; can be given several times [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) subset: Vec<String>,
    /// Seed of the random choice; the same seed gives the same subsets
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// File for the result; with --folds, a folder for fold1.json, fold2.json, …
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// Replace existing files
    #[arg(long)]
    pub(crate) force: bool,
}
