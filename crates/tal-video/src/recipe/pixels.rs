//! How frames become the input of a network: one section of a recipe.

use serde::{Deserialize, Serialize};
use tal_core::config::FieldError;

use super::check::require;

/// Resizing, cropping and normalising of a frame, in this order.
///
/// A pixel's byte `x` becomes `(x / scale - mean) / std`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelRecipe {
    /// The resizing steps. All but the last must be Pillow's, which keep bytes.
    #[serde(default)]
    pub resize: Vec<ResizeStep>,
    /// The part that is kept, from the middle.
    #[serde(default)]
    pub crop: Option<Crop>,
    /// The number that bytes are divided by.
    #[serde(default = "largest_byte")]
    pub scale: f64,
    /// The means of red, green and blue; left out, they are 0.
    #[serde(default)]
    pub mean: Option<[f64; 3]>,
    /// The deviations of red, green and blue; left out, they are 1.
    #[serde(default)]
    pub std: Option<[f64; 3]>,
}

fn largest_byte() -> f64 {
    255.0
}

/// One resizing of a frame.
///
/// Its keys are `filter` and one of `size`, `short_side` and `scale_factor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ResizeKeys", into = "ResizeKeys")]
pub struct ResizeStep {
    /// The new size.
    pub to: TargetSize,
    /// The arithmetic.
    pub filter: ResizeFilter,
}

/// A size to resize to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetSize {
    /// Height and width; the aspect is not kept.
    Exact([u32; 2]),
    /// The short side; the long side is `short_side * long / short`, cut to a whole number.
    ShortSide(u32),
    /// The short side, by a scale factor in floats as S3D of video_features does; only for `torch_bilinear`. Sides are
    /// `side * factor`, cut to a whole number, and pixels lie at exact multiples of the factor.
    ScaleFactor(u32),
}

/// A resizing as files have it.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResizeKeys {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<[u32; 2]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    short_side: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scale_factor: Option<u32>,
    filter: ResizeFilter,
}

impl TryFrom<ResizeKeys> for ResizeStep {
    type Error = &'static str;

    fn try_from(keys: ResizeKeys) -> Result<Self, Self::Error> {
        let to = match (keys.size, keys.short_side, keys.scale_factor) {
            (Some(size), None, None) => TargetSize::Exact(size),
            (None, Some(side), None) => TargetSize::ShortSide(side),
            (None, None, Some(side)) => TargetSize::ScaleFactor(side),
            _ => return Err("a resizing has one of `size`, `short_side` and `scale_factor`"),
        };
        Ok(Self {
            to,
            filter: keys.filter,
        })
    }
}

impl From<ResizeStep> for ResizeKeys {
    fn from(step: ResizeStep) -> Self {
        let mut keys = Self {
            size: None,
            short_side: None,
            scale_factor: None,
            filter: step.filter,
        };
        match step.to {
            TargetSize::Exact(size) => keys.size = Some(size),
            TargetSize::ShortSide(side) => keys.short_side = Some(side),
            TargetSize::ScaleFactor(side) => keys.scale_factor = Some(side),
        }
        keys
    }
}

/// The arithmetic of a resizing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeFilter {
    /// PyTorch's bilinear interpolation without antialias, in floats.
    TorchBilinear,
    /// PyTorch's bicubic interpolation without antialias, in floats.
    TorchBicubic,
    /// PyTorch's antialiased bilinear filter, in floats.
    TorchBilinearAntialias,
    /// PyTorch's antialiased bicubic filter, in floats.
    TorchBicubicAntialias,
    /// Pillow's box filter.
    PillowBox,
    /// Pillow's bilinear filter, always antialiased.
    PillowBilinear,
    /// Pillow's Hamming filter.
    PillowHamming,
    /// Pillow's bicubic filter, always antialiased.
    PillowBicubic,
    /// Pillow's Lanczos filter.
    PillowLanczos,
}

impl ResizeFilter {
    /// Whether results are bytes rather than floats.
    pub fn keeps_bytes(self) -> bool {
        matches!(
            self,
            Self::PillowBox
                | Self::PillowBilinear
                | Self::PillowHamming
                | Self::PillowBicubic
                | Self::PillowLanczos
        )
    }
}

/// The middle part of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// Height and width.
    pub size: [u32; 2],
    /// The rounding of the margin if what is cut off is odd.
    pub rounding: CropRounding,
}

/// The rounding of half the difference of two sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CropRounding {
    /// Half to even, as torchvision and TSP do.
    HalfEven,
    /// Down, as mmaction2 and I3D of video_features do.
    Floor,
}

/// The longest side of a resized frame.
const MOST: u32 = 4096;

impl PixelRecipe {
    pub(super) fn check(&self, errors: &mut Vec<FieldError>) {
        for (number, step) in self.resize.iter().enumerate() {
            step.check(number, number + 1 == self.resize.len(), errors);
        }
        if let Some(crop) = self.crop {
            check_size("pixels.crop.size", &crop.size, errors);
        }
        let last = self.resize.last().map(|step| step.to);
        let fixed = self.crop.is_some() || matches!(last, Some(TargetSize::Exact(_)));
        let allowed = "given, or the last resizing have a `size`: all frames must reach one size";
        require(errors, fixed, "pixels.crop", "null", allowed);
        let scale_allowed = "a number above 0";
        let holds = self.scale.is_finite() && self.scale > 0.0;
        require(errors, holds, "pixels.scale", self.scale, scale_allowed);
        for mean in self.mean.iter().flatten() {
            require(errors, mean.is_finite(), "pixels.mean", mean, "finite");
        }
        for std in self.std.iter().flatten() {
            let holds = std.is_finite() && *std > 0.0;
            require(errors, holds, "pixels.std", std, "above 0");
        }
    }
}

impl ResizeStep {
    fn check(&self, number: usize, last: bool, errors: &mut Vec<FieldError>) {
        let path = format!("pixels.resize[{number}]");
        match self.to {
            TargetSize::Exact(size) => check_size(&format!("{path}.size"), &size, errors),
            TargetSize::ShortSide(side) => {
                check_size(&format!("{path}.short_side"), &[side], errors)
            }
            TargetSize::ScaleFactor(side) => {
                let path = format!("{path}.scale_factor");
                check_size(&path, &[side], errors);
                let bilinear = self.filter == ResizeFilter::TorchBilinear;
                let allowed = "left out, or the filter be torch_bilinear";
                require(errors, bilinear, &path, side, allowed);
            }
        }
        require(
            errors,
            last || self.filter.keeps_bytes(),
            &format!("{path}.filter"),
            "a filter of PyTorch",
            "one of Pillow's, because another step follows",
        );
    }
}

fn check_size(path: &str, sides: &[u32], errors: &mut Vec<FieldError>) {
    for &side in sides {
        let allowed = format!("1 to {MOST}");
        require(errors, (1..=MOST).contains(&side), path, side, allowed);
    }
}
