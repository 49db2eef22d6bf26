//! Facts about a data set, from its annotations and feature files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tal_core::config::FeatureLayout;
use tal_core::{FileError, GroundTruth, Recording, plain_list};
use tal_data::annotations;
use tal_data::features::npy::Array;
use tal_data::features::{csv, npy, safetensors, tensors};

use super::error::SuggestionError;
use crate::audit::Distribution;

/// Most feature files that are read; more would only make the numbers more exact.
const MAX_FILES: usize = 200;
/// Names of subsets to train on and to test on, best first.
const TRAINING: [&str; 2] = ["training", "train"];
const TEST: [&str; 5] = ["test", "testing", "validation", "valid", "val"];

/// What is known of a data set.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facts {
    pub(super) annotations: PathBuf,
    pub(super) features: PathBuf,
    pub(super) suffix: String,
    pub(super) kind: Kind,
    pub(super) layout: FeatureLayout,
    pub(super) num_channels: usize,
    pub(super) train_subset: String,
    pub(super) test_subset: String,
    pub(super) num_classes: usize,
    pub(super) num_training: usize,
    pub(super) num_actions: usize,
    /// Frame rate of all recordings, if the annotations give the same to each.
    pub(super) fps: Option<f64>,
    /// Seconds and time steps of training recordings of which both are known.
    pub(super) lengths: Vec<(f64, usize)>,
    /// Seconds of the training actions.
    pub(super) action_seconds: Distribution,
    /// Seconds of the typical action of the class with the shortest ones.
    pub(super) shortest_class: f64,
    pub(super) actions_per_recording: Distribution,
}

/// Format of the feature files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Npy,
    Csv,
    Safetensors,
    Torch,
    Pickle,
}

impl Kind {
    fn of(suffix: &str) -> Option<Self> {
        Some(
            match suffix.rsplit('.').next()?.to_ascii_lowercase().as_str() {
                "npy" => Self::Npy,
                "csv" => Self::Csv,
                "safetensors" => Self::Safetensors,
                "pt" | "pth" => Self::Torch,
                "pkl" | "pickle" => Self::Pickle,
                _ => return None,
            },
        )
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Csv => "csv",
            Self::Safetensors => "safetensors",
            Self::Torch => "torch",
            Self::Pickle => "pickle",
        }
    }

    fn read(self, path: &Path) -> Result<Array, SuggestionError> {
        let mut arrays = match self {
            Self::Npy => vec![npy::read(path)?],
            Self::Csv => vec![csv::read(path, false)?],
            Self::Safetensors => vec![safetensors::read(path, None)?],
            Self::Torch | Self::Pickle => tensors::read(path, &[])?,
        };
        match (arrays.pop(), arrays.is_empty()) {
            (Some(array), true) if array.shape.len() == 2 => Ok(array),
            (array, _) => Err(SuggestionError::Shape {
                path: path.to_owned(),
                shape: array.map(|array| array.shape).unwrap_or_default(),
            }),
        }
    }
}

impl Facts {
    /// Reads the annotations, and the feature files of training recordings.
    pub(super) fn read(annotated: &Path, features: &Path) -> Result<Self, SuggestionError> {
        let truth = annotations::read(annotated, None)?;
        let subset = |names: &[&str], role| subset(&truth, names, role, annotated);
        let (train_subset, test_subset) = (subset(&TRAINING, "training")?, subset(&TEST, "test")?);
        let training: Vec<&Recording> = truth.subset(std::slice::from_ref(&train_subset)).collect();
        let (suffix, kind) = suffix(&training, features)?;
        let (shapes, paths) = shapes(&training, features, &suffix, kind)?;
        let (layout, num_channels) = layout(&shapes, &paths)?;
        let lengths = shapes.iter().filter_map(|(recording, [time, other])| {
            let len = match layout {
                FeatureLayout::TimeFirst => *time,
                FeatureLayout::ChannelFirst => *other,
            };
            Some((recording.duration?, len))
        });
        let lengths: Vec<(f64, usize)> = lengths.collect();
        let no_actions = || SuggestionError::NoActions {
            path: annotated.to_owned(),
            subset: train_subset.clone(),
        };
        let actions = || training.iter().flat_map(|recording| &recording.instances);
        let mut of_class: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        for action in actions() {
            of_class
                .entry(action.label)
                .or_default()
                .push(action.segment.length());
        }
        let medians = of_class.into_values().filter_map(Distribution::of);
        let shortest = medians.map(|class| class.median).min_by(f64::total_cmp);
        let per_recording = training
            .iter()
            .map(|recording| recording.instances.len() as f64);
        let seconds = actions().map(|action| action.segment.length());
        Ok(Self {
            annotations: annotated.to_owned(),
            features: features.to_owned(),
            suffix,
            kind,
            layout,
            num_channels,
            num_classes: truth.classes.id_bound() as usize,
            num_training: training.len(),
            num_actions: actions().count(),
            fps: common_fps(&truth),
            lengths,
            action_seconds: Distribution::of(seconds).ok_or_else(no_actions)?,
            shortest_class: shortest.ok_or_else(no_actions)?,
            actions_per_recording: Distribution::of(per_recording).ok_or_else(no_actions)?,
            train_subset,
            test_subset,
        })
    }
}

fn subset(
    truth: &GroundTruth,
    wanted: &[&str],
    role: &'static str,
    path: &Path,
) -> Result<String, SuggestionError> {
    let present = truth.subset_names();
    let find = |name: &&str| present.iter().find(|one| one.to_lowercase() == **name);
    wanted
        .iter()
        .find_map(find)
        .map(|name| (*name).to_owned())
        .ok_or_else(|| SuggestionError::Subset {
            path: path.to_owned(),
            role,
            present: plain_list(&present),
        })
}

fn common_fps(truth: &GroundTruth) -> Option<f64> {
    let mut rates = truth.recordings.iter().map(|recording| recording.fps);
    let first = rates.next()??;
    rates.all(|fps| fps == Some(first)).then_some(first)
}

/// The end of the names of feature files: what follows the id of the first recording that has any.
fn suffix(training: &[&Recording], folder: &Path) -> Result<(String, Kind), SuggestionError> {
    let read = |error| FileError::at("list the folder", folder)(error);
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        names.push(
            entry
                .map_err(read)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    names.sort();
    let mut other: Option<String> = None;
    for recording in training {
        for name in &names {
            let Some(suffix) = name.strip_prefix(recording.id.as_str()) else {
                continue;
            };
            match Kind::of(suffix) {
                // The id may begin that of another recording.
                Some(kind) if !suffix.starts_with(|c: char| c.is_alphanumeric()) => {
                    return Ok((suffix.to_owned(), kind));
                }
                _ => other = Some(name.clone()),
            }
        }
    }
    Err(SuggestionError::NoFeatures {
        folder: folder.to_owned(),
        example: training
            .first()
            .map(|one| one.id.clone())
            .unwrap_or_default(),
        other,
    })
}

type Shapes<'a> = (Vec<(&'a Recording, [usize; 2])>, Vec<PathBuf>);

/// Shapes of the files of training recordings, at most [`MAX_FILES`] of them, evenly spaced.
fn shapes<'a>(
    training: &[&'a Recording],
    folder: &Path,
    suffix: &str,
    kind: Kind,
) -> Result<Shapes<'a>, SuggestionError> {
    let every = training.len().div_ceil(MAX_FILES).max(1);
    let mut shapes = Vec::new();
    let mut paths = Vec::new();
    for recording in training.iter().step_by(every) {
        let path = folder.join(format!("{}{suffix}", recording.id));
        // A recording without features does not matter for numbers; `tal data check` names it.
        if path.is_file() {
            let shape = kind.read(&path)?.shape;
            shapes.push((*recording, [shape[0], shape[1]]));
            paths.push(path);
        }
    }
    Ok((shapes, paths))
}

/// The axis of channels is the one that is the same in all files; channels come last if both are.
fn layout(
    shapes: &[(&Recording, [usize; 2])],
    paths: &[PathBuf],
) -> Result<(FeatureLayout, usize), SuggestionError> {
    let same = |axis: usize| {
        shapes
            .windows(2)
            .all(|pair| pair[0].1[axis] == pair[1].1[axis])
    };
    let first = shapes.first().map_or([0, 0], |(_, shape)| *shape);
    match (same(1), same(0)) {
        (true, _) => Ok((FeatureLayout::TimeFirst, first[1])),
        (false, true) => Ok((FeatureLayout::ChannelFirst, first[0])),
        (false, false) => Err(SuggestionError::Channels {
            path: paths.first().cloned().unwrap_or_default(),
            shape: first.to_vec(),
        }),
    }
}
