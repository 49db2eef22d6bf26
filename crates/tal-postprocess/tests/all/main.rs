//! Tests of the public interface: golden values, hand-computed cases and properties.

mod class_scores;
mod confidence;
mod diagnosis;
mod diagnosis_options;
mod diagnosis_properties;
mod evaluation_cases;
mod evaluation_dialects;
mod evaluation_official;
mod evaluation_properties;
mod evaluation_recall;
mod evaluation_reference;
mod evaluation_ties;
mod fusion;
mod golden_evaluation;
mod golden_proposals;
mod golden_suppression;
mod measures_properties;
mod measures_reference;
mod outcomes;
mod proposals;
mod run_comparison;
mod support;
mod suppression_cases;
mod suppression_equivalence;
mod suppression_plain;
mod suppression_properties;
