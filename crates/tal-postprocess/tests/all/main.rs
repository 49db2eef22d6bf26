//! Tests of the public interface: golden values, hand-computed cases and properties.

mod confidence;
mod evaluation_cases;
mod evaluation_properties;
mod fusion;
mod golden_evaluation;
mod golden_suppression;
mod support;
mod suppression_cases;
mod suppression_properties;
