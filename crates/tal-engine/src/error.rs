//! Why the engine cannot do something.

use std::path::{Path, PathBuf};

use tal_config::ConfigError;
use tal_core::weights::WeightsError;
use tal_data::{AnnotationError, ClassScoresError, DataError, FeatureError, ResultsError};
use tal_postprocess::{ClassAssignmentError, EvaluationError, ProposalError, SuppressionError};
use tal_pth::PthError;

use crate::device::DeviceError;

/// Why the engine cannot do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Annotations are wrong.
    #[error(transparent)]
    Annotations(#[from] AnnotationError),
    /// Features are wrong.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// A data set is wrong.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file of detections is wrong.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// A weight file is wrong, or does not fit the network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A PyTorch file is wrong.
    #[error(transparent)]
    Pth(#[from] PthError),
    /// Weights do not fit the network that the configuration describes.
    #[error("{}: {report}", path.display())]
    WeightsMismatch {
        /// The file.
        path: PathBuf,
        /// What is missing, unexpected or of another shape.
        report: String,
    },
    /// Candidates that suppression refuses.
    #[error("recording {id}: {source}")]
    Suppression {
        /// The recording.
        id: String,
        /// Why.
        source: SuppressionError,
    },
    /// Class activations that have no proposals.
    #[error("recording {id}: {source}")]
    Proposals {
        /// The recording.
        id: String,
        /// Why.
        source: ProposalError,
    },
    /// Detections or ground truth that the evaluation refuses.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// Annotations that what a network finds cannot be compared with.
    #[error("{}: subset {subsets}: {reason}", path.display())]
    Untestable {
        /// The annotation file.
        path: PathBuf,
        /// The subsets to test on.
        subsets: String,
        /// Why, and what would be right.
        reason: String,
    },
    /// A file of class scores is wrong.
    #[error(transparent)]
    ClassScores(#[from] ClassScoresError),
    /// Class scores of recordings do not go together with detections.
    #[error("{}: {source}", path.display())]
    ExternalScores {
        /// The file of class scores.
        path: PathBuf,
        /// Why.
        source: ClassAssignmentError,
    },
    /// The network cannot be built.
    #[error("cannot build the network: {0}")]
    Model(String),
    /// A checkpoint cannot be used.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// An output folder cannot be used.
    #[error("the output folder {} {reason}", path.display())]
    OutputFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A loss, gradient or score stopped being a number.
    #[error(
        "{what} became {value} at step {step} (recordings {recordings}); lower train.learning_rate or \
         train.clip_grad_l2norm, or look at these recordings"
    )]
    NotFinite {
        /// What it was.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The step, from 0.
        step: u64,
        /// The recordings of the batch.
        recordings: String,
    },
    /// The training subsets do not fill one batch.
    #[error(
        "the training subsets hold {num_recordings} recording(s), less than one batch of {batch_size}; lower \
         train.batch_size"
    )]
    TooFewRecordings {
        /// Recordings found.
        num_recordings: usize,
        /// `train.batch_size`.
        batch_size: usize,
    },
    /// A recording whose features do not fit the network.
    #[error("recording {id}: {reason}")]
    Recording {
        /// The recording.
        id: String,
        /// Why.
        reason: String,
    },
    /// Somebody asked to stop.
    #[error(
        "interrupted after epoch {epoch}, step {step}; the run is saved and continues with --resume"
    )]
    Interrupted {
        /// Epochs completed.
        epoch: u64,
        /// Steps completed.
        step: u64,
    },
    /// Reading or writing failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl EngineError {
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        EngineError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// Whether the user asked for something impossible (a wrong configuration, device or folder), rather than a run that
    /// failed on its way.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            EngineError::Config(_) | EngineError::Device(_) | EngineError::OutputFolder { .. }
        )
    }
}
