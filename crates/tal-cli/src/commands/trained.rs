//! The checkpoint that a command runs.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tal_engine::Checkpoint;

/// The checkpoint of a run folder or file, where it was found, with `overrides` (key=value) of its configuration.
pub(super) fn read(place: &Path, overrides: &[String]) -> Result<(PathBuf, Checkpoint)> {
    let path = Checkpoint::locate(place)?;
    let mut checkpoint = Checkpoint::read(&path)?;
    if !overrides.is_empty() {
        let origin = format!("the configuration of {}", path.display());
        let text = tal_config::to_yaml(&checkpoint.manifest.config);
        checkpoint.manifest.config =
            tal_config::from_yaml(&text, &origin, Path::new(""), overrides)?;
    }
    Ok((path, checkpoint))
}
