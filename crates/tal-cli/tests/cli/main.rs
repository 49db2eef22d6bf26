//! The program `tal` from outside: its output, files and exit codes.

mod ablate;
mod annotation_loop;
mod bad_input;
mod check;
mod config;
mod convert_features;
mod data_sets;
mod evaluate;
mod evaluate_published;
mod external_scores;
mod first_steps;
mod identity;
mod import_run;
mod inspect;
mod killed;
mod many_recordings;
mod measures;
mod no_effect;
mod predict;
mod profile;
mod released;
mod support;
mod tune;
mod workflow;
