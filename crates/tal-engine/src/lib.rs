//! Detector, Trainer, Evaluator and checkpoints of temporal action localization: the library that programs embed.
//!
//! ```text
//! Config ─► run::train ─► run folder (checkpoints, metrics, detections)
//!                 └─ Trainer: one step and its state
//! checkpoint ─► Detector ─► Vec<Detection>
//!                  └─ Evaluator: a whole subset, mAP
//! ```
//!
//! Nothing here prints: progress goes to a [`run::RunObserver`] and to `tracing`.

pub mod ablation;
pub mod backtal;
pub mod batch;
pub mod checkpoint;
pub mod detector;
pub mod device;
pub mod error;
pub mod evaluator;
pub mod external_scores;
mod fused;
pub mod import;
pub mod memory;
pub mod metrics;
pub mod model;
pub mod optimizer;
pub mod profile;
pub mod run;
pub mod schedule;
pub mod action_sensitivity;
pub mod trainer;

pub use checkpoint::{Checkpoint, Manifest};
pub use detector::Detector;
pub use device::DeviceChoice;
pub use error::EngineError;
pub use evaluator::{EvaluationReport, Evaluator};
pub use external_scores::ExternalScores;
pub use model::Model;
pub use trainer::Trainer;
