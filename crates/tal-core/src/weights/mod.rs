//! Weight files: reading, writing, renaming and loading into a network with a report.

mod error;
mod key_map;
mod load;
mod read;
mod report;
mod write;

pub use error::WeightsError;
pub use key_map::KeyMap;
pub use load::load_strict;
pub use read::{Metadata, NamedTensors, read_safetensors};
pub use report::{LoadReport, Mismatch};
pub use write::write_safetensors;
