//! A network and its variables.

use std::path;

use tal_core::config::Config;
use tal_core::nn::{PrecisionScope, duplicate_names, named_variables, num_parameters};
use tal_core::weights;
use tal_core::weights::NamedTensors;
use tal_core::{Detection, weights::LoadReport};
use tal_data::Features;
use tch::Device;
use tch::nn::VarStore;

use crate::error::{EngineError, ModelError};
use crate::frame_scores::FrameScores;
use crate::method::Method;
use crate::proposals::Proposals;

/// The network of a method, its variables and its configuration.
///
/// Variables are named `encoder.…`, `neck.…` and `decoder.…`, or `backtal.…`; [`crate::import::released_name_map`] relates
/// them to the released checkpoints.
pub struct Model<M: Method> {
    variables: VarStore,
    network: M::Network,
    config: Config,
}

impl<M: Method> Model<M> {
    /// A network with fresh weights, drawn from LibTorch's generator (see `tch::manual_seed`).
    ///
    /// `empty_classes` are classes that no training example has: their heads start at a probability of 1e-6.
    ///
    /// # Errors
    /// If the layers refuse the configuration, or it describes another method.
    pub fn new(
        config: &Config,
        empty_classes: &[u32],
        device: Device,
    ) -> Result<Self, EngineError> {
        let variables = VarStore::new(device);
        let network = M::network(config, &variables.root(), empty_classes)?;
        Self::from_network(config, variables, network)
    }

    /// A network that was put together by hand, with the store that holds its variables.
    ///
    /// `config` says how it is trained and how it detects. Its sizes must be those of the network.
    ///
    /// # Errors
    /// If two variables share a name, the configuration describes another method, or the numbers of levels differ.
    pub fn from_network(
        config: &Config,
        variables: VarStore,
        network: M::Network,
    ) -> Result<Self, EngineError> {
        M::check(config, &network)?;
        let duplicates = duplicate_names(&variables);
        if !duplicates.is_empty() {
            return Err(ModelError::DuplicateNames(duplicates).into());
        }
        Ok(Self {
            variables,
            network,
            config: config.clone(),
        })
    }

    /// The layers.
    pub fn network(&self) -> &M::Network {
        &self.network
    }

    /// Actions in each of the recordings, best first. Those of one padded length go through the network together, which
    /// changes results by rounding.
    ///
    /// # Units
    /// Seconds.
    ///
    /// # Errors
    /// If a recording has no features or another number of channels than the network takes; nothing is computed then.
    pub fn detect(&self, features: &[&Features]) -> Result<Vec<Vec<Detection>>, EngineError> {
        let _precision = PrecisionScope::new(self.config.inference.precision, self.device());
        M::detect(&self.config, &self.network, self.device(), features)
    }

    /// Scores of the classes over the time of a recording.
    ///
    /// # Errors
    /// As [`Model::detect`].
    pub fn frame_scores(&self, features: &Features) -> Result<FrameScores, EngineError> {
        let _precision = PrecisionScope::new(self.config.inference.precision, self.device());
        M::frame_scores(&self.config, &self.network, self.device(), features)
    }

    /// What the network proposes for a recording before suppression; `None` if the method has no candidates.
    ///
    /// # Errors
    /// As [`Model::detect`].
    pub fn proposals(&self, features: &Features) -> Result<Option<Proposals>, EngineError> {
        let _precision = PrecisionScope::new(self.config.inference.precision, self.device());
        M::proposals(&self.config, &self.network, self.device(), features)
    }

    /// Number of features that the network sees of a recording with `len` of them, padding included.
    pub fn padded_len(&self, len: usize) -> usize {
        M::padded_len(&self.config, &self.network, len)
    }

    /// The device of the variables.
    pub fn device(&self) -> Device {
        self.variables.device()
    }

    /// The configuration of the network.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// All variables by name; they share memory with the network.
    pub fn parameters(&self) -> NamedTensors {
        named_variables(&self.variables)
    }

    /// Number of trained values.
    pub fn num_parameters(&self) -> usize {
        num_parameters(&self.variables)
    }

    /// Copies `weights` into the network. `path` names their file in errors.
    ///
    /// # Errors
    /// If a name is missing or unexpected, or a shape differs; the network then stays as it was.
    pub fn load(
        &mut self,
        weights: &NamedTensors,
        path: &path::Path,
    ) -> Result<LoadReport, EngineError> {
        load_strict(self.parameters(), weights, path)
    }
}

/// Copies `source` into `variables`, all or nothing. `path` names the source's file in errors.
pub(crate) fn load_strict(
    variables: NamedTensors,
    source: &NamedTensors,
    path: &path::Path,
) -> Result<LoadReport, EngineError> {
    weights::load_strict(variables, source).map_err(|source| EngineError::WeightsMismatch {
        path: path.to_owned(),
        source,
    })
}
