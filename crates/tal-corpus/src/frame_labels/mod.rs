//! GTEA, 50 Salads and others as the authors of MS-TCN distribute them: a label for every frame, features (C, T).
//!
//! ```text
//! groundTruth/ID.txt        the name of a class per line, one line per frame
//! mapping.txt               number and name of every class: `0 take`
//! features/ID.npy           (channels, frames)
//! splits/train.splitN.bundle, splits/test.splitN.bundle      lines `ID.txt`
//! ```
//!
//! Frames a … b − 1 of one class in a row become the segment [a / fps, b / fps] in seconds. Classes of the background
//! give no segments and no class; the others keep their order and count from 0. Where labels and features differ in
//! length, up to a second, the common part is used.
//!
//! Source of the files: `data.zip` that the repository of MS-TCN links, zenodo.org/record/3625992.

mod error;
mod parse;

use std::path::Path;

use tal_core::atomic::{FolderError, write_folder};
use tal_core::{GroundTruth, Instance, Recording, Segment};

pub use error::FrameLabelError;

use tal_data::FeatureArray;
use tal_data::features::npy;
use tal_data::{FeatureError, annotations};

/// How a data set is converted.
///
/// # Units
/// `fps` in frames per second.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameLabelConfig {
    /// Name of the data set, for the file's version field.
    pub name: String,
    /// Labels (and features) per second.
    pub fps: f64,
    /// Classes of the background.
    pub background: Vec<String>,
    /// Which split becomes the subsets `training` and `test`.
    pub split: usize,
    /// Of how many frames the first is used; 1 for all.
    pub every: usize,
}

impl FrameLabelConfig {
    /// GTEA: 28 videos at 15 frames per second, 10 classes and `background`, splits 1 to 4.
    pub fn gtea(split: usize) -> Self {
        Self {
            name: "gtea".into(),
            fps: 15.0,
            background: vec!["background".into()],
            split,
            every: 1,
        }
    }

    /// 50 Salads: 50 videos at 30 frames per second, 17 classes, `action_start` and `action_end`, splits 1 to 5.
    pub fn salads(split: usize) -> Self {
        Self {
            name: "50salads".into(),
            fps: 30.0,
            background: vec!["action_start".into(), "action_end".into()],
            split,
            every: 1,
        }
    }
}

/// Writes `annotations.json` and `features/ID.npy` (float32, T × C) from the publisher's folder into a new or empty one.
///
/// One recording is in memory at a time. The annotations are written last, so that they prove that all features are there;
/// after an error nothing is left.
///
/// # Units
/// Segments and durations in seconds.
///
/// # Errors
/// A file that is missing, unreadable or damaged; a label that is not in the mapping (file, line); a split that does not
/// exist; a recording in both subsets; labels and features of different length; values that are not finite; an output folder
/// that is not empty or cannot be written.
pub fn prepare(
    from: &Path,
    out: &Path,
    config: &FrameLabelConfig,
) -> Result<GroundTruth, FrameLabelError> {
    if config.every == 0 {
        return Err(FrameLabelError::Every { every: 0 });
    }
    if !(config.fps.is_finite() && config.fps > 0.0) {
        return Err(FrameLabelError::Fps { fps: config.fps });
    }
    let corpus = parse::corpus(from, config)?;
    write_folder(out, &["features", "annotations.json"], |folder| {
        fill(from, folder, corpus, config)
    })
}

fn fill(
    from: &Path,
    out: &Path,
    corpus: parse::Corpus,
    config: &FrameLabelConfig,
) -> Result<GroundTruth, FrameLabelError> {
    let folder = out.join("features");
    std::fs::create_dir(&folder).map_err(FolderError::at(&folder))?;
    let fps = config.fps / config.every as f64;
    let mut recordings = Vec::with_capacity(corpus.videos.len());
    for video in corpus.videos {
        let name = format!("{}.npy", video.id);
        let labels = &video.labels;
        let array = features(&from.join("features").join(&name), labels.len(), config)?;
        let labels: Vec<Option<u32>> = labels.iter().copied().step_by(config.every).collect();
        // The same number of frames was used of both.
        let len = array.len().min(labels.len());
        let array = array.window(0, len);
        let shape = [len, array.num_channels()];
        npy::write(&folder.join(&name), &array.to_time_first(), &shape)?;
        recordings.push(Recording {
            id: video.id,
            subset: video.subset.to_owned(),
            duration: Some(len as f64 / fps),
            fps: Some(fps),
            instances: segments(&labels[..len], fps),
        });
    }
    let truth = GroundTruth {
        classes: corpus.classes,
        recordings,
    };
    let version = format!("{}-split{}", config.name, config.split);
    annotations::write(&out.join("annotations.json"), &truth, &version)?;
    Ok(truth)
}

/// Runs of equal labels; those of the background (`None`) are gaps.
///
/// # Units
/// Segments in seconds.
pub fn segments(labels: &[Option<u32>], fps: f64) -> Vec<Instance> {
    let mut found = Vec::new();
    let mut start = 0;
    for run in labels.chunk_by(|a, b| a == b) {
        let end = start + run.len();
        if let Some(label) = run[0] {
            found.push(Instance {
                segment: Segment::new(start as f64 / fps, end as f64 / fps),
                label,
            });
        }
        start = end;
    }
    found
}

/// Reads (C, T), at the frames that are used.
fn features(
    path: &Path,
    num_labels: usize,
    config: &FrameLabelConfig,
) -> Result<FeatureArray, FrameLabelError> {
    let array = npy::read(path)?;
    let [num_channels, len] = match array.shape[..] {
        [num_channels, len]
            if num_channels > 0
                && len > 0
                && len.abs_diff(num_labels) as f64 <= config.fps.max(1.0) =>
        {
            [num_channels, len]
        }
        _ => {
            return Err(FrameLabelError::Lengths {
                path: path.to_owned(),
                shape: array.shape,
                num_labels,
            });
        }
    };
    let features = FeatureArray::from_channel_first(array.data, num_channels, len);
    if let Some((time, channel, value)) = features.first_not_finite() {
        return Err(FeatureError::NotFinite {
            path: path.to_owned(),
            time,
            channel,
            value,
        }
        .into());
    }
    let common = len.min(num_labels);
    let features = if common < len {
        features.window(0, common)
    } else {
        features
    };
    Ok(if config.every > 1 {
        features.every(config.every)
    } else {
        features
    })
}
