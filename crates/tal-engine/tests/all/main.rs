//! Networks, imports and plans against released checkpoints and files of the repository. None of these tests depends on
//! LibTorch's random numbers, so they share a process.

mod baselines;
mod golden;
mod import;
mod import_baselines;
mod import_kinds;
mod parameters;
mod plans;
mod resize;
mod support;
