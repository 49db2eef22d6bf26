//! Tests of the public interface, in one program.

#[path = "../common/mod.rs"]
mod common;

mod annotations;
mod annotations_layouts;
mod augmentation;
mod class_scores;
mod clicks;
mod dataset;
mod dataset_rules;
mod features;
mod features_formats;
mod features_hostile;
mod features_sources;
mod fuzz_corpus;
mod loader;
mod results;
mod results_layouts;
mod results_malformed;
mod results_pickles;
mod salvage;
mod weak;
