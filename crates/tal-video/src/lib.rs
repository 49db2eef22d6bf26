#![doc = include_str!("../README.md")]

mod error;
mod ffmpeg;
mod fraction;
mod frame;
mod images;
mod pixels;
mod plan;
mod recipe;
mod report;
mod sidecar;
mod source;
mod test_pattern;
mod timeline;

pub use error::VideoError;

// Films and their frames.
pub use ffmpeg::{Container, Ffmpeg, FilmWriter, Probe, ProgramFrames, VideoStream, probe};
pub use frame::Frame;
pub use images::ImageFolder;
pub use source::{FrameFormat, FrameSource, FrameStamp, MAX_SIDE};
pub use test_pattern::TestPattern;

// Facts about them.
pub use fraction::{FractionError, FrameRate, TimeBase};
pub use report::{Damage, Decoder, Report};
pub use timeline::Timeline;

// The description of features.
pub use sidecar::{FailureRecord, FeaturesRecord, Origin, RecipeRecord, Sidecar, WeightsRecord};

// From frames to windows to a network's input.
pub use pixels::{PixelError, Preprocessor};
pub use plan::{Decision, PlanError, Window, WindowStream, plan_windows};
pub use recipe::{
    Alignment, Crop, CropRounding, Fps, FrameRecipe, InputLayout, MinFrames, Network, PixelRecipe,
    Recipe, ResampleRule, ResizeFilter, ResizeStep, Stream, Tail, TargetSize,
};
