//! Which file a recording's features are in, and the checks that every format shares.

use std::path::{Path, PathBuf};

use tal_core::config::{DatasetConfig, FeatureFormat, FeatureLayout, FeaturesConfig};

use super::npy::Array;
use super::{FeatureArray, FeatureError, inertial, npy, npz};

/// Features by recording id.
pub trait FeatureStore: Send + Sync {
    /// The file of a recording, whether it exists or not.
    fn path(&self, id: &str) -> PathBuf;

    /// Reads and checks a feature file of this store's format.
    ///
    /// # Shapes
    /// (C, T) with C the configured number of channels and T ≥ 1.
    ///
    /// # Errors
    /// A file that is unreadable, damaged or truncated; a wrong number of dimensions or channels; no time step; a value
    /// that is NaN or infinite.
    fn load_file(&self, path: &Path) -> Result<FeatureArray, FeatureError>;

    /// Whether the recording has a file.
    fn exists(&self, id: &str) -> bool {
        self.path(id).is_file()
    }

    /// Reads and checks the features of a recording.
    ///
    /// # Shapes
    /// As [`FeatureStore::load_file`].
    ///
    /// # Errors
    /// Where there is no file, and as [`FeatureStore::load_file`].
    fn load(&self, id: &str) -> Result<FeatureArray, FeatureError> {
        let path = self.path(id);
        if !path.exists() {
            return Err(FeatureError::Missing {
                path,
                id: id.to_owned(),
            });
        }
        self.load_file(&path)
    }
}

/// The store that the configuration describes.
pub fn open(config: &DatasetConfig) -> Box<dyn FeatureStore> {
    Box::new(FileStore {
        features: config.features.clone(),
        input_dim: config.input_dim,
    })
}

/// Features in one file per recording.
struct FileStore {
    features: FeaturesConfig,
    input_dim: usize,
}

impl FeatureStore for FileStore {
    fn path(&self, id: &str) -> PathBuf {
        let FeaturesConfig {
            dir,
            prefix,
            suffix,
            ..
        } = &self.features;
        dir.join(format!("{prefix}{id}{suffix}"))
    }

    fn load_file(&self, path: &Path) -> Result<FeatureArray, FeatureError> {
        match &self.features.format {
            FeatureFormat::Npy { layout } => self.features_of(npy::read(path)?, *layout, path),
            FeatureFormat::Npz { key, layout } => {
                self.features_of(npz::read(path, key)?, *layout, path)
            }
            FeatureFormat::Inertial {
                window,
                stride,
                channels,
            } => {
                let signal = npy::read(path)?;
                check_matrix(&signal, "(samples, channels)", path)?;
                check_finite(&signal, path)?;
                let array =
                    inertial::windows(&signal, *window, *stride, channels.as_deref(), path)?;
                self.check_channels(array.num_channels(), &signal.shape, "", path)?;
                Ok(array)
            }
            _ => Err(FeatureError::Malformed {
                path: path.to_owned(),
                format: "feature",
                reason: "this format is not read yet".to_owned(),
            }),
        }
    }
}

impl FileStore {
    fn features_of(
        &self,
        array: Array,
        layout: FeatureLayout,
        path: &Path,
    ) -> Result<FeatureArray, FeatureError> {
        let expected = match layout {
            FeatureLayout::TimeFirst => "(time, channels)",
            FeatureLayout::ChannelFirst => "(channels, time)",
        };
        let [rows, columns] = check_matrix(&array, expected, path)?;
        let (len, num_channels, hint) = match layout {
            FeatureLayout::TimeFirst => (
                rows,
                columns,
                "; the other axis fits, is the layout channel_first?",
            ),
            FeatureLayout::ChannelFirst => (
                columns,
                rows,
                "; the other axis fits, is the layout time_first?",
            ),
        };
        let hint = if len == self.input_dim { hint } else { "" };
        self.check_channels(num_channels, &array.shape, hint, path)?;
        if len == 0 {
            return Err(FeatureError::Empty {
                path: path.to_owned(),
                shape: array.shape,
            });
        }
        let features = match layout {
            FeatureLayout::TimeFirst => {
                FeatureArray::from_time_first(&array.data, num_channels, len)
            }
            FeatureLayout::ChannelFirst => {
                FeatureArray::from_channel_first(array.data, num_channels, len)
            }
        };
        match features.first_not_finite() {
            Some((time, channel, value)) => Err(FeatureError::NotFinite {
                path: path.to_owned(),
                time,
                channel,
                value,
            }),
            None => Ok(features),
        }
    }

    fn check_channels(
        &self,
        found: usize,
        shape: &[usize],
        hint: &'static str,
        path: &Path,
    ) -> Result<(), FeatureError> {
        if found == self.input_dim {
            return Ok(());
        }
        Err(FeatureError::Channels {
            path: path.to_owned(),
            shape: shape.to_owned(),
            expected: self.input_dim,
            found,
            hint,
        })
    }
}

fn check_matrix(
    array: &Array,
    expected: &'static str,
    path: &Path,
) -> Result<[usize; 2], FeatureError> {
    <[usize; 2]>::try_from(&array.shape[..]).map_err(|_| FeatureError::Dimensions {
        path: path.to_owned(),
        found: array.shape.clone(),
        expected,
    })
}

/// Raw signals are checked as they are stored, so that the error names the sample and the column.
fn check_finite(signal: &Array, path: &Path) -> Result<(), FeatureError> {
    match signal.data.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(FeatureError::NotFinite {
            path: path.to_owned(),
            time: at / signal.shape[1],
            channel: at % signal.shape[1],
            value: signal.data[at],
        }),
        None => Ok(()),
    }
}
