//! Whole runs. LibTorch's generator belongs to the process, so that these tests take turns.

mod action_sensitivity;
mod backtal;
mod corpus;
mod import_run;
mod nothing_learned;
#[path = "../all/support/pth.rs"]
#[allow(dead_code, reason = "the other program writes more kinds of values")]
mod pth;
mod ranks;
mod support;
mod training;
