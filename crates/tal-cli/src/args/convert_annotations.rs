//! Arguments of `tal data convert annotations`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tal_exchange::{ClassFrom, IdSource};

use super::formats::{FromArg, ToArg, sources, targets};
use super::label_studio::LabelStudioArgs;
use super::values::{positive, renaming};

#[derive(Debug, Args)]
pub(crate) struct ConvertAnnotationsArgs {
    /// Annotation files, or the folder that holds them as published
    #[arg(required = true)]
    pub(crate) input: Vec<PathBuf>,
    /// Format of the files; auto looks at their content
    #[arg(long, value_name = "FORMAT", default_value = "auto", value_parser = sources())]
    pub(crate) from: FromArg,
    /// File for the result, or a folder for formats with a file per recording
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Format of the result [default: csv for a name that ends in .csv, else json]
    #[arg(long, value_name = "FORMAT", value_parser = targets())]
    pub(crate) to: Option<ToArg>,
    /// Replace existing files
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) tool: ToolArgs,
    #[command(flatten)]
    pub(crate) label_studio: LabelStudioArgs,
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
    /// Frames per second of recordings whose frame rate is unknown; formats that count frames need it
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

/// Options for files of annotation tools.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files of annotation tools")]
pub(crate) struct ToolArgs {
    /// Seconds that point events last, around their time
    #[arg(long, value_name = "SECONDS", value_parser = positive::<f64>)]
    pub(crate) point_width: Option<f64>,
    /// Place of the class in files with tiers (ELAN, Praat) [default: value]
    #[arg(long, value_name = "PLACE")]
    pub(crate) class_from: Option<ClassFromArg>,
    /// Origin of the recordings' ids [default: name]
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) ids: Option<IdsArg>,
    /// Read only this tier, or in VIA's files take the class from this attribute; can be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) tier: Vec<String>,
    /// Read only the events of this subject; can be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Vec<String>,
    /// Read only the events of this annotator; can be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) annotator: Vec<String>,
    /// Make modifiers part of the class: behaviour:modifier
    #[arg(long)]
    pub(crate) modifiers_in_class: bool,
    /// Path or URL of the films in the result: a folder, or with {id} for the recording's id
    #[arg(long, value_name = "PATH")]
    pub(crate) media: Option<String>,
}

/// Place of the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClassFromArg {
    /// The value of an annotation; the tier's name is the subject, unless it is the class
    Value,
    /// The name of the tier; the value is a comment
    Tier,
}

/// Origin of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IdsArg {
    /// The observation's name, or else the name of the file
    Name,
    /// The name of the film or sound, so that features of that name are found; observations of one film become one recording
    Media,
}

impl From<ClassFromArg> for ClassFrom {
    fn from(place: ClassFromArg) -> Self {
        match place {
            ClassFromArg::Value => Self::Value,
            ClassFromArg::Tier => Self::Tier,
        }
    }
}

impl From<IdsArg> for IdSource {
    fn from(origin: IdsArg) -> Self {
        match origin {
            IdsArg::Name => Self::Name,
            IdsArg::Media => Self::Media,
        }
    }
}
