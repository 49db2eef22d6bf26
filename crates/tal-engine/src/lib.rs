#![doc = include_str!("../README.md")]

pub mod ablation;
pub mod action_sensitivity;
mod backtal;
mod batch;
mod checkpoint;
mod detector;
mod device;
pub mod doctor;
mod error;
mod evaluator;
mod external_scores;
pub mod extract;
mod frame_scores;
pub mod import;
pub mod memory;
mod method;
pub mod metrics;
mod model;
mod opened;
mod optimizer;
pub mod predict;
pub mod profile;
mod proposals;
mod pyramid;
mod ranks;
pub mod run;
mod schedule;
mod trained_on;
mod trainer;
pub mod tuning;
mod updates;

// Detecting and measuring.
pub use detector::Detector;
pub use evaluator::{EvaluationReport, Evaluator};
pub use external_scores::ExternalScores;
pub use frame_scores::FrameScores;
pub use proposals::Proposals;

// Networks and methods.
pub use backtal::{BackTal, BackTalNetwork};
pub use method::{Method, Source};
pub use model::Model;
pub use pyramid::{Pyramid, PyramidNetwork};

// Training.
pub use backtal::WeakBatch;
pub use batch::{PaddedBatch, TrainingBatch};
pub use optimizer::{AdamW, Ema, decays};
pub use ranks::{LauncherError, MeetingPoint, Place, Ranks, RanksError};
pub use schedule::Schedule;
pub use trained_on::TrainedOn;
pub use trainer::Trainer;

// Files, devices and errors.
pub use checkpoint::{Best, Checkpoint, FORMAT, Manifest, RunState};
pub use device::{DeviceChoice, DeviceError, num_threads, set_num_threads};
pub use error::{EngineError, ModelError};

/// The examples of the repository's README, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ReadmeExamples;
