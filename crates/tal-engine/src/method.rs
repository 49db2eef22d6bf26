//! The contract between a way of learning and everything that is the same for all of them.

use std::collections::BTreeSet;
use std::path;
use std::sync::Arc;

use tal_core::config::{Config, Weights};
use tal_core::weights::NamedTensors;
use tal_core::{ClassMap, Detection};
use tal_data::{Dataset, Features, SampleSource};
use tal_decoder::CriterionState;
use tch::nn::Path;
use tch::{Device, Tensor};

use crate::batch::PaddedBatch;
use crate::checkpoint::Checkpoint;
use crate::error::{EngineError, ModelError};
use crate::frame_scores::FrameScores;
use crate::metrics::StepTerms;
use crate::profile::Stopwatch;
use crate::proposals::Proposals;
use crate::ranks::Ranks;

/// Samples of a data set and the names of their classes.
pub type Source<S> = (Arc<dyn SampleSource<S>>, ClassMap);

/// A way of learning: a network, the batches that it learns from, its loss and the detections that it gives.
///
/// [`crate::Model`] and [`crate::Trainer`] take the method as a type, so that a step cannot meet the network of another one. A
/// value of the type is what a run keeps beside the network, such as the state of its loss.
pub trait Method: Sized + 'static {
    /// Layers of the network.
    type Network: 'static;
    /// A recording as the loader gives it.
    type Sample: Send + 'static;
    /// Recordings as tensors, with all that the loss needs.
    type Batch;
    /// Losses of a batch.
    type Losses;

    /// Layers with fresh weights below `path`.
    ///
    /// # Errors
    /// If the layers refuse the configuration, or it describes another method.
    fn network(
        config: &Config,
        path: &Path<'_>,
        empty_classes: &[u32],
    ) -> Result<Self::Network, ModelError>;

    /// Checks that layers fit a configuration that they were not built from.
    ///
    /// # Errors
    /// If they do not.
    fn check(config: &Config, network: &Self::Network) -> Result<(), ModelError>;

    /// Names of the classes in the annotation file of `config`.
    ///
    /// # Errors
    /// If the file cannot be used.
    fn class_names(config: &Config) -> Result<ClassMap, EngineError>;

    /// Training samples of an open data set.
    ///
    /// # Errors
    /// If the annotations lack data that the method needs, or there are none.
    fn source(config: &Config, dataset: Arc<Dataset>) -> Result<Source<Self::Sample>, EngineError>;

    /// A batch of samples.
    ///
    /// # Errors
    /// If a sample does not fit the network.
    fn batch(
        config: &Config,
        samples: &[Self::Sample],
        device: Device,
    ) -> Result<Self::Batch, EngineError>;

    /// Features of a batch.
    fn input(batch: &mut Self::Batch) -> &mut PaddedBatch;

    /// Whether a batch was made for the network of `config`.
    fn fits(config: &Config, batch: &Self::Batch) -> bool;

    /// Ids of the recordings of a batch.
    fn ids(batch: &Self::Batch) -> &[String];

    /// Classes that a batch has something to learn from.
    fn taught(batch: &Self::Batch) -> BTreeSet<u32>;

    /// The method before its first step.
    ///
    /// # Errors
    /// If `config` describes another method.
    fn new(config: &Config, device: Device) -> Result<Self, ModelError>;

    /// The total loss of a batch and its parts: the share of this rank, if there are several.
    fn step(
        &mut self,
        network: &Self::Network,
        batch: &Self::Batch,
        ranks: &Ranks,
        stopwatch: &mut Stopwatch,
    ) -> (Tensor, Self::Losses);

    /// Figures of a step that is done; `ends_epoch` adds those of an epoch.
    fn terms(&self, batch: &Self::Batch, losses: &Self::Losses, ends_epoch: bool) -> StepTerms;

    /// Variables that are trained beside the network, under their names in a checkpoint.
    fn variables(&self) -> NamedTensors {
        NamedTensors::new()
    }

    /// State of the loss normaliser.
    fn state(&self) -> CriterionState;

    /// Takes over the variables of `checkpoint` and `state`; `path` names the file in errors.
    ///
    /// # Errors
    /// If the variables do not fit.
    fn restore(
        &mut self,
        checkpoint: &Checkpoint,
        state: CriterionState,
        path: &path::Path,
    ) -> Result<(), EngineError>;

    /// Number of features that the network sees of a recording with `len` of them, padding included.
    fn padded_len(config: &Config, network: &Self::Network, len: usize) -> usize;

    /// Actions in each of the recordings, best first.
    ///
    /// # Units
    /// Seconds.
    ///
    /// # Errors
    /// If the features do not fit the network.
    fn detect(
        config: &Config,
        network: &Self::Network,
        device: Device,
        features: &[&Features],
    ) -> Result<Vec<Vec<Detection>>, EngineError>;

    /// Scores of the classes over the time of a recording.
    ///
    /// # Errors
    /// If the features do not fit the network.
    fn frame_scores(
        config: &Config,
        network: &Self::Network,
        device: Device,
        features: &Features,
    ) -> Result<FrameScores, EngineError>;

    /// What the network proposes for a recording before suppression; `None` if the method has no candidates.
    ///
    /// # Errors
    /// If the features do not fit the network.
    fn proposals(
        config: &Config,
        network: &Self::Network,
        device: Device,
        features: &Features,
    ) -> Result<Option<Proposals>, EngineError>;

    /// The kind of weights to import from a released file if `wish` is asked for.
    ///
    /// # Errors
    /// Why no released file can hold the network.
    fn released_weights(_config: &Config, wish: Weights) -> Result<Weights, &'static str> {
        Ok(wish)
    }
}
