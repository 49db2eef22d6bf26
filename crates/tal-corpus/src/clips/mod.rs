//! Long recordings cut into clips, whose labels say more: in a long recording almost every class happens.
//!
//! The result is a data set like any other, for full and for weak supervision:
//!
//! ```text
//! annotations.json    clips ID@START-END (seconds), their actions in the clip's time
//! features/CLIP.npy   float32 (T, C); raw/CLIP.npy (samples, channels) if the format is inertial
//! clicks.json         the clicks that were given, cut along
//! dataset.yaml        an overlay that puts the clips in place of the recordings of a configuration
//! ```
//!
//! Features are cut between features, raw signals between samples, so that a clip's own time begins where its first feature
//! (sample) does, and `fps`, `feat_stride` and `num_frames` stay right. A clip lasts from its first feature's begin to its last
//! one's end: features whose windows are longer than their stride make neighbouring clips overlap by the difference.
//!
//! A cut action counts in a clip if enough of it is left, see [`actions_within`]; remainders are not annotations, but are
//! kept in `cut_off`, so that they are not taken for background.

mod cutter;
mod error;
mod folder;
mod plan;

use std::collections::BTreeMap;
use std::path::Path;

use tal_core::config::DatasetConfig;
use tal_core::{GroundTruth, Instance, Recording};

use tal_data::check_inertial_grid;
use tal_data::clicks::Clicks;
use tal_data::{DataError, annotations};

use cutter::Cutter;

pub use error::ClipError;
pub use plan::{ClipActions, Units, actions_within, windows};

/// How recordings are cut.
///
/// # Units
/// `length` and `stride` in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClipConfig {
    /// How long a clip is.
    pub length: f64,
    /// Time between the starts of neighbouring clips; at most `length`.
    pub stride: f64,
    /// The least share of an action, or of the clip if that is shorter, with which the action counts in the clip.
    pub min_share: f64,
    /// Keep clips to train on in which no action counts. Labels alone say nothing about them.
    pub keep_empty: bool,
}

/// Clips cut from the recordings of a subset.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SubsetReport {
    /// The subset, as it was asked for.
    pub subset: String,
    /// Recordings.
    pub num_recordings: usize,
    /// Clips.
    pub num_clips: usize,
    /// Clips that were left out since no action counts in them.
    pub num_left_out: usize,
    /// Seconds of all clips.
    pub seconds: f64,
    /// Actions of all clips.
    pub num_actions: usize,
    /// Remainders of actions.
    pub num_cut_off: usize,
    /// Classes of a clip, summed over all.
    pub num_labels: usize,
    /// Classes of a recording, summed over all.
    pub num_recording_labels: usize,
    /// Clicks that were cut along.
    pub num_clicks: usize,
    /// The longest clip, in features or samples.
    pub max_len: usize,
}

/// Cuts the recordings of `subsets` (names compared without regard to case) of a data set and writes the clips into a new or
/// empty folder, with the clicks that fall into each. Reports on the subsets that have recordings, in their order.
///
/// One recording is in memory at a time. Everything is made in a temporary folder inside and then moved into place, the
/// annotations last, so that an `annotations.json` proves that all clips are there; after an error nothing is left.
///
/// # Errors
/// Settings out of range; annotations that cannot be read, or no recording in the subsets; a recording with labels alone, or one
/// that is a clip with remainders of actions; features that are missing (unless
/// `skip_missing_features` is set) or cannot be read; a recording without frame rate, or without duration where `feat_stride`
/// is null; no clip with an action; a raw signal with `columns` or `append`; a click behind the end of its recording; an output folder that is not
/// empty or cannot be written.
pub fn cut(
    dataset: &DatasetConfig,
    subsets: &[String],
    clicks: Option<(&Clicks, &Path)>,
    out: &Path,
    config: &ClipConfig,
) -> Result<Vec<SubsetReport>, ClipError> {
    config.check()?;
    check_inertial_grid(dataset)?;
    let all = annotations::read(&dataset.annotations, None)?;
    let chosen: Vec<&Recording> = all.subset(subsets).collect();
    if chosen.is_empty() {
        return Err(ClipError::Data(DataError::EmptySubset {
            path: dataset.annotations.clone(),
            wanted: subsets.to_vec(),
            present: all.subset_names().into_iter().map(str::to_owned).collect(),
        }));
    }
    check_actions(&dataset.annotations, &chosen)?;
    if let Some((clicks, path)) = clicks {
        clicks.check_durations(chosen.iter().copied(), path)?;
        clicks.warn_of_unknown(|id| all.recordings.iter().any(|r| r.id == id), path);
    }
    let cutter = Cutter::new(dataset, config)?;
    let report = |subset: &String| SubsetReport {
        subset: subset.clone(),
        ..SubsetReport::default()
    };
    folder::write(out, cutter.folder(), |features| {
        let mut result = Clips {
            truth: GroundTruth {
                classes: all.classes.clone(),
                recordings: Vec::new(),
            },
            cut_off: BTreeMap::new(),
            clicks: clicks.map(|_| Clicks::default()),
            reports: subsets.iter().map(report).collect(),
            overlay: cutter.overlay(),
        };
        for recording in chosen {
            let clicks = clicks.map_or(&[][..], |(clicks, _)| clicks.of(&recording.id));
            cutter.recording(recording, clicks, features, &mut result)?;
        }
        result.reports.retain(|report| report.num_recordings > 0);
        match result.truth.recordings.is_empty() {
            true => Err(ClipError::NoClips),
            false => Ok(result),
        }
    })
}

/// That it is known when everything in the chosen recordings happens.
fn check_actions(path: &Path, chosen: &[&Recording]) -> Result<(), ClipError> {
    let extra = annotations::extra::read(path)?;
    let labels_alone = |recording: &Recording| {
        let labels = extra.labels.get(&recording.id);
        recording.instances.is_empty() && labels.is_some_and(|labels| !labels.is_empty())
    };
    for recording in chosen {
        let (path, id) = (path.to_owned(), recording.id.clone());
        if labels_alone(recording) {
            return Err(ClipError::LabelsAlone {
                path,
                recording: id,
            });
        }
        if extra.cut_off.contains_key(&id) {
            return Err(ClipError::Clip {
                path,
                recording: id,
            });
        }
    }
    Ok(())
}

/// Files of the folder besides features.
struct Clips {
    truth: GroundTruth,
    cut_off: BTreeMap<String, Vec<Instance>>,
    clicks: Option<Clicks>,
    reports: Vec<SubsetReport>,
    overlay: String,
}

impl ClipConfig {
    fn check(&self) -> Result<(), ClipError> {
        let wrong = |field, found: f64, expected: String| ClipError::Setting {
            field,
            found: found.to_string(),
            expected,
        };
        // Ids of clips tell hundredths of seconds apart.
        for (field, value) in [("length", self.length), ("stride", self.stride)] {
            if !(value.is_finite() && value >= 0.01) {
                return Err(wrong(field, value, "at least 0.01 seconds".into()));
            }
        }
        if self.stride > self.length {
            let length = self.length;
            let expected = format!("at most the length, {length}: clips cover the recording");
            return Err(wrong("stride", self.stride, expected));
        }
        if !(0.0..=1.0).contains(&self.min_share) {
            let expected = "a share from 0 to 1".into();
            return Err(wrong("min_share", self.min_share, expected));
        }
        Ok(())
    }
}
