//! Errors of the engine.

use std::path::{Path, PathBuf};

use tal_backtal::BackTalError;
use tal_config::ConfigError;
use tal_core::weights::WeightsError;
use tal_core::{FileError, Usage};
use tal_data::{AnnotationError, ClassScoresFileError, DataError, FeatureError, ResultsError};
use tal_decoder::DecoderError;
use tal_encoder::EncoderError;
use tal_postprocess::{
    ClassAssignmentError, EvaluationError, FusionError, ProposalError, SuppressionError,
};
use tal_pth::PthError;

use crate::device::DeviceError;
use crate::ranks::error::RanksError;

/// An error of the engine.
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
    #[error("{}: {source}", path.display())]
    WeightsMismatch {
        /// The file.
        path: PathBuf,
        /// Names that are missing, unexpected or of another shape.
        source: WeightsError,
    },
    /// Weights of a released file do not fit the network that the configuration describes.
    #[error("{}: {section}: {source}", path.display())]
    ReleasedWeights {
        /// The file.
        path: PathBuf,
        /// The section of the file.
        section: &'static str,
        /// Names that are missing, unexpected or of another shape.
        source: Box<WeightsError>,
    },
    /// Candidates that suppression refuses.
    #[error("recording {id}: {source}")]
    Suppression {
        /// The recording.
        id: String,
        /// The reason.
        source: SuppressionError,
    },
    /// Class activations without proposals.
    #[error("recording {id}: {source}")]
    Proposals {
        /// The recording.
        id: String,
        /// The reason.
        source: ProposalError,
    },
    /// Detections at several scales cannot be fused.
    #[error("recording {id:?}: {source}")]
    Fusion {
        /// The recording.
        id: String,
        /// The reason.
        source: FusionError,
    },
    /// Detections or ground truth that the evaluation refuses.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// Annotations that detections cannot be compared with.
    #[error("{}: subset {subsets}: {reason}", path.display())]
    Untestable {
        /// The annotation file.
        path: PathBuf,
        /// The subsets to test on.
        subsets: String,
        /// The reason, and a way out.
        reason: String,
    },
    /// Annotations that nothing can be learned from.
    #[error("{}: subset {subsets}: {reason}", path.display())]
    Unlearnable {
        /// The annotation file.
        path: PathBuf,
        /// The subsets to train on.
        subsets: String,
        /// The reason, and a way out.
        reason: String,
    },
    /// A file of class scores is wrong.
    #[error(transparent)]
    ClassScores(#[from] ClassScoresFileError),
    /// Class scores of recordings do not fit their detections.
    #[error("{}: {source}", path.display())]
    ExternalScores {
        /// The file of class scores.
        path: PathBuf,
        /// The reason.
        source: ClassAssignmentError,
    },
    /// The network cannot be built.
    #[error("cannot build the network: {0}")]
    Model(#[from] ModelError),
    /// A checkpoint cannot be used.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// An output folder cannot be used.
    #[error("the output folder {} {reason}", path.display())]
    OutputFolder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A loss, gradient or score stopped being a number.
    #[error(
        "{what} became {value} at step {step} (recordings {recordings}); lower train.learning_rate or \
         train.clip_grad_l2norm, or look at these recordings"
    )]
    NotFinite {
        /// The loss or the gradient.
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
    /// A batch that cannot be trained on.
    #[error("the batch {0}")]
    Batch(&'static str),
    /// A recording whose features do not fit the network.
    #[error("recording {id}: {reason}")]
    Recording {
        /// The recording.
        id: String,
        /// The reason.
        reason: String,
    },
    /// Only its length tells how the features of a recording lie in time, and a feature file does not have it.
    #[error(
        "the features are of fixed length (dataset.feat_stride is null): only the length of a recording tells how they \
         lie in time, and feature files do not have it; give it in seconds with --duration, for one recording at a time"
    )]
    UnknownDuration,
    /// The frame rate is needed, and neither the configuration, nor a feature file, nor the training recordings tell it.
    #[error(
        "the frame rate of the recordings is not known: the configuration leaves it to the annotations, feature files do \
         not have it{}; give it with --fps", rates(*trained_on)
    )]
    UnknownFps {
        /// Lowest and highest frame rate of the training recordings.
        trained_on: Option<[f64; 2]>,
    },
    /// A feature file that cannot be read is of another kind than those of training.
    #[error("{source}; the features of training were {files}")]
    OtherFiles {
        /// The reason.
        source: Box<DataError>,
        /// The files of training.
        files: String,
    },
    /// The observer asked to stop.
    #[error(
        "interrupted after epoch {epoch}, step {step}; the run is saved and continues with --resume"
    )]
    Interrupted {
        /// Epochs completed.
        epoch: u64,
        /// Steps completed.
        step: u64,
    },
    /// Training with several ranks failed.
    #[error(transparent)]
    Ranks(#[from] RanksError),
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] FileError),
}

/// An error of the construction of a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The encoder refuses its configuration.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// The decoder refuses its configuration.
    #[error(transparent)]
    Decoder(#[from] DecoderError),
    /// The layers of BackTAL refuse their configuration.
    #[error(transparent)]
    BackTal(#[from] BackTalError),
    /// Variables share a name, and so would their weights in a checkpoint.
    #[error("two variables share a name: {}", tal_core::plain_list(.0))]
    DuplicateNames(Vec<String>),
    /// The method and the configuration differ.
    #[error(
        "the configuration describes another method: BackTAL needs the section backtal, all others need backtal: null"
    )]
    OtherMethod,
    /// The encoder has another number of levels than the configuration.
    #[error("{field} is for {expected} level(s), the encoder has {found}")]
    Levels {
        /// The field of the configuration.
        field: &'static str,
        /// Its number of levels.
        expected: usize,
        /// Levels of the encoder.
        found: usize,
    },
}

/// Frame rates of training, as a part of a sentence.
fn rates(trained_on: Option<[f64; 2]>) -> String {
    trained_on.map_or_else(String::new, |[lowest, highest]| {
        format!(", and the training recordings differ ({lowest} to {highest})")
    })
}

impl EngineError {
    /// A file or folder of a run that cannot be used.
    pub(crate) fn checkpoint(path: &Path, reason: impl Into<String>) -> Self {
        EngineError::Checkpoint {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    /// A recording that does not fit the network.
    pub(crate) fn recording(id: &str, reason: impl Into<String>) -> Self {
        EngineError::Recording {
            id: id.to_owned(),
            reason: reason.into(),
        }
    }
}

impl Usage for EngineError {
    fn is_usage(&self) -> bool {
        match self {
            EngineError::Config(_)
            | EngineError::Device(_)
            | EngineError::OutputFolder { .. }
            | EngineError::UnknownDuration
            | EngineError::UnknownFps { .. } => true,
            EngineError::Ranks(error) => error.is_usage(),
            _ => false,
        }
    }
}
