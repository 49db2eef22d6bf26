//! BackTAL, the method that learns from labels of recordings and background clicks.

use std::collections::BTreeSet;
use std::path;
use std::sync::Arc;

use tal_backtal::{BackTalCriterion, BackTalLosses, WeakTarget};
use tal_core::config::{AffinityLayout, BackTalConfig, Config, Weights};
use tal_core::nn::host;
use tal_core::{ClassMap, Detection};
use tal_data::{
    Dataset, Features, WeakDataset, WeakOptions, WeakSample, resampled_snippets, weak_class_names,
};
use tal_decoder::{Criterion, CriterionState};
use tal_postprocess::{ActivationCurves, localize};
use tch::nn::Path;
use tch::{Device, Tensor, no_grad};

use crate::batch::{PaddedBatch, check_features, check_not_empty, check_sample};
use crate::checkpoint::Checkpoint;
use crate::error::{EngineError, ModelError};
use crate::frame_scores::FrameScores;
use crate::method::{Method, Source};
use crate::metrics::{BackTalMetrics, StepTerms};
use crate::profile::{Phase, Stopwatch};
use crate::proposals::Proposals;
use crate::ranks::Ranks;

/// The method of BackTAL: learning from labels of recordings and background clicks.
pub struct BackTal {
    criterion: BackTalCriterion,
    /// Part of every checkpoint; this loss has no use for it.
    state: CriterionState,
}

/// The network of BackTAL and the section of the configuration that it follows.
pub struct BackTalNetwork {
    /// The layers.
    pub layers: tal_backtal::BackTal,
    config: BackTalConfig,
}

fn section(config: &Config) -> Result<&BackTalConfig, ModelError> {
    config.backtal.as_ref().ok_or(ModelError::OtherMethod)
}

impl Method for BackTal {
    type Network = BackTalNetwork;
    type Sample = WeakSample;
    type Batch = WeakBatch;
    type Losses = BackTalLosses;

    fn network(config: &Config, path: &Path<'_>, _: &[u32]) -> Result<BackTalNetwork, ModelError> {
        let (data, backtal) = (&config.dataset, section(config)?);
        let path = path / "backtal";
        Ok(BackTalNetwork {
            layers: tal_backtal::BackTal::new(&path, data.input_dim, data.num_classes, backtal)?,
            config: backtal.clone(),
        })
    }

    fn check(config: &Config, _: &BackTalNetwork) -> Result<(), ModelError> {
        section(config).map(|_| ())
    }

    fn class_names(config: &Config) -> Result<ClassMap, EngineError> {
        Ok(weak_class_names(&config.dataset)?)
    }

    fn source(config: &Config, dataset: Arc<Dataset>) -> Result<Source<WeakSample>, EngineError> {
        let backtal = section(config)?;
        let options = WeakOptions {
            num_snippets: backtal.num_snippets,
            clicks: backtal.clicks.clone(),
            require_labels: true,
        };
        let weak = WeakDataset::new(dataset, &options)?;
        let classes = weak.classes().clone();
        Ok((Arc::new(weak), classes))
    }

    fn batch(
        config: &Config,
        samples: &[WeakSample],
        device: Device,
    ) -> Result<WeakBatch, EngineError> {
        WeakBatch::new(samples, config, device)
    }

    fn input(batch: &mut WeakBatch) -> &mut PaddedBatch {
        &mut batch.input
    }

    fn fits(config: &Config, batch: &WeakBatch) -> bool {
        let (data, size) = (&config.dataset, batch.input.features.size());
        let num_snippets = config.backtal.as_ref().map(|backtal| backtal.num_snippets);
        batch.num_classes == data.num_classes
            && size[1] == data.input_dim as i64
            && Some(size[2] as usize) == num_snippets
    }

    fn ids(batch: &WeakBatch) -> &[String] {
        &batch.ids
    }

    fn taught(batch: &WeakBatch) -> BTreeSet<u32> {
        let labels = batch.targets.iter().flat_map(|target| &target.labels);
        labels.copied().collect()
    }

    fn new(config: &Config, _: Device) -> Result<Self, ModelError> {
        Ok(Self {
            criterion: BackTalCriterion::new(section(config)?),
            state: Criterion::new(&config.loss).state(),
        })
    }

    fn step(
        &mut self,
        network: &BackTalNetwork,
        batch: &WeakBatch,
        ranks: &Ranks,
        stopwatch: &mut Stopwatch,
    ) -> (Tensor, BackTalLosses) {
        let output = network.layers.forward_both(&batch.input.features, true);
        stopwatch.lap(Phase::Network);
        let sum = |numbers: &mut [f64]| ranks.sum_or_remember(numbers);
        let losses = match ranks.is_alone() {
            true => self.criterion.forward(&output, &batch.targets),
            false => self.criterion.forward_shared(&output, &batch.targets, &sum),
        };
        (losses.total.shallow_clone(), losses)
    }

    fn terms(&self, batch: &WeakBatch, losses: &BackTalLosses, _: bool) -> StepTerms {
        StepTerms::BackTal {
            losses: losses.into(),
            num_clicks: batch.num_clicks() as u64,
        }
    }

    fn state(&self) -> CriterionState {
        self.state
    }

    fn restore(
        &mut self,
        _: &Checkpoint,
        state: CriterionState,
        _: &path::Path,
    ) -> Result<(), EngineError> {
        self.state = state;
        Ok(())
    }

    fn padded_len(_: &Config, network: &BackTalNetwork, _: usize) -> usize {
        network.config.num_snippets
    }

    fn detect(
        config: &Config,
        network: &BackTalNetwork,
        device: Device,
        features: &[&Features],
    ) -> Result<Vec<Vec<Detection>>, EngineError> {
        for features in features {
            check_features(features, config)?;
        }
        if features.is_empty() {
            return Ok(Vec::new());
        }
        let num_snippets = network.config.num_snippets;
        let resampled: Vec<_> = features
            .iter()
            .map(|f| resampled_snippets(f, num_snippets))
            .collect();
        let (sequence, norm) = no_grad(|| {
            let arrays: Vec<_> = resampled.iter().map(|(array, _)| &**array).collect();
            let batch = PaddedBatch::new(&arrays, num_snippets, device);
            let sequence = network.layers.forward(&batch.features);
            let norm = sequence
                .feature
                .norm_scalaropt_dim(2, [1i64].as_slice(), false);
            (sequence, norm)
        });
        let num_classes = sequence.cas.size()[1] - 1;
        let recordings = features.iter().zip(&resampled).zip(0..);
        recordings
            .map(|((features, (_, duration)), sample)| {
                let curve = |map: &Tensor| host::copy(&map.get(sample).narrow(0, 0, num_classes));
                let curves = ActivationCurves {
                    cas: &curve(&sequence.cas),
                    scores: &curve(&sequence.score),
                    norm: &host::copy(&norm.get(sample)),
                    num_frames: (duration * f64::from(features.grid.fps)).round().max(1.0) as usize,
                    duration: *duration,
                };
                let found = localize(&curves, &network.config.proposals);
                found.map_err(|source| EngineError::Proposals {
                    id: features.id.clone(),
                    source,
                })
            })
            .collect()
    }

    /// The logistic function of the class activation sequence, at the middle of each snippet.
    fn frame_scores(
        config: &Config,
        network: &BackTalNetwork,
        device: Device,
        features: &Features,
    ) -> Result<FrameScores, EngineError> {
        check_features(features, config)?;
        let len = network.config.num_snippets;
        let (array, duration) = resampled_snippets(features, len);
        let num_classes = config.dataset.num_classes;
        let values = no_grad(|| {
            let batch = PaddedBatch::new(&[&*array], len, device);
            let cas = network.layers.forward(&batch.features).cas;
            let classes = cas.get(0).narrow(0, 0, num_classes as i64);
            host::copy(&classes.sigmoid().transpose(0, 1).contiguous())
        });
        let step = duration / len as f64;
        Ok(FrameScores {
            values,
            len,
            num_classes,
            first: 0.5 * step,
            step,
        })
    }

    fn proposals(
        _: &Config,
        _: &BackTalNetwork,
        _: Device,
        _: &Features,
    ) -> Result<Option<Proposals>, EngineError> {
        Ok(None)
    }

    /// Released files hold trained weights alone, of a network with similarities per channel.
    fn released_weights(config: &Config, _: Weights) -> Result<Weights, &'static str> {
        match &config.backtal {
            Some(backtal) if backtal.affinity != AffinityLayout::Released => Err(
                "was trained with the released layout of similarities; set backtal.affinity to released",
            ),
            _ => Ok(Weights::Raw),
        }
    }
}

/// A training batch: features, labels of recordings and background clicks.
pub struct WeakBatch {
    /// The features.
    pub input: PaddedBatch,
    /// Labels and clicks of each recording.
    pub targets: Vec<WeakTarget>,
    /// Ids of the recordings.
    pub ids: Vec<String>,
    num_classes: usize,
}

impl WeakBatch {
    /// A batch for the network that `config` describes.
    ///
    /// # Errors
    /// If `config` has no section `backtal`; if a sample has another number of channels or snippets, an unknown class, or a
    /// click behind its end.
    pub fn new(
        samples: &[WeakSample],
        config: &Config,
        device: Device,
    ) -> Result<Self, EngineError> {
        let len = section(config)?.num_snippets;
        check_not_empty(samples)?;
        for sample in samples {
            let (id, array) = (&sample.id, &sample.features);
            check_sample(id, array.num_channels(), &sample.labels, config)?;
            let found = array.len();
            if found != len {
                let reason = format!("has {found} snippets, expected backtal.num_snippets = {len}");
                return Err(EngineError::recording(id, reason));
            }
            if let Some(click) = sample.clicks.iter().find(|click| **click >= len) {
                let reason = format!(
                    "has a click in snippet {click}, expected one below backtal.num_snippets = {len}"
                );
                return Err(EngineError::recording(id, reason));
            }
        }
        let arrays: Vec<_> = samples.iter().map(|s| s.features.as_ref()).collect();
        let target = |sample: &WeakSample| WeakTarget {
            labels: sample.labels.clone(),
            clicks: sample.clicks.clone(),
        };
        Ok(Self {
            input: PaddedBatch::new(&arrays, len, device),
            targets: samples.iter().map(target).collect(),
            ids: samples.iter().map(|sample| sample.id.clone()).collect(),
            num_classes: config.dataset.num_classes,
        })
    }

    /// Number of clicks on all recordings.
    pub fn num_clicks(&self) -> usize {
        self.targets.iter().map(|target| target.clicks.len()).sum()
    }
}

impl From<&BackTalLosses> for BackTalMetrics {
    fn from(losses: &BackTalLosses) -> Self {
        let value = |tensor: &Tensor| tensor.double_value(&[]);
        Self {
            base_loss: value(&losses.base),
            supp_loss: value(&losses.supp),
            norm_loss: value(&losses.norm),
            click_loss: value(&losses.click),
            separation_loss: value(&losses.separation),
            embedding_loss: value(&losses.embedding),
        }
    }
}
