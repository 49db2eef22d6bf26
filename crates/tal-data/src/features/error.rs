//! Errors of features.

use std::io;
use std::path::{Path, PathBuf};

use tal_core::{FileError, shape_text};

/// Reason why a feature file cannot be used.
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
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not of its format.
    #[error("{}: not a valid {format} file: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// `npy` or `npz`.
        format: &'static str,
        /// Fault.
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
    #[error("{}: array of shape {}; expected two dimensions, {expected}", path.display(), shape_text(found))]
    Dimensions {
        /// The file.
        path: PathBuf,
        /// The array's shape.
        found: Vec<usize>,
        /// Meaning of the dimensions.
        expected: &'static str,
    },
    /// The number of channels is not that of the configuration.
    #[error(
        "{}: {found} channels per feature (array of shape {}); expected {expected} (dataset.input_dim){hint}",
        path.display(), shape_text(shape)
    )]
    Channels {
        /// The file.
        path: PathBuf,
        /// The array's shape.
        shape: Vec<usize>,
        /// Channels of the configuration.
        expected: usize,
        /// Channels of the file.
        found: usize,
        /// Likely cause; empty if there is none.
        hint: &'static str,
    },
    /// There is no feature.
    #[error("{}: no features (array of shape {}); expected at least one time step", path.display(), shape_text(shape))]
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
    /// The file has no array of the name.
    #[error("{}: no array named {key:?}; the file holds {present}", path.display())]
    MissingKey {
        /// The file.
        path: PathBuf,
        /// The name that was looked for.
        key: String,
        /// The names of its arrays.
        present: String,
    },
    /// The file holds several arrays, or none on its outermost level, and the configuration names none.
    #[error(
        "{}: which array? The file holds {present}; name one in features.format (key or keys)",
        path.display()
    )]
    AmbiguousKey {
        /// The file.
        path: PathBuf,
        /// The names of its arrays.
        present: String,
    },
    /// The columns of the configuration are not all there.
    #[error(
        "{}: columns {from} to {to} are wanted, but there are {found} channels (array of shape {}){hint}",
        path.display(), shape_text(shape)
    )]
    Columns {
        /// The file.
        path: PathBuf,
        /// First column.
        from: usize,
        /// Behind the last column.
        to: usize,
        /// Channels of the file.
        found: usize,
        /// The array's shape.
        shape: Vec<usize>,
        /// Likely cause; empty if there is none.
        hint: &'static str,
    },
    /// Columns and appended files do not give the channels of the configuration.
    #[error("{parts} give {found} channels per feature; expected {expected} (dataset.input_dim)")]
    AllChannels {
        /// Each file and the channels that are taken from it.
        parts: String,
        /// Channels of the configuration.
        expected: usize,
        /// Channels of the files.
        found: usize,
    },
    /// Files whose channels belong together differ by more than one feature.
    #[error(
        "{} has {first_len} features and {} has {second_len}; expected the same number, or one more",
        first.display(),
        second.display()
    )]
    Lengths {
        /// A file.
        first: PathBuf,
        /// Its features.
        first_len: usize,
        /// Another file of the recording.
        second: PathBuf,
        /// Its features.
        second_len: usize,
    },
    /// The name of a recording or its subset leads out of the feature folder.
    #[error(
        "recording {id:?}: {what} {value:?} leads out of the feature folder; expected a name or a path below the folder, \
         without \"..\""
    )]
    Outside {
        /// The recording.
        id: String,
        /// `the id` or `the subset`.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// The folder has `{subset}`, but the recording has no subset.
    #[error("{}: {{subset}} stands for the subset of a recording, but {id:?} belongs to none", dir.display())]
    NoSubset {
        /// The folder.
        dir: PathBuf,
        /// The recording.
        id: String,
    },
    /// The program was built without the feature `hdf5`.
    #[error("{}: HDF5 files are not read by this build of tal-data; enable its feature \"hdf5\"", .0.display())]
    WithoutHdf5(PathBuf),
    /// The format cannot be written like this.
    #[error("cannot write {}: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file of PyTorch or a pickle.
    #[error(transparent)]
    Pth(#[from] tal_pth::PthError),
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

impl FeatureError {
    pub(crate) fn malformed(path: &Path, format: &'static str, reason: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            format,
            reason: reason.into(),
        }
    }
}

/// The error about a feature file that the system does not let us read.
pub(crate) fn unreadable(path: &Path) -> impl Fn(io::Error) -> FileError {
    FileError::at("read feature file", path)
}

/// Names for a message: quoted, in order, the first few; `nothing` if there is none.
pub(crate) fn names(present: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = present.collect();
    names.sort();
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => tal_core::quoted_list(names),
    }
}
