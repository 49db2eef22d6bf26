//! Recipes: everything that makes features of a video, as named values.

mod check;
mod fps;
mod frames;
mod pixels;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tal_core::config::FieldErrors;

use check::require;

pub use fps::Fps;
pub use frames::{Alignment, FrameRecipe, MinFrames, ResampleRule, Tail};
pub use pixels::{Crop, CropRounding, PixelRecipe, ResizeFilter, ResizeStep, TargetSize};

/// Everything that makes features of a video but the weights.
///
/// Two recipes make the same features if their digests agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The network.
    pub network: Network,
    /// The epsilon of its normalisation layers; left out if the network is `scripted`, which has its own.
    #[serde(default)]
    pub eps: Option<f64>,
    /// The shape of a scripted network's input; left out for the others, which know theirs.
    #[serde(default)]
    pub layout: Option<InputLayout>,
    /// The streams whose features are joined.
    #[serde(default = "rgb")]
    pub streams: Vec<Stream>,
    /// Which frames make the windows.
    pub frames: FrameRecipe,
    /// How frames become the network's input.
    pub pixels: PixelRecipe,
}

fn rgb() -> Vec<Stream> {
    vec![Stream::Rgb]
}

/// A network that makes features of windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// R(2+1)D with 18 layers, 512 channels.
    #[serde(rename = "r2plus1d_18")]
    R2plus1d18,
    /// R(2+1)D with 34 layers, 512 channels.
    #[serde(rename = "r2plus1d_34")]
    R2plus1d34,
    /// Inflated Inception, 1024 channels.
    I3d,
    /// Inflated Inception as video_features runs it, with padding that does not depend on the length; 1024 channels.
    I3dVideoFeatures,
    /// The small vision transformer of VideoMAEv2, 384 channels.
    VitSmall,
    /// The base vision transformer of VideoMAEv2, 768 channels.
    VitBase,
    /// The large vision transformer of VideoMAEv2, 1024 channels.
    VitLarge,
    /// The huge vision transformer of VideoMAEv2, 1280 channels.
    VitHuge,
    /// The giant vision transformer of VideoMAEv2, 1408 channels.
    VitGiant,
    /// EfficientNet-Lite0 on single frames, 1280 channels.
    #[serde(rename = "efficientnet_lite0")]
    EfficientNetLite0,
    /// A TorchScript module from a file.
    Scripted,
}

/// The shape of a batch of windows: B windows, C colours, T frames, H rows, W columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputLayout {
    /// (B, C, T, H, W).
    Bcthw,
    /// (B, T, C, H, W).
    Btchw,
    /// (B, C, H, W), for windows of one frame.
    Bchw,
}

/// A source of a network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Colours.
    Rgb,
}

impl Recipe {
    /// Checks all values.
    ///
    /// # Errors
    ///
    /// All values that are wrong, each with the field's path and what is allowed.
    pub fn validate(&self) -> Result<(), FieldErrors> {
        let mut errors = Vec::new();
        let scripted = self.network == Network::Scripted;
        let eps = self.eps.map_or("null".to_owned(), |eps| eps.to_string());
        match scripted {
            true => require(
                &mut errors,
                self.eps.is_none(),
                "eps",
                eps,
                "left out with `network: scripted`",
            ),
            false => require(
                &mut errors,
                self.eps.is_some_and(|eps| eps.is_finite() && eps > 0.0),
                "eps",
                eps,
                "a number above 0",
            ),
        }
        let layout = self.layout.map_or("null", InputLayout::name);
        match scripted {
            true => require(
                &mut errors,
                self.layout.is_some(),
                "layout",
                layout,
                "bcthw, btchw or bchw with `network: scripted`",
            ),
            false => require(
                &mut errors,
                self.layout.is_none(),
                "layout",
                layout,
                "left out: only `network: scripted` takes it",
            ),
        }
        let per_frame =
            self.network == Network::EfficientNetLite0 || self.layout == Some(InputLayout::Bchw);
        let allowed = "1, because the network takes single frames";
        require(
            &mut errors,
            !per_frame || self.frames.window == 1,
            "frames.window",
            self.frames.window,
            allowed,
        );
        let num_streams = format!("{} streams", self.streams.len());
        require(
            &mut errors,
            self.streams == rgb(),
            "streams",
            num_streams,
            "[rgb]",
        );
        self.frames.check(&mut errors);
        self.pixels.check(&mut errors);
        match errors.is_empty() {
            true => Ok(()),
            false => Err(FieldErrors(errors)),
        }
    }

    /// The canonical text: JSON with every key in a fixed order, without spaces.
    pub fn canonical(&self) -> String {
        serde_json::to_string(self).expect("a recipe has no map and no value that JSON lacks")
    }

    /// The SHA-256 of the canonical text, in hexadecimal.
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(self.canonical().as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl InputLayout {
    fn name(self) -> &'static str {
        match self {
            Self::Bcthw => "bcthw",
            Self::Btchw => "btchw",
            Self::Bchw => "bchw",
        }
    }
}
