//! Why features cannot be used.

use std::path::PathBuf;

/// Why a feature file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// The file does not exist.
    #[error("feature file {} does not exist (recording {id:?}); check features.dir, prefix and suffix", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The recording it belongs to.
        id: String,
    },
    /// The file is unreadable.
    #[error("cannot read feature file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write feature file {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not of its format.
    #[error("{}: not a valid {format} file: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// `npy` or `npz`.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The file ends too early.
    #[error("{}: truncated: {expected} bytes expected, {found} found", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that its header promises.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The values are of a type that is not read.
    #[error("{}: values of type {found:?}; expected float16, float32 or float64 (f2, f4, f8)", path.display())]
    ValueType {
        /// The file.
        path: PathBuf,
        /// NumPy's name of the type.
        found: String,
    },
    /// The array is not a matrix.
    #[error("{}: array of shape {found:?}; expected two dimensions, {expected}", path.display())]
    Dimensions {
        /// The file.
        path: PathBuf,
        /// The array's shape.
        found: Vec<usize>,
        /// What the dimensions mean.
        expected: &'static str,
    },
    /// The number of channels is not that of the configuration.
    #[error("{}: {found} channels per feature (array of shape {shape:?}); expected {expected} (dataset.input_dim){hint}", path.display())]
    Channels {
        /// The file.
        path: PathBuf,
        /// The array's shape.
        shape: Vec<usize>,
        /// Channels of the configuration.
        expected: usize,
        /// Channels of the file.
        found: usize,
        /// What may be meant; empty where nothing comes to mind.
        hint: &'static str,
    },
    /// There is no feature.
    #[error("{}: no features (array of shape {shape:?}); expected at least one time step", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The array's shape.
        shape: Vec<usize>,
    },
    /// A raw signal is shorter than one window.
    #[error("{}: {found} samples; expected at least {window}, one window", path.display())]
    ShorterThanWindow {
        /// The file.
        path: PathBuf,
        /// Samples of a window.
        window: usize,
        /// Samples of the file.
        found: usize,
    },
    /// A value is NaN or infinite.
    #[error("{}: value {value} at time step {time}, channel {channel}; expected finite numbers", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Time step of the feature, or sample of the raw signal.
        time: usize,
        /// Channel of the feature, or column of the raw signal.
        channel: usize,
        /// The value.
        value: f32,
    },
    /// An archive has no array of the name.
    #[error("{}: no array named {key:?}; the archive holds {present}", path.display())]
    MissingKey {
        /// The file.
        path: PathBuf,
        /// The name that was looked for.
        key: String,
        /// The names of its arrays.
        present: String,
    },
    /// A raw signal lacks a channel.
    #[error("{}: channel {channel} is wanted, but the signal has {found} (0 to {})", path.display(), found.saturating_sub(1))]
    NoSuchChannel {
        /// The file.
        path: PathBuf,
        /// The channel.
        channel: usize,
        /// Channels of the file.
        found: usize,
    },
}
