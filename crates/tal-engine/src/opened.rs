//! A model of whichever method its configuration describes.

use std::any::Any;

use tal_core::config::{Config, Weights};
use tal_core::weights::NamedTensors;
use tal_core::{ClassMap, Detection};
use tal_data::Features;
use tch::Device;

use crate::backtal::BackTal;
use crate::error::EngineError;
use crate::method::Method;
use crate::model::Model;
use crate::pyramid::Pyramid;

/// A [`Model`] whose method is known at run time only.
pub(crate) trait AnyModel: Any {
    fn config(&self) -> &Config;
    fn parameters(&self) -> NamedTensors;
    fn detect(&self, features: &[&Features]) -> Result<Vec<Vec<Detection>>, EngineError>;
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

/// The functions of a method whose type is known at run time only.
struct MethodOf {
    open: fn(&Config, Device) -> Result<Box<dyn AnyModel>, EngineError>,
    class_names: fn(&Config) -> Result<ClassMap, EngineError>,
}

impl MethodOf {
    fn new<M: Method>() -> Self {
        Self {
            open: |config, device| Ok(Box::new(Model::<M>::new(config, &[], device)?)),
            class_names: M::class_names,
        }
    }

    /// The method that `config` describes.
    fn of(config: &Config) -> Self {
        match config.backtal {
            None => Self::new::<Pyramid>(),
            Some(_) => Self::new::<BackTal>(),
        }
    }
}

/// The model that `config` describes, with fresh weights.
pub(crate) fn open(config: &Config, device: Device) -> Result<Box<dyn AnyModel>, EngineError> {
    (MethodOf::of(config).open)(config, device)
}

/// As [`Method::class_names`].
pub(crate) fn class_names(config: &Config) -> Result<ClassMap, EngineError> {
    (MethodOf::of(config).class_names)(config)
}
