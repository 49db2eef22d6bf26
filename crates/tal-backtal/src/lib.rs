#![doc = include_str!("../README.md")]

mod affinity;
mod affinity_conv;
mod base_module;
mod criterion;
mod embedding;
mod error;
mod filter;
mod key_map;
pub mod loss;
mod network;
mod output;

// The network and its answers.
pub use error::BackTalError;
pub use key_map::released_key_map;
pub use network::BackTal;
pub use output::{ActivationSequence, BackTalOutput, num_top, top_mean};

// Its parts.
pub use affinity::Affinity;
pub use affinity_conv::AffinityConv;
pub use base_module::{BaseFeatures, BaseModule};
pub use embedding::Embedding;
pub use filter::ForegroundFilter;

// Training.
pub use criterion::{BackTalCriterion, BackTalLosses, SumOfAll, WeakTarget};
