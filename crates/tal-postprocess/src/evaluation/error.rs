//! What can be wrong with what is evaluated.

/// Why detections cannot be evaluated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// There is no threshold.
    #[error("there is no tIoU threshold; give at least one")]
    NoThresholds,
    /// A threshold is NaN or outside [0, 1].
    #[error("tIoU threshold {index} is {value}, must be within 0 and 1")]
    Threshold {
        /// Its position.
        index: usize,
        /// The threshold.
        value: f64,
    },
    /// There is no recording.
    #[error(
        "there is no recording to evaluate on; does the ground truth have the subset that was asked for?"
    )]
    NoRecordings,
    /// No recording has an annotation that counts.
    #[error(
        "none of the {num_recordings} recordings has an annotation with a length, so that no class can be evaluated"
    )]
    NoGroundTruth {
        /// Number of recordings.
        num_recordings: usize,
    },
    /// No recording is left.
    #[error("all {num_recordings} recordings are blocked, so that there is nothing to evaluate on")]
    AllBlocked {
        /// Number of recordings.
        num_recordings: usize,
    },
    /// The ambiguous class is given by name and the names are not known.
    #[error("ambiguous_class is {name:?}, but no class names were given to look it up in")]
    NoClassNames {
        /// The ambiguous class.
        name: String,
    },
    /// The ambiguous class is none of the classes.
    #[error(
        "ambiguous_class {name:?} is no class of the ground truth, which has {known}{}",
        suggestion(nearest)
    )]
    UnknownAmbiguousClass {
        /// The ambiguous class.
        name: String,
        /// The class with the most similar name.
        nearest: Option<String>,
        /// The names of all classes.
        known: String,
    },
    /// A detection is of a class that has no ground truth, in a dialect that refuses that.
    #[error(
        "detection {row} of recording {recording:?} has the class id {label}, which no annotation has; the dialect activitynet \
         refuses that, others ignore it"
    )]
    UnknownClass {
        /// The recording.
        recording: String,
        /// Its position in the recording, or in the columns.
        row: usize,
        /// The class id.
        label: u32,
    },
    /// Columns have different lengths.
    #[error(
        "column {column} has {len} rows, column recording {expected}; all must have the same number"
    )]
    ColumnLength {
        /// The column.
        column: &'static str,
        /// Its length.
        len: usize,
        /// The length of the first column.
        expected: usize,
    },
    /// A row of the columns is of a recording that is not there.
    #[error(
        "detection {row} is of recording {index}, but there are only {num_recordings}, counted from 0"
    )]
    RecordingIndex {
        /// The row.
        row: usize,
        /// The index of the recording.
        index: u32,
        /// Number of recordings.
        num_recordings: usize,
    },
    /// A recording is there twice.
    #[error("recording {recording:?} is twice in the ground truth; ids must be unique")]
    DuplicateRecording {
        /// Its id.
        recording: String,
    },
    /// The ends of an annotation are not finite or not in order.
    #[error(
        "annotation {row} of recording {recording:?} goes from {start} to {end}; both must be finite and start <= end"
    )]
    Instance {
        /// The recording.
        recording: String,
        /// Its position in the recording.
        row: usize,
        /// The start, in seconds.
        start: f64,
        /// The end, in seconds.
        end: f64,
    },
    /// The ends of a detection are not finite or not in order.
    #[error(
        "detection {row} of recording {recording:?} goes from {start} to {end}; both must be finite and start <= end"
    )]
    Segment {
        /// The recording.
        recording: String,
        /// Its position in the recording, or in the columns.
        row: usize,
        /// The start, in seconds.
        start: f64,
        /// The end, in seconds.
        end: f64,
    },
    /// The score of a detection is NaN.
    #[error("detection {row} of recording {recording:?} has the score NaN, must be a number")]
    Score {
        /// The recording.
        recording: String,
        /// Its position in the recording, or in the columns.
        row: usize,
    },
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}
