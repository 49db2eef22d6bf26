//! Errors of activation curves.

/// Why activation curves have no proposals.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProposalError {
    /// The lengths of the columns do not fit together.
    #[error(
        "{cas} activations and {norm} norms do not make rows of equal length for {scores} classes"
    )]
    Ragged {
        /// Number of activations.
        cas: usize,
        /// Number of norms.
        norm: usize,
        /// Number of recording scores.
        scores: usize,
    },
    /// The recording has no frames or no duration.
    #[error("the recording has {num_frames} frames and lasts {duration} s; both must be above 0")]
    Empty {
        /// Number of frames.
        num_frames: usize,
        /// Duration in seconds.
        duration: f64,
    },
    /// A value is NaN or infinite.
    #[error("{what} {index} is {value}; all must be finite")]
    NotFinite {
        /// Kind of the value.
        what: &'static str,
        /// Index of the value.
        index: usize,
        /// The value.
        value: f32,
    },
}
