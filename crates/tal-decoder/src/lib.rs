#![doc = include_str!("../README.md")]

mod action_sensitivity;
mod assignment;
mod boundaries;
mod candidates;
mod criterion;
mod cross_level;
mod decoder;
mod distances;
mod error;
mod heads;
mod key_map;
mod lazy_map;
pub mod loss;
mod output;
mod pairs;
mod processes;
mod targets;
mod trident;

// The network.
pub use decoder::{BoundaryHeads, Decoder, TridentHeads};
pub use error::DecoderError;
pub use key_map::released_key_map;

// Its parts.
pub use cross_level::{Clff, CrossLevel, Join};
pub use heads::{
    ClassificationHead, Positions, RefinementHead, RefinementOutput, RefinementTowers,
    RegressionHead, Tower, TowerBlock, TowerConfig,
};

// Its answers, from the logits to the boundaries of selected pairs.
pub use boundaries::{decode_boundaries, refine_boundaries};
pub use distances::Distances;
pub use lazy_map::LazyMap;
pub use output::{
    BoundaryOutput, DecoderOutput, LevelOutput, RefinementRule, TridentOutput, refined_logits,
};
pub use pairs::Pairs;

// Inference.
pub use candidates::select_candidates;

// Training: targets, then the loss.
pub use assignment::assign;
pub use criterion::{Criterion, CriterionState, Losses, TermLosses};
pub use processes::Processes;
pub use targets::{Action, Claim, PositivePoint, Targets};

// Training with action sensitivity.
pub use action_sensitivity::{
    ActionSensitivity, ActionSensitivityInput, ActionSensitivityLosses, ClassGaussians,
    LearnedActionSensitivity, LearnedGaussians, StepEvaluator,
};
