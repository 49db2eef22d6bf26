//! Arguments of everything that reads a configuration file.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use tal_config::import::ReleasedCode;
use tal_config::{ConfigError, Layers};
use tal_core::config::Config;

/// What is laid over a configuration file.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LayerArgs {
    /// Lay a fragment of a configuration (YAML) over it, before --set; can be given several times.
    #[arg(long = "overlay", value_name = "FILE")]
    pub(crate) overlays: Vec<PathBuf>,
    /// Change one configuration key; can be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
}

impl LayerArgs {
    /// The layers over a configuration file.
    pub(crate) fn over(&self, config: &Path) -> Result<Layers, ConfigError> {
        let mut layers = Layers::read(config)?;
        for overlay in &self.overlays {
            layers = layers.overlay(overlay)?;
        }
        for text in &self.overrides {
            layers = layers.set(text)?;
        }
        Ok(layers)
    }

    /// What the layers over a configuration file add up to.
    pub(crate) fn load(&self, config: &Path) -> Result<Config, ConfigError> {
        Ok(self.over(config)?.resolve()?.config)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a configuration with every value written out and where it comes from.
    Show(ShowArgs),
    /// Translate a configuration file of the released code of CLTDR-GMG, TriDet or ActionFormer.
    Import(ConfigImportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigImportArgs {
    /// Their configuration file (YAML).
    pub(crate) theirs: PathBuf,
    /// Where ours goes; printed unless given.
    #[arg(long, value_name = "FILE.yaml")]
    pub(crate) out: Option<PathBuf>,
    /// Folder that their relative paths start at; unless given they stay as they are written.
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// The code that the file belongs to; found out unless given (files of tridet look like those of cltdr-gmg).
    #[arg(long, value_name = "NAME", value_parser = released_code())]
    pub(crate) code: Option<ReleasedCode>,
}

fn released_code() -> impl TypedValueParser<Value = ReleasedCode> {
    PossibleValuesParser::new(ReleasedCode::ALL.map(ReleasedCode::name)).try_map(|name| {
        let mut all = ReleasedCode::ALL.into_iter();
        all.find(|code| code.name() == name).ok_or("unknown code")
    })
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Configuration file (YAML).
    pub(crate) config: PathBuf,
    #[command(flatten)]
    pub(crate) layers: LayerArgs,
    /// Only what differs from the preset.
    #[arg(long)]
    pub(crate) changed: bool,
}
