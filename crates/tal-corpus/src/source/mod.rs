//! Annotations in the formats of their publishers.
//!
//! | format | files | where from |
//! |---|---|---|
//! | [`SourceFormat::Json`] | the shared JSON | see [`tal_data::annotations`] |
//! | [`SourceFormat::Csv`] | a table with the columns recording, start, end, label (and subset, duration, fps, label_id), or those of TSP and G-TAD | one's own data, TSP, G-TAD, AFSD |
//! | [`SourceFormat::ActivityNet`] | `activity_net.v1-2.min.json`, `activity_net.v1-3.min.json` | the data set's page, activity-net.org |
//! | [`SourceFormat::Bsn`] | `anet_anno_action.json`, `anet_anno_train.json`, …: `{ID: {duration_second, annotations}}` | BSN, BMN, mmaction2 |
//! | [`SourceFormat::Hacs`] | `HACS_segments_v1.1.1.json` | the data set's repository, HACS-dataset |
//! | [`SourceFormat::Thumos`] | `CLASS_val.txt` and `CLASS_test.txt` of the two archives of temporal annotations | the challenge's page, THUMOS14 |
//! | [`SourceFormat::MultiThumos`] | `CLASS.txt`, or the JSON `{ID: {duration, subset, actions}}` that models of overlapping actions read | the data set's page |
//! | [`SourceFormat::EpicVerbs`], [`SourceFormat::EpicNouns`] | `EPIC_100_train.csv`, `EPIC_100_validation.csv` | the repository epic-kitchens-100-annotations |
//! | [`SourceFormat::Charades`] | `Charades_v1_train.csv`, `Charades_v1_test.csv` | the data set's page |
//! | [`SourceFormat::Ego4dMoments`] | `moments_train.json`, `moments_val.json`, `moments_test_unannotated.json` | Ego4D's annotations, after its licence |
//!
//! # Subsets
//! As the publisher calls them; THUMOS14 and MultiTHUMOS say it in the video's id (`validation`, `test`), EPIC-Kitchens
//! and Charades in the file's name (`training`, `validation`, `test`).
//!
//! # Class ids
//! Those of [`SourceOptions::class_names`] if given, else those of the format (label ids, ActivityNet's taxonomy in the
//! order of the alphabet, numbers of EPIC-Kitchens, Charades and the JSON of MultiTHUMOS), else from 0 in the order of the
//! names. `Ambiguous` of THUMOS14 comes after all other classes.

mod actions;
mod activity_net;
mod assemble;
mod bsn;
mod charades;
mod class_list;
mod ego4d;
mod epic;
mod error;
mod format;
mod instances;
mod json;
mod projects;
mod raw;
mod recognition;
mod shared;
mod thumos;
mod video_info;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tal_core::{GroundTruth, Segment};
use tal_data::text;

use tal_exchange::Project;

pub use class_list::ClassList;
pub use error::SourceError;
pub use format::SourceFormat;
pub(crate) use instances::COLUMNS;
pub use recognition::recognise;
pub use video_info::VideoInfo;

/// Options for what the files do not say, and for what is to be changed.
///
/// # Units
/// `fps` in frames per second.
#[derive(Debug, Clone, Default)]
pub struct SourceOptions {
    /// Names and ids of the classes; a label that is not among them is an error.
    pub class_names: Option<ClassList>,
    /// Durations and frame rates; they come before those of the files.
    pub video_info: Option<VideoInfo>,
    /// Frame rate of recordings that have none otherwise.
    pub fps: Option<f64>,
    /// Subset of recordings for which the format does not say it.
    pub default_subset: Option<String>,
    /// New names of subsets, by their present names in lower case.
    pub subset_map: BTreeMap<String, String>,
    /// Classes whose annotations are left out.
    pub drop_classes: Vec<String>,
    /// Ego4D: use the labels that are not marked as primary, too.
    pub all_labels: bool,
    /// An annotation without length, or one that ends before it starts, is an error instead of being left out.
    pub strict: bool,
}

/// Why an annotation is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DropReason {
    /// It starts at its end.
    ZeroLength,
    /// It ends before it starts.
    Reversed,
    /// Its class is one of [`SourceOptions::drop_classes`].
    Class,
    /// Ego4D: it is not marked as primary.
    NotPrimary,
}

/// An annotation that was left out.
///
/// # Units
/// `segment` in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropped {
    /// The recording's id.
    pub recording: String,
    /// The name of the class.
    pub label: String,
    /// When it happens, according to the file.
    pub segment: Segment<f64>,
    /// Why it was left out.
    pub reason: DropReason,
}

/// Annotations that were read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Converted {
    /// The annotations; every segment is longer than 0.
    pub truth: GroundTruth,
    /// Annotations that were left out.
    pub dropped: Vec<Dropped>,
    /// Annotations that end after their recording does, and were kept as they are.
    pub num_beyond_end: usize,
    /// The subset of all recordings, if neither the files nor the options name one.
    pub assumed_subset: Option<String>,
    /// Recordings that the options told something of.
    pub used: Used,
}

/// Number of recordings that an option of [`SourceOptions`] told something of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Those in [`SourceOptions::video_info`].
    pub video_info: usize,
    /// Those with [`SourceOptions::fps`].
    pub fps: usize,
    /// Those with [`SourceOptions::default_subset`].
    pub default_subset: usize,
}

/// Subset of the recordings of a table without subsets; [`crate::split`] deals them out.
pub const ONLY_SUBSET: &str = "all";

/// Reads annotations; of a folder among `inputs` those files that belong to the format.
///
/// # Units
/// Segments and durations in seconds, `fps` in frames per second.
///
/// # Errors
/// A file that is missing, unreadable or not of the format, each with line, column, recording or field and what would be
/// right; a folder without such files; a recording that occurs twice; no recording at all; one without subset (in a table: only
/// if others have one, else all are of [`ONLY_SUBSET`]); a label that is not in the list of
/// classes; a class or subset of the options that does not occur; a table of durations without any of the recordings.
pub fn read(
    format: SourceFormat,
    inputs: &[PathBuf],
    options: &SourceOptions,
) -> Result<Converted, SourceError> {
    let mut files = Vec::new();
    for input in inputs {
        for path in expand(format, input)? {
            let bytes = text::read(&path)?;
            files.push((path, bytes));
        }
    }
    parse(format, &files, options)
}

/// [`read`] of files' contents; the names of the paths may tell class or subset, as on disk.
///
/// # Units
/// Those of [`read`].
///
/// # Errors
/// Those of [`read`], except for those of the file system.
pub fn parse(
    format: SourceFormat,
    files: &[(PathBuf, Vec<u8>)],
    options: &SourceOptions,
) -> Result<Converted, SourceError> {
    let parsed = files
        .iter()
        .map(|(path, bytes)| (format.entry().parse)(bytes, path))
        .collect::<Result<_, _>>()?;
    assemble::converted(format, parsed, options)
}

/// A file itself, of a folder the files of the format by name.
fn expand(format: SourceFormat, input: &Path) -> Result<Vec<PathBuf>, SourceError> {
    if !input.is_dir() {
        return Ok(vec![input.to_owned()]);
    }
    let files = text::entries(input, |path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(format.entry().takes)
    })?;
    if files.is_empty() {
        return Err(SourceError::NoFiles {
            path: input.to_owned(),
            expected: format.entry().files,
        });
    }
    Ok(files)
}

/// Annotations of a tool as those of a data set. All recordings are of [`ONLY_SUBSET`] if the options name no subset; point events
/// become `point_width` wide, around their time; class ids follow the order of the names. `origin` is the file for messages.
///
/// # Units
/// `point_width` in seconds.
///
/// # Errors
/// Point events without a width; those of [`parse`] that are not about the content of files.
pub fn from_project(
    project: &Project,
    origin: &Path,
    point_width: Option<f64>,
    options: &SourceOptions,
) -> Result<Converted, SourceError> {
    let parsed = projects::parsed(project, origin, point_width)?;
    assemble::converted(SourceFormat::Csv, vec![parsed], options)
}
