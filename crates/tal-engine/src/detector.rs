//! Features in, detections out.

use std::collections::BTreeMap;
use std::path::Path;

use tal_core::config::{Config, Weights};
use tal_core::nn::PrecisionScope;
use tal_core::{Candidates, ClassMap, Detection};
use tal_data::Features;
use tal_postprocess::{suppress, to_detections};
use tch::{Device, no_grad};

use crate::backtal;
use crate::batch::{PaddedBatch, check_features};
use crate::checkpoint::Checkpoint;
use crate::error::EngineError;
use crate::model::Model;
use crate::optimizer::NamedTensors;

/// A trained network that answers with detections.
///
/// ```no_run
/// use tal_engine::{Detector, DeviceChoice};
/// # fn features() -> tal_data::Features { unimplemented!() }
///
/// # fn main() -> Result<(), tal_engine::EngineError> {
/// let device = DeviceChoice::Auto.resolve()?;
/// let detector = Detector::load("runs/demo/best.safetensors".as_ref(), None, device)?;
/// for detection in detector.detect(&features())? {
///     let name = detector.classes().display_name(detection.label);
///     println!("{name}: {:.1} s to {:.1} s", detection.segment.start, detection.segment.end);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Detector {
    model: Model,
    classes: ClassMap,
    weights: Weights,
}

impl Detector {
    /// Reads a checkpoint. `weights` overrides which of its weights are used.
    ///
    /// # Errors
    /// Where the file cannot be read or its weights do not fit its configuration.
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
    /// Where the weights do not fit the configuration.
    pub fn from_checkpoint(
        checkpoint: &Checkpoint,
        path: &Path,
        weights: Option<Weights>,
        device: Device,
    ) -> Result<Self, EngineError> {
        let manifest = &checkpoint.manifest;
        let (weights, tensors) = checkpoint.weights(weights);
        let mut model = Model::new(&manifest.config, &[], device)?;
        model.load(&tensors, path)?;
        Ok(Self {
            model,
            classes: manifest.classes.clone(),
            weights,
        })
    }

    /// A detector with given weights, such as those of a run in progress. `path` names them in errors.
    ///
    /// # Errors
    /// Where the weights do not fit the configuration.
    pub fn with_weights(
        config: &Config,
        classes: &ClassMap,
        (weights, tensors): (Weights, &NamedTensors),
        path: &Path,
        device: Device,
    ) -> Result<Self, EngineError> {
        let mut model = Model::new(config, &[], device)?;
        model.load(tensors, path)?;
        Ok(Self {
            model,
            classes: classes.clone(),
            weights,
        })
    }

    /// Names of the classes.
    pub fn classes(&self) -> &ClassMap {
        &self.classes
    }

    /// The configuration it was trained with.
    pub fn config(&self) -> &Config {
        self.model.config()
    }

    /// Which weights it uses.
    pub fn weights(&self) -> Weights {
        self.weights
    }

    /// The network.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// All actions found in a recording, best first.
    ///
    /// # Units
    /// Seconds.
    ///
    /// # Errors
    /// Where the features have another number of channels than the network takes, or are empty.
    pub fn detect(&self, features: &Features) -> Result<Vec<Detection>, EngineError> {
        let mut found = self.detect_all(&[features])?;
        Ok(found.pop().unwrap_or_default())
    }

    /// [`Detector::detect`] for several recordings, in their order. Those with the same [`Detector::padded_len`] go through
    /// the network together, which changes results by rounding.
    ///
    /// # Errors
    /// As [`Detector::detect`]; nothing is computed where one of the recordings does not fit.
    pub fn detect_all(&self, features: &[&Features]) -> Result<Vec<Vec<Detection>>, EngineError> {
        if let (Some(network), Some(config)) = (self.model.backtal(), &self.config().backtal) {
            let device = self.model.device();
            let _precision = PrecisionScope::new(self.config().inference.precision, device);
            return backtal::detect(network, self.config(), config, features, device);
        }
        let suppression = &self.config().inference.suppression;
        let candidates = self.candidates(features)?;
        candidates
            .iter()
            .zip(features)
            .map(|(candidates, features)| {
                let kept = suppress(candidates, suppression).map_err(|source| {
                    EngineError::Suppression {
                        id: features.id.clone(),
                        source,
                    }
                })?;
                Ok(to_detections(&kept, &features.grid, features.duration))
            })
            .collect()
    }

    /// What the network proposes for recordings, before suppression.
    ///
    /// # Units
    /// Grid units.
    ///
    /// # Errors
    /// As [`Detector::detect_all`].
    ///
    /// # Panics
    /// Where the network is BackTAL, whose proposals have no grid.
    pub fn candidates(&self, features: &[&Features]) -> Result<Vec<Candidates>, EngineError> {
        let config = self.config();
        let mut of_len: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, features) in features.iter().enumerate() {
            check_features(features, config)?;
            of_len
                .entry(self.padded_len(features))
                .or_default()
                .push(index);
        }
        let device = self.model.device();
        let _precision = PrecisionScope::new(config.inference.precision, device);
        let mut all = vec![Candidates::default(); features.len()];
        for (padded_len, indices) in of_len {
            let arrays: Vec<_> = indices.iter().map(|&i| &*features[i].array).collect();
            let found = no_grad(|| {
                let batch = PaddedBatch::new(&arrays, padded_len, device);
                let output = self.model.forward(&batch.features, &batch.lens, false);
                let points = self.model.points(padded_len);
                tal_decoder::select_candidates(&output, &points, &config.inference)
            });
            for (index, candidates) in indices.into_iter().zip(found) {
                all[index] = candidates;
            }
        }
        Ok(all)
    }

    /// Features that the network sees of a recording, padding included.
    pub fn padded_len(&self, features: &Features) -> usize {
        let config = self.config();
        match &config.backtal {
            Some(backtal) => backtal.num_snippets,
            None => {
                let len = features.array.len();
                config.encoder.padded_len(len, config.dataset.max_seq_len)
            }
        }
    }
}
