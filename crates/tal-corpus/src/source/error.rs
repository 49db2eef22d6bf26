//! Errors of annotations in publishers' formats.

use std::path::PathBuf;

use tal_core::quoted_list;
use tal_data::{AnnotationError, JsonError, TextFileError};

/// Reason why annotations in a publisher's format cannot be read or converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A folder has none of the files that the format consists of.
    #[error("{}: the folder has none of the files of this format; expected {expected}", path.display())]
    NoFiles {
        /// The folder.
        path: PathBuf,
        /// Names of the files.
        expected: &'static str,
    },
    /// The name of a file does not tell what it should.
    #[error("{}: the file's name does not fit the format; expected {expected}", path.display())]
    FileName {
        /// The file.
        path: PathBuf,
        /// Right name.
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
        /// Value found, or `missing`.
        found: String,
        /// Right content.
        expected: &'static str,
    },
    /// A recording occurs twice in the files.
    #[error("{}: recording {id:?} occurs twice; give each recording an id of its own", path.display())]
    RepeatedRecording {
        /// File in which it occurs for the second time.
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
    /// A label is not a class of the list.
    #[error("{}: recording {id:?}: label {label} is not a class of {list}{hint}", path.display())]
    UnknownLabel {
        /// The file.
        path: PathBuf,
        /// The recording.
        id: String,
        /// The label, quoted, or its number.
        label: String,
        /// Origin of the classes.
        list: String,
        /// A similar name; empty if there is none.
        hint: String,
    },
    /// An annotation has no length or ends before it starts, and that is not to be left out.
    #[error("{}: recording {id:?}: {label:?} from {start} to {end} s {fault}; without --strict it is left out", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The recording.
        id: String,
        /// The name of the class.
        label: String,
        /// Start, in seconds.
        start: f64,
        /// End, in seconds.
        end: f64,
        /// Its fault.
        fault: &'static str,
    },
    /// Point events have no length.
    #[error("{}: point events ({count}) have no length, the first is {label:?} at {time} s; give them one (--point-width SECONDS)", path.display())]
    Points {
        /// The file or folder.
        path: PathBuf,
        /// Number of them.
        count: usize,
        /// Class of the first.
        label: String,
        /// Time of the first, in seconds.
        time: f64,
    },
    /// The files hold no recording.
    #[error("the files hold no recording; expected at least one")]
    NoRecordings,
    /// A table of durations tells nothing of any recording.
    #[error(
        "no recording of --video-info is in the annotations: the table has {}, the annotations {}",
        quoted_list(table),
        quoted_list(annotations)
    )]
    OtherRecordings {
        /// Recordings of the table.
        table: Vec<String>,
        /// Recordings of the annotations.
        annotations: Vec<String>,
    },
    /// A class or subset that an option names does not occur.
    #[error("{option} {name:?} does not occur in the annotations{hint}")]
    Absent {
        /// The option.
        option: &'static str,
        /// The name.
        name: String,
        /// Similar names; empty if there are none.
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
    /// The shared annotation JSON.
    #[error(transparent)]
    Annotation(#[from] AnnotationError),
    /// The file is not JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The file is missing or unreadable, or a line or a cell of it is wrong.
    #[error(transparent)]
    Text(#[from] TextFileError),
}
