//! Import of checkpoints of the released PyTorch code: the weights alone, or a whole run to continue.
//!
//! A released file (`.pth.tar`) is a dict: `state_dict` (trained weights), `state_dict_ema` (their moving average),
//! `optimizer`, `scheduler`, `epoch` (the next one), and `mAP` in the best one of a run. No code in it is run; anything but
//! plain data and tensors is an error.
//!
//! TriDet, ActionFormer and TemporalMaxer write the same layout, BackTAL `state_dict` and `epoch` alone. None of them saves
//! its buffers (position table, list of points), and attention masks are made as they are needed, so every tensor of a
//! section is a parameter: one that the configured network lacks is an error, not something to pass over.

mod file;
mod optimizer;
mod report;
mod run;
mod schedule;

pub use crate::opened::class_names;
pub use file::{ReleasedCheckpoint, import_released, released_name_map};
pub use report::{Contents, Difference, RunReport};
