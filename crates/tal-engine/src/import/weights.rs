//! The weights of a released file.

use std::path::Path;

use tal_core::ClassMap;
use tal_core::config::{Config, Weights};
use tal_core::weights::LoadReport;
use tch::Device;

use super::file::ReleasedCheckpoint;
use crate::checkpoint::{Checkpoint, prefix};
use crate::error::EngineError;
use crate::opened;

/// Reads the weights of a released checkpoint (`.pth.tar`) for the network that `config` describes, see
/// [`ReleasedCheckpoint::weights`].
///
/// # Errors
/// As [`ReleasedCheckpoint::open`] and [`ReleasedCheckpoint::weights`].
pub fn import_released(
    path: &Path,
    config: &Config,
    classes: &ClassMap,
    kind: Weights,
) -> Result<Checkpoint, EngineError> {
    let (checkpoint, _) = ReleasedCheckpoint::open(path)?.weights(config, classes, kind)?;
    Ok(checkpoint)
}

impl ReleasedCheckpoint {
    /// The weights for the network that `config` describes: `kind` chooses between their moving average
    /// (`state_dict_ema`), which the released evaluation uses, and the trained weights (`state_dict`). Files of BackTAL, and bare
    /// dictionaries of tensors, have trained weights only, which are taken whatever `kind` is.
    ///
    /// # Errors
    /// If the file lacks the weights or they do not fit: all missing, unexpected and mismatched names are listed. If they
    /// would fit but belong to another network: BackTAL with similarities per tap.
    pub fn weights(
        &self,
        config: &Config,
        classes: &ClassMap,
        kind: Weights,
    ) -> Result<(Checkpoint, LoadReport), EngineError> {
        let model = opened::open(config, Device::Cpu)?;
        let kind = model.released_weights(kind);
        let kind = kind.map_err(|reason| self.refuse(reason))?;
        let (place, kind) = self.place(kind)?;
        let section = self.section(model.parameters(), place)?;
        let origin = format!("{} of {}", place.name(), self.path().display());
        let mut checkpoint = Checkpoint::empty(config, classes, kind, None, Some(origin));
        checkpoint.insert_section(prefix(kind), &section.tensors);
        Ok((checkpoint, section.report))
    }
}
