//! Errors of an evaluation.

/// Why detections cannot be evaluated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// The configuration has no threshold.
    #[error("there is no tIoU threshold; give at least one")]
    NoThresholds,
    /// A threshold is NaN or outside [0, 1].
    #[error("tIoU threshold {index} is {value}, must be between 0 and 1")]
    Threshold {
        /// Position of the threshold.
        index: usize,
        /// The threshold.
        value: f64,
    },
    /// The ground truth has no recording.
    #[error("there is no recording to evaluate; does the ground truth have the requested subset?")]
    NoRecordings,
    /// No recording has an annotation that counts.
    #[error(
        "none of the {num_recordings} recordings has an annotation with a length, so there is nothing to find"
    )]
    NoGroundTruth {
        /// Number of recordings.
        num_recordings: usize,
    },
    /// All recordings are blocked.
    #[error("all {num_recordings} recordings are blocked, so there is nothing to evaluate")]
    AllBlocked {
        /// Number of recordings.
        num_recordings: usize,
    },
    /// The ambiguous class is given by name, but the names of the classes are unknown.
    #[error("ambiguous_class is {name:?}, but no class names were given to look it up")]
    NoClassNames {
        /// Name of the ambiguous class.
        name: String,
    },
    /// The ambiguous class is not a class of the ground truth.
    #[error(
        "ambiguous_class is {name:?}, which is not a class of the ground truth; its classes are {known}{}",
        suggestion(nearest)
    )]
    UnknownAmbiguousClass {
        /// Name of the ambiguous class.
        name: String,
        /// The class with the most similar name.
        nearest: Option<String>,
        /// Names of all classes.
        known: String,
    },
    /// Columns differ in length.
    #[error(
        "column {column} has {len} rows, column recording has {expected}; all must have the same number"
    )]
    ColumnLength {
        /// Name of the column.
        column: &'static str,
        /// Its length.
        len: usize,
        /// Length of the column `recording`.
        expected: usize,
    },
    /// A row of the columns refers to a recording that does not exist.
    #[error(
        "detection {row} is of recording {index}, but there are only {num_recordings} recordings, counted from 0"
    )]
    RecordingIndex {
        /// The row.
        row: usize,
        /// Index of the recording.
        index: u32,
        /// Number of recordings.
        num_recordings: usize,
    },
    /// Two recordings have the same id.
    #[error("recording {recording:?} is twice in the ground truth; ids must be unique")]
    DuplicateRecording {
        /// The id.
        recording: String,
    },
    /// An annotation or a detection cannot be used.
    #[error(transparent)]
    Input(#[from] InputError),
}

/// An annotation or a detection that cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{} {row} of recording {recording:?} {kind}", kind.noun())]
pub struct InputError {
    /// Id of the recording.
    pub recording: String,
    /// Position in the recording, or the row if detections are given as columns.
    pub row: usize,
    /// The reason.
    pub kind: InputErrorKind,
}

/// Why an annotation or a detection cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputErrorKind {
    /// The ends of an annotation or its length are not finite, or the ends are not in order.
    #[error("goes from {start} to {end}; both ends and the length must be finite and start <= end")]
    Annotation {
        /// Start, in seconds.
        start: f64,
        /// End, in seconds.
        end: f64,
    },
    /// The ends of a detection or its length are not finite, or the ends are not in order.
    #[error("goes from {start} to {end}; both ends and the length must be finite and start <= end")]
    Detection {
        /// Start, in seconds.
        start: f64,
        /// End, in seconds.
        end: f64,
    },
    /// The score of a detection is NaN.
    #[error("has the score NaN, must be a number")]
    Score,
    /// The class of a detection has no ground truth, which the dialect refuses.
    #[error(
        "has the class id {label}, which no annotation has; only the dialect activitynet refuses that"
    )]
    UnknownClass {
        /// The class id.
        label: u32,
    },
}

impl InputError {
    pub(super) fn new(recording: &str, row: usize, kind: InputErrorKind) -> Self {
        Self {
            recording: recording.to_owned(),
            row,
            kind,
        }
    }
}

impl InputErrorKind {
    fn noun(&self) -> &'static str {
        match self {
            Self::Annotation { .. } => "annotation",
            Self::Detection { .. } | Self::Score | Self::UnknownClass { .. } => "detection",
        }
    }
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}
