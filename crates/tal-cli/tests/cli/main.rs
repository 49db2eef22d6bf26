//! The program `tal` from outside: its output, files and exit codes.

mod ablate;
mod annotation_loop;
mod bad_input;
mod check;
mod config;
mod convert_features;
mod curves_reference;
mod data_sets;
mod ensemble;
mod evaluate;
mod evaluate_published;
mod external_scores;
mod features;
mod first_steps;
mod identity;
mod import_run;
mod inspect;
mod inspect_files;
mod interrupted;
mod killed;
mod many_recordings;
mod measures;
mod no_effect;
mod predict;
mod profile;
#[cfg(target_os = "linux")]
mod ranks;
mod released;
mod report;
mod runs;
mod support;
mod terminal;
mod tune;
mod workflow;
