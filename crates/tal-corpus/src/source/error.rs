//! Why annotations in a publisher's format cannot be read.

use std::path::PathBuf;

use tal_data::{AnnotationError, TableError};

/// Why annotations in a publisher's format cannot be read or converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A file or folder is missing or unreadable.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A folder has none of the files that the format consists of.
    #[error("{}: the folder has none of the files of this format; expected {expected}", path.display())]
    NoFiles {
        /// The folder.
        path: PathBuf,
        /// What the files are called.
        expected: &'static str,
    },
    /// The name of a file does not tell what it should.
    #[error("{}: the file's name does not fit the format; expected {expected}", path.display())]
    FileName {
        /// The file.
        path: PathBuf,
        /// What it should be called.
        expected: &'static str,
    },
    /// A field of a JSON file is missing or holds something else.
    #[error("{}: {place}field {field:?} is {found}; expected {expected}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Where in it, with a colon at the end; empty for the file as a whole.
        place: String,
        /// The field.
        field: &'static str,
        /// What stands there, or `missing`.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// One recording stands twice in the files.
    #[error("{}: recording {id:?} occurs twice; give each recording an id of its own", path.display())]
    RepeatedRecording {
        /// Where it stands for the second time.
        path: PathBuf,
        /// The recording.
        id: String,
    },
    /// Nothing says which subset a recording belongs to.
    #[error("{}: nothing says which subset recording {id:?} belongs to; name one for such recordings (--default-subset)", path.display())]
    NoSubset {
        /// The file.
        path: PathBuf,
        /// The recording.
        id: String,
    },
    /// A label is no class of the list.
    #[error("{}: recording {id:?}: label {label} is no class of {list}{hint}", path.display())]
    UnknownLabel {
        /// The file.
        path: PathBuf,
        /// The recording.
        id: String,
        /// The label, quoted, or its number.
        label: String,
        /// Where the classes come from.
        list: String,
        /// A name that may be meant; empty where nothing comes to mind.
        hint: String,
    },
    /// A class or subset that an option names does not occur.
    #[error("{option} {name:?} does not occur in the annotations{hint}")]
    Absent {
        /// The option.
        option: &'static str,
        /// The name.
        name: String,
        /// Names that may be meant; empty where nothing comes to mind.
        hint: String,
    },
    /// A class has two ids or an id two classes.
    #[error("{}: {source}", path.display())]
    Classes {
        /// The file.
        path: PathBuf,
        /// Which.
        source: tal_core::ClassMapError,
    },
    /// JSON syntax, or the shared annotation JSON.
    #[error(transparent)]
    Annotation(#[from] AnnotationError),
    /// A line or a table of a text file.
    #[error(transparent)]
    Table(#[from] TableError),
}
