//! A model of whichever method its configuration describes.

use std::any::Any;

use tal_core::config::{Config, Weights};
use tal_core::weights::NamedTensors;
use tal_core::{ClassMap, Detection};
use tal_data::Features;
use tch::Device;

use crate::backtal::BackTal;
use crate::error::EngineError;
use crate::frame_scores::FrameScores;
use crate::method::Method;
use crate::model::Model;
use crate::proposals::Proposals;
use crate::pyramid::Pyramid;

/// A [`Model`] whose method is known at run time only.
pub(crate) trait AnyModel: Any {
    fn config(&self) -> &Config;
    fn parameters(&self) -> NamedTensors;
    fn detect(&self, features: &[&Features]) -> Result<Vec<Vec<Detection>>, EngineError>;
    fn frame_scores(&self, features: &Features) -> Result<FrameScores, EngineError>;
    fn proposals(&self, features: &Features) -> Result<Option<Proposals>, EngineError>;
    fn padded_len(&self, len: usize) -> usize;
    fn num_parameters(&self) -> usize;
    /// As [`Method::released_weights`].
    fn released_weights(&self, wish: Weights) -> Result<Weights, &'static str>;
}

impl<M: Method> AnyModel for Model<M> {
    fn config(&self) -> &Config {
        self.config()
    }

    fn parameters(&self) -> NamedTensors {
        self.parameters()
    }

    fn detect(&self, features: &[&Features]) -> Result<Vec<Vec<Detection>>, EngineError> {
        self.detect(features)
    }

    fn frame_scores(&self, features: &Features) -> Result<FrameScores, EngineError> {
        self.frame_scores(features)
    }

    fn proposals(&self, features: &Features) -> Result<Option<Proposals>, EngineError> {
        self.proposals(features)
    }

    fn padded_len(&self, len: usize) -> usize {
        self.padded_len(len)
    }

    fn num_parameters(&self) -> usize {
        self.num_parameters()
    }

    fn released_weights(&self, wish: Weights) -> Result<Weights, &'static str> {
        M::released_weights(self.config(), wish)
    }
}

/// The model that `config` describes, with fresh weights.
pub(crate) fn open(config: &Config, device: Device) -> Result<Box<dyn AnyModel>, EngineError> {
    Ok(match config.backtal {
        None => Box::new(Model::<Pyramid>::new(config, &[], device)?),
        Some(_) => Box::new(Model::<BackTal>::new(config, &[], device)?),
    })
}

/// Names of the classes in the annotation file of `config`: a released checkpoint has no names.
///
/// # Errors
/// If the file cannot be used.
pub fn class_names(config: &Config) -> Result<ClassMap, EngineError> {
    match config.backtal {
        None => Pyramid::class_names(config),
        Some(_) => BackTal::class_names(config),
    }
}
