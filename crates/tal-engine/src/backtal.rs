//! BackTAL within the engine: samples to batches, features to detections.

use tal_backtal::{BackTal, BackTalLosses, WeakTarget};
use tal_core::Detection;
use tal_core::config::{BackTalConfig, Config};
use tal_core::nn::host;
use tal_data::resampled_snippets;
use tal_data::{DataError, Dataset, Features, WeakSample};
use tal_postprocess::{ActivationCurves, localize};
use tch::{Device, Tensor, no_grad};

use crate::batch::{PaddedBatch, check_channels, check_features};
use crate::error::EngineError;
use crate::metrics::BackTalMetrics;

/// A training batch: features, labels of recordings and background clicks.
pub struct WeakBatch {
    /// The features.
    pub input: PaddedBatch,
    /// What is known about each recording.
    pub targets: Vec<WeakTarget>,
    /// Ids of the recordings.
    pub ids: Vec<String>,
}

impl WeakBatch {
    /// A batch for the network that `config` and its section `backtal` describe.
    ///
    /// # Errors
    /// Where a sample has another number of channels or snippets, a class that is not there, or a click behind its end.
    pub fn new(
        samples: &[WeakSample],
        config: &Config,
        backtal: &BackTalConfig,
        device: Device,
    ) -> Result<Self, EngineError> {
        let len = backtal.num_snippets;
        for sample in samples {
            check_channels(&sample.id, sample.features.num_channels(), config)?;
            let refuse = |reason: String| EngineError::Recording {
                id: sample.id.clone(),
                reason,
            };
            if sample.features.len() != len {
                let found = sample.features.len();
                return Err(refuse(format!(
                    "has {found} snippets, expected backtal.num_snippets = {len}"
                )));
            }
            let num_classes = config.dataset.num_classes;
            if let Some(label) = sample.labels.iter().find(|l| **l as usize >= num_classes) {
                return Err(refuse(format!(
                    "has class {label}, expected one below dataset.num_classes = {num_classes}"
                )));
            }
            if let Some(click) = sample.clicks.iter().find(|click| **click >= len) {
                return Err(refuse(format!(
                    "has a click in snippet {click}, expected one below backtal.num_snippets = {len}"
                )));
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
        })
    }

    /// Clicks of all recordings.
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

/// That the frames of every recording can be counted, which is what activations are brought to.
///
/// # Errors
/// Where neither the configuration nor the annotations have a frame rate.
pub(crate) fn check_fps(dataset: &Dataset) -> Result<(), EngineError> {
    if dataset.config().fps.is_some() {
        return Ok(());
    }
    let mut recordings = (0..dataset.num_recordings()).map(|index| dataset.recording(index));
    match recordings.find(|recording| recording.fps.is_none()) {
        Some(recording) => Err(DataError::MissingFps {
            id: recording.id.clone(),
        }
        .into()),
        None => Ok(()),
    }
}

/// All actions found in each of the recordings, best first.
///
/// # Units
/// Seconds.
///
/// # Errors
/// Where the features have another number of channels than the network takes, or are empty, or the network answers with
/// something that is not a number.
pub(crate) fn detect(
    network: &BackTal,
    config: &Config,
    backtal: &BackTalConfig,
    features: &[&Features],
    device: Device,
) -> Result<Vec<Vec<Detection>>, EngineError> {
    for features in features {
        check_features(features, config)?;
    }
    if features.is_empty() {
        return Ok(Vec::new());
    }
    let num_snippets = backtal.num_snippets;
    let resampled: Vec<_> = features
        .iter()
        .map(|f| resampled(f, num_snippets))
        .collect();
    let (sequence, norm) = no_grad(|| {
        let arrays: Vec<_> = resampled.iter().map(|(array, _)| &**array).collect();
        let batch = PaddedBatch::new(&arrays, num_snippets, device);
        let sequence = network.forward(&batch.features);
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
            localize(&curves, &backtal.proposals).map_err(|source| EngineError::Proposals {
                id: features.id.clone(),
                source,
            })
        })
        .collect()
}
