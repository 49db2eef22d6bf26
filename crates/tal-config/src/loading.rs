//! A checked configuration from one file or text.

use std::path::Path;

use tal_core::config::Config;

use crate::{ConfigError, Layers};

/// The configuration of a file and overrides (`key.path=value`, value as YAML) laid over the preset that the file names, with
/// environment variables filled in, paths made absolute and everything checked. [`Layers`] also takes overlays.
///
/// # Errors
/// As [`Layers::resolve`].
pub fn load(path: &Path, overrides: &[String]) -> Result<Config, ConfigError> {
    overridden(Layers::read(path)?, overrides)
}

/// [`load`] for a text: `origin` names it in errors, and relative paths start at `base`.
///
/// # Errors
/// As [`load`].
pub fn from_yaml(
    text: &str,
    origin: &str,
    base: &Path,
    overrides: &[String],
) -> Result<Config, ConfigError> {
    overridden(Layers::from_yaml(text, origin, base)?, overrides)
}

fn overridden(mut layers: Layers, overrides: &[String]) -> Result<Config, ConfigError> {
    for text in overrides {
        layers = layers.set(text)?;
    }
    Ok(layers.resolve()?.config)
}
