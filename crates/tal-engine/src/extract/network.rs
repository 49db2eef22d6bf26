//! The network of a recipe.

use std::path::Path;

use tal_backbone::{
    Backbone, BackboneOptions, InputLayout, Network as Architecture, StateDict, VitConfig,
};
use tal_video::{InputLayout as ScriptedLayout, Network, Recipe};
use tch::Device;

use super::ExtractError;

/// The network of a recipe with the weights of a file.
pub(super) fn open(
    recipe: &Recipe,
    weights: &Path,
    device: Device,
) -> Result<Backbone, ExtractError> {
    let vit = |config: VitConfig| {
        Architecture::Vit(VitConfig {
            frames: recipe.frames.window.into(),
            ..config
        })
    };
    let architecture = match recipe.network {
        Network::R2plus1d18 => Architecture::R2Plus1d18,
        Network::R2plus1d34 => Architecture::R2Plus1d34,
        Network::I3d => Architecture::I3dRgb,
        Network::I3dVideoFeatures => Architecture::I3dRgbVideoFeatures,
        Network::VitSmall => vit(VitConfig::SMALL),
        Network::VitBase => vit(VitConfig::BASE),
        Network::VitLarge => vit(VitConfig::LARGE),
        Network::VitHuge => vit(VitConfig::HUGE),
        Network::VitGiant => vit(VitConfig::GIANT),
        Network::EfficientNetLite0 => Architecture::EfficientNetLite0,
        Network::Scripted => return scripted(recipe, weights, device),
    };
    let options = BackboneOptions {
        device,
        eps: recipe.eps,
        classifier: false,
    };
    Ok(Backbone::load(
        &architecture,
        StateDict::open(weights)?,
        &options,
    )?)
}

fn scripted(recipe: &Recipe, path: &Path, device: Device) -> Result<Backbone, ExtractError> {
    let [height, width] = size(recipe);
    let frames = i64::from(recipe.frames.window);
    let (layout, shape) = match recipe.layout {
        Some(ScriptedLayout::Bchw) => (InputLayout::Frame, vec![3, height, width]),
        Some(ScriptedLayout::Btchw) => (InputLayout::TimeFirst, vec![frames, 3, height, width]),
        Some(ScriptedLayout::Bcthw) | None => (InputLayout::Clip, vec![3, frames, height, width]),
    };
    Ok(Backbone::scripted(path, layout, &shape, device)?)
}

/// Rows and columns of the network's input; a recipe that was checked has them.
fn size(recipe: &Recipe) -> [i64; 2] {
    let exact = recipe.pixels.resize.last().and_then(|step| match step.to {
        tal_video::TargetSize::Exact(size) => Some(size),
        _ => None,
    });
    let crop = recipe.pixels.crop.map(|crop| crop.size);
    crop.or(exact).unwrap_or([224, 224]).map(i64::from)
}
