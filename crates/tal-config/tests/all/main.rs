//! Tests of whole configurations.

mod action_sensitivity;
mod class_scores;
mod configs;
mod decoder;
mod defaults;
mod import;
mod renamed;
