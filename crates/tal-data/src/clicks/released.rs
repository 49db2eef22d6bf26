//! The archives that the authors of BackTAL distribute: features, labels and clicks of one recording in a NumPy archive.
//!
//! | array | shape | content |
//! |---|---|---|
//! | `feat_spa`, `feat_tem` | (C, T) each | appearance and motion features; the network takes the channels of both, in this order |
//! | `cls_label` | (K) | 1 for the classes of the recording, else 0 |
//! | `point_label` | (T) | training only: K at a clicked snippet, −100 elsewhere |
//! | `frame_num`, `fps`, `duration` | () | test only |
//!
//! A file is named after its recording, `ID.npz`. The names of the arrays are those that the authors' loader asks for
//! (`lib/dataset/dataset.py` of github.com/VividLe/BackTAL); T is 750 for THUMOS14, 100 for ActivityNet 1.2, 200 for HACS. Whole
//! numbers may be stored in any width, or as floating point numbers.

use std::path::Path;

use tal_core::Recording;

use super::{ClickError, Clicks};
use crate::features::{npy, npz};
use crate::{FeatureArray, FeatureError};

/// Value of `point_label` at snippets without a click.
pub const NOT_CLICKED: i64 = -100;

/// One archive.
///
/// # Shapes
/// `features` (C, T), the channels of appearance before those of motion.
///
/// # Units
/// `duration` in seconds, `fps` in frames per second.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleasedRecording {
    /// The recording's id, from the name of the file.
    pub id: String,
    /// Both streams.
    pub features: FeatureArray,
    /// Classes of the recording, ascending.
    pub labels: Vec<u32>,
    /// Number of classes K.
    pub num_classes: usize,
    /// The clicked snippets, ascending; nothing in archives to test on.
    pub clicks: Option<Vec<usize>>,
    /// Number of frames, if the file says so.
    pub frame_num: Option<f64>,
    /// Frame rate, if the file says so.
    pub fps: Option<f64>,
    /// Duration, if the file says so.
    pub duration: Option<f64>,
}

/// Reads an archive.
///
/// # Errors
/// A file that is unreadable or damaged; a missing `feat_spa`, `feat_tem` or `cls_label`; arrays of other shapes, or with
/// other values than the [module](self) says.
pub fn read(path: &Path) -> Result<ReleasedRecording, ClickError> {
    let features = features(path)?;
    let (labels, num_classes) = labels(path)?;
    let clicks = match optional(path, "point_label")? {
        Some(array) => Some(clicks(path, &array, features.len(), num_classes)?),
        None => None,
    };
    Ok(ReleasedRecording {
        id: path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        features,
        labels,
        num_classes,
        clicks,
        frame_num: number(path, "frame_num")?,
        fps: number(path, "fps")?,
        duration: number(path, "duration")?,
    })
}

/// The clicks of `recordings` from the archives `ID.npz` of a folder, each in the middle of its snippet: snippet i of T is
/// clicked at (i + ½) / T of the duration, that of the archive if the recording has none. A recording without archive or
/// without `point_label` has no clicks.
///
/// # Errors
/// Those of [`read`]; a recording with clicks but without duration; a folder in which no recording has an archive with
/// `point_label`.
pub fn read_clicks<'a>(
    folder: &Path,
    recordings: impl IntoIterator<Item = &'a Recording>,
) -> Result<Clicks, ClickError> {
    let mut all = Clicks::default();
    let (mut first, mut has_clicks) = (None, false);
    for recording in recordings {
        let path = folder.join(format!("{}.npz", recording.id));
        let first = first.get_or_insert_with(|| path.clone());
        if !path.is_file() {
            continue;
        }
        // The first one that is there says more than one that is missing.
        if !first.is_file() {
            first.clone_from(&path);
        }
        let Some(array) = optional(&path, "point_label")? else {
            continue;
        };
        let len = array.data.len();
        let (_, num_classes) = labels(&path)?;
        let snippets = clicks(&path, &array, len, num_classes)?;
        // The recording's own goes first, since everything else measures clicks by it.
        let duration = match recording.duration {
            Some(duration) => Some(duration),
            None => number(&path, "duration")?,
        };
        let missing = || ClickError::MissingDuration(recording.id.clone());
        let duration = duration.ok_or_else(missing)?;
        has_clicks = true;
        let middle = |snippet: usize| (snippet as f64 + 0.5) / len as f64 * duration;
        all.set(&recording.id, snippets.into_iter().map(middle).collect());
    }
    match first {
        Some(first) if !has_clicks => Err(ClickError::NoArchive {
            folder: folder.to_owned(),
            first,
        }),
        _ => Ok(all),
    }
}

fn features(path: &Path) -> Result<FeatureArray, ClickError> {
    let mut parts = Vec::new();
    for key in ["feat_spa", "feat_tem"] {
        let array = npz::read(path, key)?;
        let [channels, len] = array.shape[..] else {
            let expected = "(channels, snippets)".to_owned();
            return Err(wrong(path, key, shape(&array), expected));
        };
        if channels == 0 || len == 0 {
            let expected = "at least one channel and snippet".to_owned();
            return Err(wrong(path, key, shape(&array), expected));
        }
        let part = FeatureArray::from_channel_first(array.data, channels, len);
        if let Some((time, channel, value)) = part.first_not_finite() {
            let found = format!("has {value} at channel {channel}, snippet {time}");
            return Err(wrong(path, key, found, "finite values".into()));
        }
        parts.push(part);
    }
    if parts[0].len() != parts[1].len() {
        let found = format!("has {} snippets", parts[1].len());
        let expected = format!("{} as in feat_spa", parts[0].len());
        return Err(wrong(path, "feat_tem", found, expected));
    }
    Ok(FeatureArray::concatenated(parts))
}

/// The classes of the recording and how many there are.
fn labels(path: &Path) -> Result<(Vec<u32>, usize), ClickError> {
    const KEY: &str = "cls_label";
    let array = npz::read_numbers(path, KEY)?;
    if array.shape.len() != 1 {
        let expected = "one value per class".to_owned();
        return Err(wrong(path, KEY, shape(&array), expected));
    }
    let mut labels = Vec::new();
    for (class, value) in array.data.iter().enumerate() {
        if *value == 1.0 {
            labels.push(class as u32);
        } else if *value != 0.0 {
            let found = format!("is {value} for class {class}");
            return Err(wrong(path, KEY, found, "0 or 1".into()));
        }
    }
    Ok((labels, array.data.len()))
}

/// The clicked snippets of `point_label`.
fn clicks(
    path: &Path,
    array: &npy::Array,
    len: usize,
    num_classes: usize,
) -> Result<Vec<usize>, ClickError> {
    const KEY: &str = "point_label";
    if array.shape[..] != [len] {
        let expected = format!("one value per snippet, ({len})");
        return Err(wrong(path, KEY, shape(array), expected));
    }
    let mut clicked = Vec::new();
    for (snippet, value) in array.data.iter().enumerate() {
        if *value == num_classes as f32 {
            clicked.push(snippet);
        } else if *value != NOT_CLICKED as f32 {
            let found = format!("is {value} at snippet {snippet}");
            let expected = format!("{num_classes} (background) or {NOT_CLICKED} (not clicked)");
            return Err(wrong(path, KEY, found, expected));
        }
    }
    Ok(clicked)
}

/// A number that may be missing.
fn number(path: &Path, key: &'static str) -> Result<Option<f64>, ClickError> {
    let Some(array) = optional(path, key)? else {
        return Ok(None);
    };
    match array.data[..] {
        [value] if value.is_finite() && value > 0.0 => Ok(Some(f64::from(value))),
        [value] => Err(wrong(
            path,
            key,
            format!("is {value}"),
            "a number above 0".into(),
        )),
        _ => Err(wrong(path, key, shape(&array), "one number".into())),
    }
}

fn optional(path: &Path, key: &str) -> Result<Option<npy::Array>, ClickError> {
    match npz::read_numbers(path, key) {
        Ok(array) => Ok(Some(array)),
        Err(FeatureError::MissingKey { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn shape(array: &npy::Array) -> String {
    format!("has the shape {:?}", array.shape)
}

fn wrong(path: &Path, key: &'static str, found: String, expected: String) -> ClickError {
    ClickError::Released {
        path: path.to_owned(),
        key,
        found,
        expected,
    }
}
