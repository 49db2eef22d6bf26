//! Cross-Layer Task Decoupling and Refinement heads, label assignment, losses and candidates for temporal action
//! localization, on LibTorch.
//!
//! [`Decoder`] turns a feature pyramid into logits and offsets ([`DecoderOutput`]). In training, [`assign()`] says what it
//! should have answered ([`Targets`]) and a [`Criterion`] compares the two; at inference, [`candidates::select`] picks
//! what is worth suppressing. Both decode boundaries ([`boundaries`]) only for the pairs of a point and a class that they
//! need.

pub mod assign;
pub mod boundaries;
pub mod candidates;
pub mod criterion;
pub mod decoder;
pub mod distances;
pub mod error;
pub mod fusion;
pub mod heads;
pub mod key_map;
pub mod lazy_map;
pub mod loss;
pub mod output;
pub mod sensitivity;
pub mod targets;
pub mod trident;

pub use assign::assign;
pub use criterion::{Criterion, CriterionState, Losses, TermLosses};
pub use decoder::Decoder;
pub use distances::Distances;
pub use error::DecoderError;
pub use key_map::released_key_map;
pub use lazy_map::LazyMap;
pub use output::{BoundaryOutput, DecoderOutput, LevelOutput, RefinementRule, TridentOutput};
pub use sensitivity::{Sensitivity, SensitivityInput, SensitivityLosses};
pub use targets::Targets;
