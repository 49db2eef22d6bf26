//! Features into files of every format.

use std::io;
use std::path::Path;

use tal_core::config::{FeatureFormat, FeatureLayout};

use tal_core::FileError;
use tal_core::atomic::write_atomic;
use tal_data::features::npy::{self, Array};
use tal_data::{FeatureArray, FeatureError};

use super::{csv, pickle, single, torch};

/// Name of the array in a file that may hold several, if the format leaves it open.
const DEFAULT_KEY: &str = "feats";

/// Writes the features of one recording so that a store of this format reads the same values; an existing file is
/// replaced at once.
///
/// With several keys, the channels are shared among them evenly, the first takes the rest. Pickles with keys and
/// the layout `channel_first` get an axis of length 1 in front, as those of SlowFast for HACS have.
///
/// # Shapes
/// `array` is (C, T).
///
/// # Errors
/// Raw signals, which cannot be had from features; HDF5 with one file for all recordings, see [`write_all`]; more keys
/// than channels; a file that cannot be written.
pub fn write(
    format: &FeatureFormat,
    path: &Path,
    array: &FeatureArray,
) -> Result<(), FeatureError> {
    let unsupported = |reason: String| FeatureError::Unwritable {
        path: path.to_owned(),
        reason,
    };
    let encoded = match format {
        FeatureFormat::Npy { layout } => {
            let stored = stored(array, *layout);
            return npy::write(path, &stored.data, &stored.shape);
        }
        FeatureFormat::Npz { key, layout } => single::npz(key, &stored(array, *layout)),
        FeatureFormat::Safetensors { key, layout } => {
            let key = key.as_deref().unwrap_or(DEFAULT_KEY);
            single::safetensors(key, &stored(array, *layout))
        }
        FeatureFormat::Hdf5 {
            file: None,
            key,
            layout,
        } => {
            let key = key.as_deref().unwrap_or(DEFAULT_KEY).to_owned();
            single::hdf5(&[(key, stored(array, *layout))])
        }
        FeatureFormat::Hdf5 { file: Some(_), .. } => {
            return Err(unsupported(
                "one HDF5 file for all recordings is written at once, not recording by recording"
                    .into(),
            ));
        }
        FeatureFormat::Torch { keys, layout } => {
            let parts = parts(array, keys, *layout).map_err(unsupported)?;
            torch::encode(keys, &parts)
        }
        FeatureFormat::Pickle { keys, layout } => {
            let mut parts = parts(array, keys, *layout).map_err(unsupported)?;
            if !keys.is_empty() && *layout == FeatureLayout::ChannelFirst {
                parts.iter_mut().for_each(|part| part.shape.insert(0, 1));
            }
            Ok(pickle::encode(keys, &parts))
        }
        FeatureFormat::Csv { header } => Ok(csv::encode(*header, array)),
        FeatureFormat::Inertial { .. } => {
            return Err(unsupported(
                "raw signals cannot be had from features; write the signal with npy".into(),
            ));
        }
    };
    save(path, encoded)
}

fn save(path: &Path, encoded: io::Result<Vec<u8>>) -> Result<(), FeatureError> {
    let written = encoded.and_then(|bytes| write_atomic(path, |out| out.write_all(&bytes)));
    Ok(written.map_err(FileError::at("write feature file", path))?)
}

/// Writes one HDF5 file with the features of several recordings, each under its name (and `key` below it, if given), so
/// that a store with `format: {type: hdf5, file: …}` reads them; an existing file is replaced at once.
///
/// # Shapes
/// Each array is (C, T).
///
/// # Errors
/// Names that are empty or occur twice, or a file that cannot be written.
pub fn write_all(
    path: &Path,
    key: Option<&str>,
    layout: FeatureLayout,
    recordings: &[(String, FeatureArray)],
) -> Result<(), FeatureError> {
    let arrays: Vec<(String, Array)> = recordings
        .iter()
        .map(|(name, array)| {
            let name = match key {
                Some(key) => format!("{name}/{key}"),
                None => name.clone(),
            };
            (name, stored(array, layout))
        })
        .collect();
    save(path, single::hdf5(&arrays))
}

fn stored(array: &FeatureArray, layout: FeatureLayout) -> Array {
    let (c, t) = (array.num_channels(), array.len());
    match layout {
        FeatureLayout::TimeFirst => Array {
            shape: vec![t, c],
            data: array.to_time_first(),
        },
        FeatureLayout::ChannelFirst => Array {
            shape: vec![c, t],
            data: array.data().to_vec(),
        },
    }
}

/// The channels shared among the keys; all of them if there is no key.
fn parts(
    array: &FeatureArray,
    keys: &[String],
    layout: FeatureLayout,
) -> Result<Vec<Array>, String> {
    let (total, count) = (array.num_channels(), keys.len().max(1));
    let share = total / count;
    if share == 0 {
        return Err(format!("{total} channels for {count} keys"));
    }
    let first = total - share * (count - 1);
    let mut from = 0;
    Ok((0..count)
        .map(|index| {
            let to = from + if index == 0 { first } else { share };
            let part = stored(&array.channels(from, to), layout);
            from = to;
            part
        })
        .collect())
}
