//! The commands, one file each.

pub(crate) mod ablate;
pub(crate) mod check;
pub(crate) mod clicks;
pub(crate) mod clips;
pub(crate) mod config;
pub(crate) mod convert_annotations;
pub(crate) mod convert_features;
pub(crate) mod demo;
pub(crate) mod evaluate;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod output;
pub(crate) mod predict;
pub(crate) mod prepare;
pub(crate) mod split;
pub(crate) mod stats;
pub(crate) mod synth;
pub(crate) mod test;
pub(crate) mod train;
mod trained;
mod watched;
