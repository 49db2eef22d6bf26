//! Errors of data sets for weak supervision.

use std::path::PathBuf;

use tal_core::ClassMapError;

/// Reason why a data set cannot be learned from by its recordings' labels.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeakError {
    /// A label list names a class that there is not.
    #[error(
        "{}: recording {recording:?}: \"labels\" names the class {label:?}; expected one of the classes of the file{}",
        path.display(),
        did_you_mean(nearest)
    )]
    UnknownClass {
        /// The annotation file.
        path: PathBuf,
        /// The recording.
        recording: String,
        /// Value found in the list.
        label: String,
        /// The class that is spelled most like it, if one is similar at all.
        nearest: Option<String>,
    },
    /// The list of all classes does not agree with the annotated actions.
    #[error("{}: \"classes\": {source}", path.display())]
    Classes {
        /// The annotation file.
        path: PathBuf,
        /// How.
        source: ClassMapError,
    },
    /// There are more classes than the configuration says.
    #[error(
        "{}: {found} classes, but num_classes is {num_classes}; expected at most {num_classes}",
        path.display()
    )]
    TooManyClasses {
        /// The annotation file.
        path: PathBuf,
        /// Classes of the file.
        found: usize,
        /// Classes of the configuration.
        num_classes: usize,
    },
    /// Nothing says which classes happen in a recording.
    #[error(
        "{}: recording {recording:?} has no label; expected annotations or \"labels\" with at least one class, or another \
         subset for the recording",
        path.display()
    )]
    NoLabels {
        /// The annotation file.
        path: PathBuf,
        /// The recording.
        recording: String,
    },
    /// Features cannot be brought to no length.
    #[error("num_snippets is 0; expected at least 1")]
    NoSnippets,
}

fn did_you_mean(nearest: &Option<String>) -> String {
    match nearest {
        Some(name) => format!("; did you mean {name:?}?"),
        None => String::new(),
    }
}
