//! Tests of the public interface: golden values, hand-computed cases and properties.

mod diagnosis;
mod diagnosis_properties;
mod evaluation_cases;
mod evaluation_properties;
mod golden_evaluation;
mod golden_suppression;
mod support;
mod suppression_cases;
mod suppression_properties;
