//! Rules for detections: their file, and their choice on annotated recordings.

mod rules_file;
mod variants;

pub use rules_file::{RulesFile, RulesFileError, TuningRecord};
pub use variants::variants;
