//! Features in, detections out.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use tal_core::config::{Config, Weights};
use tal_core::weights::NamedTensors;
use tal_core::{ClassMap, Detection, TimeGrid};
use tal_data::{DataError, Features, FoundRecording, find_recordings, read_features};
use tch::Device;

use crate::checkpoint::{Checkpoint, Manifest};
use crate::error::EngineError;
use crate::external_scores::ExternalScores;
use crate::frame_scores::FrameScores;
use crate::method::Method;
use crate::model::{Model, load_strict};
use crate::opened::{self, AnyModel};
use crate::proposals::Proposals;
use crate::trained_on::TrainedOn;

/// A trained network that answers with detections.
///
/// ```no_run
/// use tal_engine::{Detector, DeviceChoice};
///
/// # fn main() -> Result<(), tal_engine::EngineError> {
/// let device = DeviceChoice::Auto.resolve()?;
/// let detector = Detector::load("runs/demo/best.safetensors".as_ref(), None, device)?;
/// let features = detector.read_features("features/video_1.npy".as_ref(), Some(30.0), None)?;
/// for detection in detector.detect(&features)? {
///     let name = detector.classes().display_name(detection.label);
///     println!("{name}: {:.1} s to {:.1} s", detection.segment.start, detection.segment.end);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Detector {
    model: Box<dyn AnyModel>,
    classes: ClassMap,
    weights: Weights,
    external_scores: Option<Arc<ExternalScores>>,
    trained_on: TrainedOn,
}

impl Detector {
    /// Reads a checkpoint. `weights` chooses the kind of weights [default: that of the checkpoint].
    ///
    /// # Errors
    /// If the file, or the class scores that its configuration names, cannot be read, or its weights do not fit its
    /// configuration.
    pub fn load(
        path: &Path,
        weights: Option<Weights>,
        device: Device,
    ) -> Result<Self, EngineError> {
        Self::from_checkpoint(&Checkpoint::read(path)?, path, weights, device)
    }

    /// [`Detector::load`] from a checkpoint that has been read; `path` names it in errors.
    ///
    /// # Errors
    /// As [`Detector::load`].
    pub fn from_checkpoint(
        checkpoint: &Checkpoint,
        path: &Path,
        weights: Option<Weights>,
        device: Device,
    ) -> Result<Self, EngineError> {
        let Manifest {
            config, classes, ..
        } = &checkpoint.manifest;
        let (kind, tensors) = checkpoint.weights(weights);
        let mut detector = Self::with_weights(config, classes, (kind, &tensors), path, device)?;
        detector.trained_on = checkpoint.manifest.trained_on.clone();
        Ok(detector)
    }

    /// A detector with given weights, such as those of a run in progress. `path` names them in errors.
    ///
    /// # Errors
    /// If the weights do not fit the configuration, or the class scores that it names cannot be read.
    pub fn with_weights(
        config: &Config,
        classes: &ClassMap,
        (weights, tensors): (Weights, &NamedTensors),
        path: &Path,
        device: Device,
    ) -> Result<Self, EngineError> {
        let model = opened::open(config, device)?;
        load_strict(model.parameters(), tensors, path)?;
        Ok(Self {
            external_scores: ExternalScores::of(config)?,
            model,
            classes: classes.clone(),
            weights,
            trained_on: TrainedOn::default(),
        })
    }

    /// A detector with the network of `model`; `weights` is the kind of weights that it holds.
    ///
    /// # Errors
    /// If the class scores that the configuration names cannot be read.
    pub fn from_model<M: Method>(
        model: Model<M>,
        classes: &ClassMap,
        weights: Weights,
    ) -> Result<Self, EngineError> {
        let external_scores = ExternalScores::of(model.config())?;
        Ok(Self::with_scores(model, classes, weights, external_scores))
    }

    pub(crate) fn with_scores<M: Method>(
        model: Model<M>,
        classes: &ClassMap,
        weights: Weights,
        external_scores: Option<Arc<ExternalScores>>,
    ) -> Self {
        Self {
            model: Box::new(model),
            classes: classes.clone(),
            weights,
            external_scores,
            trained_on: TrainedOn::default(),
        }
    }

    /// Names of the classes that detections have: those of the network, or those of `inference.external_scores`.
    pub fn classes(&self) -> &ClassMap {
        self.external_scores()
            .map_or(&self.classes, ExternalScores::classes)
    }

    /// The class scores that `inference.external_scores` names.
    pub fn external_scores(&self) -> Option<&ExternalScores> {
        self.external_scores.as_deref()
    }

    /// The configuration of the network.
    pub fn config(&self) -> &Config {
        self.model.config()
    }

    /// The kind of weights in use.
    pub fn weights(&self) -> Weights {
        self.weights
    }

    /// Traits of the recordings that it was trained on, as far as its checkpoint tells.
    pub fn trained_on(&self) -> &TrainedOn {
        &self.trained_on
    }

    /// Number of trained values.
    pub fn num_parameters(&self) -> usize {
        self.model.num_parameters()
    }

    /// The network; `None` if it is of another method.
    pub fn model<M: Method>(&self) -> Option<&Model<M>> {
        (&*self.model as &dyn Any).downcast_ref()
    }

    /// Reads a feature file outside any annotation file, to detect in.
    ///
    /// `fps` is used if the configuration sets none; without it, that of all training recordings. Without `duration`, the
    /// recording ends with its last window.
    ///
    /// # Units
    /// `fps` in frames per second, `duration` in seconds.
    ///
    /// # Errors
    /// As [`tal_data::read_features`]; if the frame rate or the duration must be given and is not.
    pub fn read_features(
        &self,
        path: &Path,
        fps: Option<f32>,
        duration: Option<f64>,
    ) -> Result<Features, EngineError> {
        let fps = self.timed(fps, duration)?;
        let read = read_features(&self.config().dataset, path, fps, duration);
        self.complete(read.map_err(|error| self.explained(path, error))?)
    }

    /// The recordings of a feature file outside any annotation file, see [`tal_data::find_recordings`].
    ///
    /// # Errors
    /// As [`tal_data::find_recordings`].
    pub fn find_recordings(
        &self,
        path: &Path,
        below: Option<&Path>,
    ) -> Result<Vec<FoundRecording>, EngineError> {
        find_recordings(&self.config().dataset, path, below)
            .map_err(|error| self.explained(path, error))
    }

    /// [`Detector::read_features`] of a recording that [`Detector::find_recordings`] found in the file `path`.
    ///
    /// # Units
    /// `fps` in frames per second, `duration` in seconds.
    ///
    /// # Errors
    /// As [`Detector::read_features`].
    pub fn read_recording(
        &self,
        path: &Path,
        recording: &FoundRecording,
        fps: Option<f32>,
        duration: Option<f64>,
    ) -> Result<Features, EngineError> {
        let fps = self.timed(fps, duration)?;
        let read = recording.read(fps, duration);
        self.complete(read.map_err(|error| self.explained(path, error))?)
    }

    /// The frame rate to take, if everything is known that the place of features in time depends on.
    fn timed(&self, fps: Option<f32>, duration: Option<f64>) -> Result<Option<f32>, EngineError> {
        let config = &self.config().dataset;
        if config.feat_stride.is_none() && duration.is_none() {
            return Err(EngineError::UnknownDuration);
        }
        let fps = fps.or(self.trained_on.common_fps());
        if self.config().needs_fps() && config.fps.or(fps).is_none() {
            return Err(EngineError::UnknownFps {
                trained_on: self.trained_on.fps,
            });
        }
        Ok(fps)
    }

    /// An error of reading a file, with the files of training if they had another extension.
    fn explained(&self, path: &Path, error: DataError) -> EngineError {
        let extension = path
            .extension()
            .map(|one| one.to_string_lossy().into_owned());
        match self.trained_on.files() {
            Some(files) if extension != self.trained_on.extension => EngineError::OtherFiles {
                source: Box::new(error),
                files,
            },
            _ => error.into(),
        }
    }

    /// Features with a duration; tells of one that they do not fit.
    fn complete(&self, mut features: Features) -> Result<Features, EngineError> {
        let end = features.end();
        let duration = *features.duration.get_or_insert(end);
        let TimeGrid {
            fps,
            feat_stride,
            num_frames,
        } = features.grid;
        let margin = 0.5 + f64::from((feat_stride + num_frames) / fps);
        if end > duration + margin {
            let len = features.array.len();
            tracing::warn!(
                "recording {:?}: {len} features ({end:.1} s) do not fit a duration of {duration} s; what is found behind its \
                 end is left out",
                features.id
            );
        }
        Ok(features)
    }

    /// All actions found in a recording, best first: suppressed, cut to the recording, without those of which nothing is
    /// left, and with the classes of
    /// `inference.external_scores` if the configuration names any. If `features.duration` is `None`, they are not cut; see
    /// [`Features::end`].
    ///
    /// # Units
    /// Seconds.
    ///
    /// # Errors
    /// If the recording has no features, another number of channels than the network takes, or no class scores.
    pub fn detect(&self, features: &Features) -> Result<Vec<Detection>, EngineError> {
        let mut found = self.detect_all(&[features])?;
        Ok(found.pop().unwrap_or_default())
    }

    /// [`Detector::detect`] for several recordings, in their order. Those with the same [`Detector::padded_len`] go through
    /// the network together, which changes results by rounding.
    ///
    /// # Errors
    /// As [`Detector::detect`]; nothing is computed if one of the recordings does not fit.
    pub fn detect_all(&self, features: &[&Features]) -> Result<Vec<Vec<Detection>>, EngineError> {
        let ids = features.iter().map(|features| features.id.as_str());
        if let Some(scores) = self.external_scores() {
            scores.check(ids.clone())?;
        }
        let found = self.model.detect(features)?;
        let each = ids.zip(found);
        each.map(|(id, found)| self.completed(id, found)).collect()
    }

    /// Scores of the network's classes over the time of a recording: at each feature the highest score of a candidate that
    /// covers it or, for BackTAL, at each snippet the logistic function of the class activation sequence.
    ///
    /// # Errors
    /// As [`Detector::detect`].
    pub fn frame_scores(&self, features: &Features) -> Result<FrameScores, EngineError> {
        self.model.frame_scores(features)
    }

    /// What the network proposes for a recording before suppression; `None` if its method has no candidates (BackTAL).
    ///
    /// # Errors
    /// As [`Detector::detect`].
    pub fn proposals(&self, features: &Features) -> Result<Option<Proposals>, EngineError> {
        self.model.proposals(features)
    }

    /// [`Detector::detect`] of proposals, with another width σ of Soft-NMS if `sigma` is given.
    ///
    /// # Units
    /// Seconds.
    ///
    /// # Errors
    /// If a score or an end is not finite; if the recording has no class scores.
    pub fn suppressed(
        &self,
        proposals: &Proposals,
        sigma: Option<f32>,
    ) -> Result<Vec<Detection>, EngineError> {
        let config = self.config();
        let mut rules = config.inference.suppression.clone();
        rules.sigma = sigma.unwrap_or(rules.sigma);
        let found = proposals.suppressed(config, &rules)?;
        self.completed(&proposals.id, found)
    }

    /// Detections without those of no length, with the classes of external scores.
    fn completed(
        &self,
        id: &str,
        mut found: Vec<Detection>,
    ) -> Result<Vec<Detection>, EngineError> {
        // Cut to the recording, some have no length left; they can only be wrong.
        found.retain(|one| one.segment.length() > 0.0);
        match self.external_scores() {
            None => Ok(found),
            Some(scores) => scores.fuse_one(id, found),
        }
    }

    /// Number of features that the network sees of a recording, padding included.
    pub fn padded_len(&self, features: &Features) -> usize {
        self.model.padded_len(features.array.len())
    }
}
