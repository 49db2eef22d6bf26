//! What can go wrong with a synthetic corpus.

use std::path::PathBuf;

use tal_core::ClassMapError;

use tal_data::annotations::AnnotationError;
use tal_data::features::FeatureError;

/// Why a synthetic corpus cannot be generated or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SynthError {
    /// A value of the configuration is out of range.
    #[error("{field} is {value}; expected {expected}")]
    Config {
        /// The field of [`super::SynthConfig`].
        field: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        expected: String,
    },
    /// A class does not occur in a subset.
    #[error(
        "no action of class {class:?} in the subset {subset:?} of {num_recordings} recordings; generate more or longer \
         recordings, or fewer classes"
    )]
    ClassMissing {
        /// The class.
        class: String,
        /// The subset.
        subset: &'static str,
        /// How many recordings it has.
        num_recordings: usize,
    },
    /// The classes have no consistent names.
    #[error(transparent)]
    Classes(#[from] ClassMapError),
    /// The output folder has something in it.
    #[error("the output folder {} is not empty; choose another one, nothing is overwritten", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file is there already.
    #[error("{} is there already; choose another folder, nothing is overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The annotations cannot be written.
    #[error(transparent)]
    Annotations(#[from] AnnotationError),
    /// Features cannot be written.
    #[error(transparent)]
    Features(#[from] FeatureError),
}
