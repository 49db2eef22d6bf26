//! A network with its weights.

use std::path::Path;

use tch::{Device, Kind, Tensor};

use crate::check::{check, describe};
use crate::classifier::Classifier;
use crate::error::BackboneError;
use crate::layout::Layout;
use crate::network::{InputLayout, Layers, Network};
use crate::parameters::Parameters;
use crate::scripted::Scripted;
use crate::state_dict::StateDict;

/// Choices for loading a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackboneOptions {
    /// Device of the weights.
    pub device: Device,
    /// Epsilon of the norms; `None` is the one of the released code.
    pub eps: Option<f64>,
    /// Whether the classifier is kept, for class scores.
    pub classifier: bool,
}

impl Default for BackboneOptions {
    fn default() -> Self {
        Self {
            device: Device::Cpu,
            eps: None,
            classifier: false,
        }
    }
}

#[derive(Debug)]
enum Body {
    Native(Network, Box<Layers>),
    Scripted(Scripted),
}

/// A network with its weights, ready to turn clips or frames into features.
#[derive(Debug)]
pub struct Backbone {
    body: Body,
    input: InputLayout,
    channels: i64,
    width: i64,
    classifier: Option<Classifier>,
    device: Device,
}

impl Backbone {
    /// A network with the weights of `state`, which must have all its parameters and nothing else but classifiers and the
    /// counters of batch norms.
    ///
    /// Batch norms are folded into the convolutions before them.
    ///
    /// # Errors
    /// If names, shapes or kinds do not fit (the error lists them all, or names the network that the weights belong to), if
    /// the classifier is wanted and missing, or if the sizes of a ViT or the epsilon are out of range.
    pub fn load(
        network: &Network,
        state: StateDict,
        options: &BackboneOptions,
    ) -> Result<Self, BackboneError> {
        let StateDict {
            origin,
            mut tensors,
        } = state;
        let eps = options.eps.unwrap_or_else(|| network.eps());
        if !(eps > 0.0 && eps < 1.0) {
            return Err(BackboneError::Config {
                network: network.name().to_owned(),
                reason: format!("eps is {eps}, must be above 0 and below 1"),
            });
        }
        let layout = Layout::of(&tensors);
        check(network, layout, &tensors, &origin)?;
        tch::no_grad(|| {
            let classifier = options.classifier.then(|| {
                Classifier::new(network, layout, &tensors, options.device).map_err(|reason| {
                    BackboneError::Classifier {
                        origin: origin.clone(),
                        network: network.name().to_owned(),
                        reason,
                    }
                })
            });
            let classifier = classifier.transpose()?;
            let mut parameters = Parameters::Values {
                tensors: &mut tensors,
                layout,
                device: options.device,
            };
            let layers = network.build(&mut parameters, eps)?;
            Ok(Self {
                body: Body::Native(*network, Box::new(layers)),
                input: network.input(),
                channels: network.channels(),
                width: network.width(),
                classifier,
                device: options.device,
            })
        })
    }

    /// A TorchScript module for input of `input`; `shape` is that of one item, such as `[3, 16, 112, 112]`. The module runs
    /// once on zeros to find the number of its channels.
    ///
    /// # Errors
    /// If the file is no TorchScript module, it fails, or its output is no feature for each item, (N, C).
    ///
    /// # Panics
    /// If `shape` has another number of dimensions than one item of `input`.
    pub fn scripted(
        path: &Path,
        input: InputLayout,
        shape: &[i64],
        device: Device,
    ) -> Result<Self, BackboneError> {
        assert_eq!(shape.len() + 1, input.rank(), "the shape of one item");
        let (module, width) = Scripted::open(path, shape, device)?;
        Ok(Self {
            body: Body::Scripted(module),
            input,
            channels: shape[input.channel_dim() - 1],
            width,
            classifier: None,
            device,
        })
    }

    /// Name of the network; `scripted` for a TorchScript module.
    pub fn name(&self) -> &'static str {
        match &self.body {
            Body::Native(network, _) => network.name(),
            Body::Scripted(_) => "scripted",
        }
    }

    /// Layout of the input.
    pub fn input(&self) -> InputLayout {
        self.input
    }

    /// Channels of the input.
    pub fn channels(&self) -> i64 {
        self.channels
    }

    /// Channels of the features.
    pub fn width(&self) -> i64 {
        self.width
    }

    /// Number of classes; `None` without a classifier.
    pub fn num_classes(&self) -> Option<i64> {
        self.classifier.as_ref().map(Classifier::num_classes)
    }

    /// Features of a batch of clips or frames, without gradients.
    ///
    /// # Shapes
    /// (N, C, T, H, W) or (N, C, H, W), see [`Backbone::input`], to (N, width).
    ///
    /// # Errors
    /// If kind or shape of the input do not fit, or LibTorch has no memory for it.
    pub fn forward(&self, batch: &Tensor) -> Result<Tensor, BackboneError> {
        self.forward_stages(batch, &mut |_, _| {})
    }

    /// As [`Backbone::forward`]; `visit` sees the intermediate results by their released names, each only until the next
    /// layer, which may overwrite it. A TorchScript module has none.
    ///
    /// # Errors
    /// As [`Backbone::forward`].
    pub fn forward_stages(
        &self,
        batch: &Tensor,
        visit: &mut dyn FnMut(&str, &Tensor),
    ) -> Result<Tensor, BackboneError> {
        self.check_input(batch)?;
        tch::no_grad(|| {
            let batch = &batch.f_to(self.device)?;
            match &self.body {
                Body::Native(_, layers) => match layers.as_ref() {
                    Layers::R2Plus1d(network) => network.forward(batch, visit),
                    Layers::I3d(network) => network.forward(batch, visit),
                    Layers::Vit(network) => network.forward(batch, visit),
                    Layers::EfficientNet(network) => network.forward(batch, visit),
                },
                Body::Scripted(module) => module.forward(batch),
            }
        })
    }

    /// Class scores (logits) of features, if the classifier was kept.
    ///
    /// # Shapes
    /// (N, width) to (N, classes)
    ///
    /// # Errors
    /// If the classifier was dropped or the shape does not fit.
    pub fn logits(&self, features: &Tensor) -> Result<Tensor, BackboneError> {
        let network = || self.name().to_owned();
        let classifier = self.classifier.as_ref();
        let classifier =
            classifier.ok_or_else(|| BackboneError::NoClassifier { network: network() })?;
        Ok(tch::no_grad(|| classifier.forward(features))?)
    }

    fn check_input(&self, batch: &Tensor) -> Result<(), BackboneError> {
        let size = batch.size();
        let general = || match self.input {
            InputLayout::Clip => format!("[N, {}, T, H, W]", self.channels),
            InputLayout::TimeFirst => format!("[N, T, {}, H, W]", self.channels),
            InputLayout::Frame => format!("[N, {}, H, W]", self.channels),
        };
        let fits = batch.kind() == Kind::Float
            && size.len() == self.input.rank()
            && size[self.input.channel_dim()] == self.channels
            && size.iter().all(|size| *size > 0);
        let wanted = match &self.body {
            _ if !fits => Some(general()),
            Body::Native(network, _) => network.wanted_shape(&size),
            Body::Scripted(_) => None,
        };
        match wanted {
            None => Ok(()),
            Some(wanted) => Err(BackboneError::Input {
                network: self.name().to_owned(),
                found: describe(batch),
                wanted: format!("Float {wanted}"),
            }),
        }
    }
}
