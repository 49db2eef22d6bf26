//! Tests of the public interface, in one program.

mod action_sensitivity;
mod action_sensitivity_construction;
mod baselines;
mod candidates;
mod criterion;
mod decoder;
mod golden;
mod gradients;
mod loss_choices;
mod score_rules;
mod support;
mod switches;
