//! The detectors that learn from annotated segments: a pyramid encoder, a neck and a decoder.

use std::collections::{BTreeMap, BTreeSet};
use std::path;
use std::sync::Arc;

use tal_core::config::Config;
use tal_core::nn::FeaturePyramid;
use tal_core::weights::NamedTensors;
use tal_core::{Candidates, ClassMap, Detection, PointGrid};
use tal_data::{
    Dataset, Features, SampleSource, SignalWindows, TrainingSample, annotations, rescaled,
};
use tal_decoder::{
    ActionSensitivityInput, Criterion, CriterionState, Decoder, DecoderOutput, Losses,
    select_candidates,
};
use tal_encoder::{Encoder, Neck};
use tal_postprocess::{FusionRule, fuse_detections};
use tch::nn::Path;
use tch::{Device, Tensor, no_grad};

use crate::action_sensitivity::RunSensitivity;
use crate::batch::{PaddedBatch, TrainingBatch, check_features};
use crate::checkpoint::Checkpoint;
use crate::error::{EngineError, ModelError};
use crate::frame_scores::FrameScores;
use crate::method::{Method, Source};
use crate::metrics::{PyramidMetrics, StepTerms};
use crate::model::Model;
use crate::profile::{Phase, Stopwatch};
use crate::proposals::Proposals;
use crate::ranks::Ranks;

/// The method of CLTDR-GMG, TriDet, ActionFormer and TemporalMaxer: learning from annotated segments.
pub struct Pyramid {
    criterion: Criterion,
    action_sensitivity: Option<RunSensitivity>,
}

/// The network of a detector that learns from segments.
pub struct PyramidNetwork {
    /// Features to pyramid.
    pub encoder: Encoder,
    /// Norm of each level of the pyramid.
    pub neck: Neck,
    /// Pyramid to logits and offsets.
    pub decoder: Decoder,
}

impl PyramidNetwork {
    /// The outputs for padded features.
    ///
    /// # Shapes
    /// `features` (B, D_in, T) with T a multiple of the last level's stride; `lens` B true lengths.
    ///
    /// # Panics
    /// If the shapes are others.
    pub fn forward(&self, features: &Tensor, lens: &[usize], train: bool) -> DecoderOutput {
        self.decoder.forward(&self.pyramid(features, lens, train))
    }

    /// The pyramid that the decoder reads.
    ///
    /// # Shapes
    /// As [`PyramidNetwork::forward`]; level l of the result is (B, D, T / 2^l).
    ///
    /// # Panics
    /// As [`PyramidNetwork::forward`].
    pub fn pyramid(&self, features: &Tensor, lens: &[usize], train: bool) -> FeaturePyramid {
        self.neck
            .forward(&self.encoder.forward_t(features, lens, train))
    }
}

impl Method for Pyramid {
    type Network = PyramidNetwork;
    type Sample = TrainingSample;
    type Batch = TrainingBatch;
    type Losses = Losses;

    fn network(
        config: &Config,
        path: &Path<'_>,
        empty_classes: &[u32],
    ) -> Result<PyramidNetwork, ModelError> {
        let Config {
            dataset, encoder, ..
        } = config;
        Ok(PyramidNetwork {
            encoder: Encoder::new(
                &(path / "encoder"),
                encoder,
                dataset.input_dim,
                dataset.max_seq_len,
            )?,
            neck: Neck::new(
                &(path / "neck"),
                &encoder.neck,
                encoder.dim,
                encoder.num_levels,
            ),
            decoder: Decoder::new(
                &(path / "decoder"),
                encoder.dim,
                dataset.num_classes,
                empty_classes,
                encoder.num_levels,
                &config.decoder,
            )?,
        })
    }

    fn check(config: &Config, network: &PyramidNetwork) -> Result<(), ModelError> {
        if config.backtal.is_some() {
            return Err(ModelError::OtherMethod);
        }
        let found = network.encoder.branch.len() + 1;
        for (field, expected) in [
            ("encoder.num_levels", config.encoder.num_levels),
            (
                "decoder.regression_range",
                config.decoder.regression_range.len(),
            ),
        ] {
            if found != expected {
                return Err(ModelError::Levels {
                    field,
                    expected,
                    found,
                });
            }
        }
        Ok(())
    }

    fn class_names(config: &Config) -> Result<ClassMap, EngineError> {
        let path = &config.dataset.annotations;
        Ok(annotations::read(path, Some(config.dataset.num_classes))?.classes)
    }

    fn source(
        config: &Config,
        dataset: Arc<Dataset>,
    ) -> Result<Source<TrainingSample>, EngineError> {
        let mut all = (0..dataset.num_recordings()).map(|index| dataset.recording(index));
        if all.all(|recording| recording.instances.is_empty()) {
            return Err(EngineError::Unlearnable {
                path: config.dataset.annotations.clone(),
                subsets: config.dataset.train_subsets.join(", "),
                reason: format!(
                    "none of its {} recordings with features has an annotation, so there is nothing to learn; annotate some, \
                     or set dataset.train_subsets to another subset",
                    dataset.num_recordings()
                ),
            });
        }
        let classes = dataset.classes().clone();
        Ok((dataset as Arc<dyn SampleSource>, classes))
    }

    fn batch(
        config: &Config,
        samples: &[TrainingSample],
        device: Device,
    ) -> Result<TrainingBatch, EngineError> {
        TrainingBatch::new(samples, config, device)
    }

    fn input(batch: &mut TrainingBatch) -> &mut PaddedBatch {
        &mut batch.input
    }

    fn fits(config: &Config, batch: &TrainingBatch) -> bool {
        batch.fits(config)
    }

    fn ids(batch: &TrainingBatch) -> &[String] {
        &batch.ids
    }

    fn taught(batch: &TrainingBatch) -> BTreeSet<u32> {
        batch.positive_classes()
    }

    fn new(config: &Config, device: Device) -> Result<Self, ModelError> {
        Ok(Self {
            criterion: Criterion::new(&config.loss),
            action_sensitivity: RunSensitivity::new(config, device)?,
        })
    }

    fn step(
        &mut self,
        network: &PyramidNetwork,
        batch: &TrainingBatch,
        ranks: &Ranks,
        stopwatch: &mut Stopwatch,
    ) -> (Tensor, Losses) {
        let pyramid = network.pyramid(&batch.input.features, &batch.input.lens, true);
        stopwatch.lap(Phase::Encoder);
        let output = network.decoder.forward(&pyramid);
        stopwatch.lap(Phase::Decoder);
        let sensitivity = self
            .action_sensitivity
            .as_ref()
            .map(|run| ActionSensitivityInput {
                module: &run.module,
                pyramid: &pyramid,
                actions: &batch.actions,
            });
        let (points, targets, sensitivity) = (&batch.points, &batch.targets, sensitivity.as_ref());
        let criterion = &mut self.criterion;
        let losses = match ranks.is_alone() {
            true => criterion.forward_with(&output, points, targets, sensitivity),
            false => criterion.forward_shared(&output, points, targets, sensitivity, ranks),
        };
        (losses.total.shallow_clone(), losses)
    }

    fn terms(&self, _: &TrainingBatch, losses: &Losses, ends_epoch: bool) -> StepTerms {
        let sensitivity = self
            .action_sensitivity
            .as_ref()
            .zip(losses.action_sensitivity.as_ref());
        StepTerms::Pyramid(PyramidMetrics {
            cls_loss: losses.cls.double_value(&[]),
            reg_loss: losses.reg.double_value(&[]),
            num_positives: losses.num_positives as u64,
            action_sensitivity: sensitivity
                .map(|(run, losses)| Box::new(run.metrics(losses, ends_epoch))),
        })
    }

    fn variables(&self) -> NamedTensors {
        self.action_sensitivity
            .as_ref()
            .map_or_else(NamedTensors::new, RunSensitivity::variables)
    }

    fn state(&self) -> CriterionState {
        self.criterion.state()
    }

    fn restore(
        &mut self,
        checkpoint: &Checkpoint,
        state: CriterionState,
        path: &path::Path,
    ) -> Result<(), EngineError> {
        self.criterion.load_state(state);
        match &self.action_sensitivity {
            Some(sensitivity) => sensitivity.load(checkpoint, path),
            None => Ok(()),
        }
    }

    fn padded_len(config: &Config, _: &PyramidNetwork, len: usize) -> usize {
        config.encoder.padded_len(len, config.dataset.max_seq_len)
    }

    fn detect(
        config: &Config,
        network: &PyramidNetwork,
        device: Device,
        features: &[&Features],
    ) -> Result<Vec<Vec<Detection>>, EngineError> {
        let inference = &config.inference;
        if !inference.has_scales() {
            return detect_once(config, network, device, features);
        }
        for features in features {
            check_features(features, config)?;
        }
        let windows = SignalWindows::of(&config.dataset);
        let of_scale = |scale: &f64| {
            let scaled = features.iter().map(|one| rescaled(one, windows, *scale));
            let scaled: Vec<Features> = scaled.collect();
            detect_once(config, network, device, &scaled.iter().collect::<Vec<_>>())
        };
        let of_scales = inference.scales.iter().map(of_scale);
        let of_scales = of_scales.collect::<Result<Vec<_>, _>>()?;
        let rule = FusionRule {
            iou_threshold: inference.fusion_iou,
            max_detections: Some(inference.suppression.max_detections),
        };
        let fused = features.iter().enumerate().map(|(index, features)| {
            let found: Vec<&[Detection]> = of_scales.iter().map(|all| &all[index][..]).collect();
            fuse_detections(&found, &rule).map_err(|source| EngineError::Fusion {
                id: features.id.clone(),
                source,
            })
        });
        fused.collect()
    }

    fn frame_scores(
        config: &Config,
        network: &PyramidNetwork,
        device: Device,
        features: &Features,
    ) -> Result<FrameScores, EngineError> {
        let found = candidates(config, network, device, &[features])?;
        let found = found.into_iter().next().unwrap_or_default();
        let shape = (features.array.len(), config.dataset.num_classes);
        Ok(FrameScores::of_candidates(&found, &features.grid, shape))
    }

    fn proposals(
        config: &Config,
        network: &PyramidNetwork,
        device: Device,
        features: &Features,
    ) -> Result<Option<Proposals>, EngineError> {
        if config.inference.has_scales() {
            // Detections of several tempos are fused after suppression.
            return Ok(None);
        }
        let found = candidates(config, network, device, &[features])?;
        let found = found.into_iter().next();
        Ok(found.map(|candidates| Proposals::new(features, candidates)))
    }
}

/// Actions in each of the recordings, at their own tempo.
fn detect_once(
    config: &Config,
    network: &PyramidNetwork,
    device: Device,
    features: &[&Features],
) -> Result<Vec<Vec<Detection>>, EngineError> {
    let candidates = candidates(config, network, device, features)?;
    let found = candidates.into_iter().zip(features);
    found
        .map(|(candidates, features)| {
            let all = Proposals::new(features, candidates);
            all.suppressed(config, &config.inference.suppression)
        })
        .collect()
}

impl Model<Pyramid> {
    /// Proposals of the network for each of the recordings, before suppression. Recordings of one padded length go through
    /// the network together.
    ///
    /// # Units
    /// Grid units.
    ///
    /// # Errors
    /// If a recording has no features, or another number of channels than the network takes.
    pub fn candidates(&self, features: &[&Features]) -> Result<Vec<Candidates>, EngineError> {
        candidates(self.config(), self.network(), self.device(), features)
    }
}

fn candidates(
    config: &Config,
    network: &PyramidNetwork,
    device: Device,
    features: &[&Features],
) -> Result<Vec<Candidates>, EngineError> {
    let mut of_len: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, features) in features.iter().enumerate() {
        check_features(features, config)?;
        let padded_len = Pyramid::padded_len(config, network, features.array.len());
        of_len.entry(padded_len).or_default().push(index);
    }
    let mut all = vec![Candidates::default(); features.len()];
    for (padded_len, indices) in of_len {
        let arrays: Vec<_> = indices.iter().map(|&i| &*features[i].array).collect();
        let found = no_grad(|| {
            let batch = PaddedBatch::new(&arrays, padded_len, device);
            let output = network.forward(&batch.features, &batch.lens, false);
            let points = PointGrid::new(padded_len, &config.decoder.regression_range);
            select_candidates(&output, &points, &config.inference)
        });
        for (index, candidates) in indices.into_iter().zip(found) {
            all[index] = candidates;
        }
    }
    Ok(all)
}
