//! The known networks.

use tal_core::nearest_name;

use crate::efficientnet::{self, EfficientNet};
use crate::error::BackboneError;
use crate::i3d::{self, I3d};
use crate::padding::Padding;
use crate::parameters::{Parameter, Parameters};
use crate::r2plus1d::{self, Depth, R2Plus1d};
use crate::vit::Vit;
use crate::vit_config::VitConfig;

/// Shape of a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputLayout {
    /// Clips, (N, C, T, H, W).
    Clip,
    /// Clips frame by frame, (N, T, C, H, W); only TorchScript modules take them.
    TimeFirst,
    /// Single frames, (N, C, H, W).
    Frame,
}

impl InputLayout {
    /// Number of dimensions, the batch included.
    pub fn rank(self) -> usize {
        match self {
            Self::Clip | Self::TimeFirst => 5,
            Self::Frame => 4,
        }
    }

    /// The dimension of the channels.
    pub fn channel_dim(self) -> usize {
        match self {
            Self::Clip | Self::Frame => 1,
            Self::TimeFirst => 2,
        }
    }
}

/// A network for feature extraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// R(2+1)D-18 of torchvision; also the 18-layer networks of TSP.
    R2Plus1d18,
    /// R(2+1)D-34 of TSP.
    R2Plus1d34,
    /// I3D for frames, in the layouts of pytorch-i3d and of kinetics_i3d_pytorch.
    I3dRgb,
    /// I3D for optical flow of two channels, likewise.
    I3dFlow,
    /// I3D for frames as video_features runs it: another epsilon, and padding that does not depend on the length.
    I3dRgbVideoFeatures,
    /// I3D for optical flow as video_features runs it.
    I3dFlowVideoFeatures,
    /// The vision transformer of VideoMAE and VideoMAEv2.
    Vit(VitConfig),
    /// EfficientNet-Lite0.
    EfficientNetLite0,
}

/// All named networks. The first of several that share their parameters is the usual one.
const NAMED: [(&str, Network); 12] = [
    ("r2plus1d_18", Network::R2Plus1d18),
    ("r2plus1d_34", Network::R2Plus1d34),
    ("i3d", Network::I3dRgb),
    ("i3d_flow", Network::I3dFlow),
    ("i3d_video_features", Network::I3dRgbVideoFeatures),
    ("i3d_flow_video_features", Network::I3dFlowVideoFeatures),
    ("vit_small", Network::Vit(VitConfig::SMALL)),
    ("vit_base", Network::Vit(VitConfig::BASE)),
    ("vit_large", Network::Vit(VitConfig::LARGE)),
    ("vit_huge", Network::Vit(VitConfig::HUGE)),
    ("vit_giant", Network::Vit(VitConfig::GIANT)),
    ("efficientnet_lite0", Network::EfficientNetLite0),
];

/// The layers of a network.
#[derive(Debug)]
pub(crate) enum Layers {
    R2Plus1d(R2Plus1d),
    I3d(I3d),
    Vit(Vit),
    EfficientNet(EfficientNet),
}

impl Network {
    /// All named networks.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMED.into_iter().map(|(_, network)| network)
    }

    /// The network of a name.
    ///
    /// # Errors
    /// If no network has it; the error lists all names.
    pub fn from_name(name: &str) -> Result<Self, BackboneError> {
        let found = NAMED.iter().find(|(known, _)| *known == name);
        found.map(|(_, network)| *network).ok_or_else(|| {
            let names = NAMED.map(|(name, _)| name);
            BackboneError::UnknownNetwork {
                name: name.to_owned(),
                nearest: nearest_name(name, names).map(str::to_owned),
                known: names.join(", "),
            }
        })
    }

    /// The name; `vit` for a ViT of other sizes than the released ones.
    pub fn name(&self) -> &'static str {
        let found = NAMED.iter().find(|(_, network)| network == self);
        found.map_or("vit", |(name, _)| *name)
    }

    /// Layout of the input.
    pub fn input(&self) -> InputLayout {
        match self {
            Self::EfficientNetLite0 => InputLayout::Frame,
            _ => InputLayout::Clip,
        }
    }

    /// Channels of the input.
    pub fn channels(&self) -> i64 {
        match self {
            Self::I3dFlow | Self::I3dFlowVideoFeatures => 2,
            _ => 3,
        }
    }

    /// Channels of the features.
    pub fn width(&self) -> i64 {
        match self {
            Self::R2Plus1d18 | Self::R2Plus1d34 => r2plus1d::WIDTH,
            Self::Vit(config) => config.width,
            Self::EfficientNetLite0 => efficientnet::WIDTH,
            _ => i3d::WIDTH,
        }
    }

    /// Epsilon of the norms, as in the released code.
    pub fn eps(&self) -> f64 {
        match self {
            Self::R2Plus1d18 | Self::I3dRgbVideoFeatures | Self::I3dFlowVideoFeatures => 1e-5,
            Self::Vit(_) => 1e-6,
            Self::R2Plus1d34 | Self::I3dRgb | Self::I3dFlow | Self::EfficientNetLite0 => 1e-3,
        }
    }

    /// Names and shapes of all parameters and buffers but the classifier's and the counters of batch norms, in the order of
    /// the released files. I3D has the names of pytorch-i3d, R(2+1)D those of torchvision.
    ///
    /// # Errors
    /// If the sizes of a ViT are out of range.
    pub fn parameters(&self) -> Result<Vec<Parameter>, BackboneError> {
        let mut parameters = Parameters::List(Vec::new());
        self.build(&mut parameters, self.eps())?;
        match parameters {
            Parameters::List(list) => Ok(list),
            Parameters::Values { .. } => Ok(Vec::new()),
        }
    }

    /// Names of the classifiers in released files, as in [`Network::parameters`]. The first two can give class scores.
    pub(crate) fn classifiers(&self) -> &'static [&'static str] {
        match self {
            Self::R2Plus1d18 | Self::R2Plus1d34 => &["fc", "fc1", "fc2"],
            Self::Vit(_) => &["head"],
            Self::EfficientNetLite0 => &["_fc"],
            _ => &["logits.conv3d"],
        }
    }

    /// The first fault of an input's size, if there is one: the shape that the network takes.
    pub(crate) fn wanted_shape(&self, size: &[i64]) -> Option<String> {
        let channels = self.channels();
        match self {
            Self::Vit(VitConfig {
                frames, size: edge, ..
            }) => {
                let wanted = [*frames, *edge, *edge];
                (size[2..] != wanted).then(|| format!("[N, {channels}, {frames}, {edge}, {edge}]"))
            }
            Self::R2Plus1d18 | Self::R2Plus1d34 | Self::EfficientNetLite0 => None,
            _ => {
                let (frames, edge) = i3d::least(self.padding());
                let fits = size[2] >= frames && size[3..].iter().all(|size| *size >= edge);
                (!fits).then(|| {
                    format!("[N, {channels}, T, H, W] with T of at least {frames}, H and W of at least {edge}")
                })
            }
        }
    }

    fn padding(&self) -> Padding {
        match self {
            Self::I3dRgbVideoFeatures | Self::I3dFlowVideoFeatures => Padding::SameStatic,
            _ => Padding::Same,
        }
    }

    pub(crate) fn build(
        &self,
        parameters: &mut Parameters<'_>,
        eps: f64,
    ) -> Result<Layers, BackboneError> {
        let fault = match self {
            Self::Vit(config) => config.fault(),
            _ => None,
        };
        if let Some(reason) = fault {
            let network = self.name().to_owned();
            return Err(BackboneError::Config { network, reason });
        }
        Ok(match self {
            Self::R2Plus1d18 => Layers::R2Plus1d(R2Plus1d::new(parameters, Depth::D18, eps)?),
            Self::R2Plus1d34 => Layers::R2Plus1d(R2Plus1d::new(parameters, Depth::D34, eps)?),
            Self::Vit(config) => Layers::Vit(Vit::new(parameters, config, eps)?),
            Self::EfficientNetLite0 => Layers::EfficientNet(EfficientNet::new(parameters, eps)?),
            _ => Layers::I3d(I3d::new(parameters, self.channels(), self.padding(), eps)?),
        })
    }
}
