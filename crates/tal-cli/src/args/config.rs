//! Arguments of the commands that read a configuration file.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use tal_config::import::ReleasedCode;
use tal_config::{ConfigError, Layers};
use tal_core::config::Config;

use super::values::positive;

/// A configuration file and its changes.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Configuration file (YAML)
    #[arg(value_name = "CONFIG")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) layers: LayerArgs,
}

impl ConfigArgs {
    /// The configuration with all changes.
    pub(crate) fn load(&self) -> Result<Config, ConfigError> {
        self.layers.load(&self.file)
    }
}

/// Heading of the options that change a configuration.
const LAYERS: &str = "Changes of the configuration";

/// Changes of a configuration file.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LayerArgs {
    /// Lay a fragment of a configuration (YAML) over it; can be given several times, and the last one wins
    #[arg(long = "overlay", value_name = "FILE", help_heading = LAYERS)]
    pub(crate) overlays: Vec<PathBuf>,
    /// Set a configuration key, after all overlays; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = LAYERS)]
    pub(crate) overrides: Vec<String>,
}

impl LayerArgs {
    /// Whether nothing is changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.overlays.is_empty() && self.overrides.is_empty()
    }

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

    /// The configuration file with all changes.
    pub(crate) fn load(&self, config: &Path) -> Result<Config, ConfigError> {
        Ok(self.over(config)?.resolve()?.config)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a configuration with all values, and the origin of each
    Show(ShowArgs),
    /// Convert a configuration file of the released code of CLTDR-GMG, TriDet or ActionFormer
    ///
    /// Reports the translation of every key. The result is checked like any configuration of `tal`.
    Import(ConfigImportArgs),
    /// Write a configuration that fits a data set
    ///
    /// Widths, levels, ranges, lengths and schedule follow from the annotations and features; comments say how.
    Suggest(SuggestArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SuggestArgs {
    /// Annotation file (JSON) with a training and a test subset
    pub(crate) annotations: PathBuf,
    /// Folder of the feature files (or raw sensor signals), one per recording, named by its id
    pub(crate) features: PathBuf,
    /// File for the configuration [default: print it]
    #[arg(long, value_name = "FILE.yaml")]
    pub(crate) out: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Frames (samples) per second of all recordings [default: from the annotations, else from the number of features]
    #[arg(long, value_name = "N", value_parser = positive::<f64>)]
    pub(crate) fps: Option<f64>,
    /// Frames between two features [default: from durations and numbers of features]
    #[arg(long, value_name = "N", value_parser = positive::<f64>)]
    pub(crate) feat_stride: Option<f64>,
    /// Frames that a feature is computed from [default: the stride]
    #[arg(long, value_name = "N", value_parser = positive::<f64>)]
    pub(crate) num_frames: Option<f64>,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigImportArgs {
    /// Configuration file of the other program (YAML)
    #[arg(value_name = "FILE")]
    pub(crate) theirs: PathBuf,
    /// File for the converted configuration [default: print it]
    #[arg(long, value_name = "FILE.yaml")]
    pub(crate) out: Option<PathBuf>,
    /// Folder that relative paths in the file start at [default: leave the paths as they are]
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Program that the file is for [default: detected; files of tridet look like those of cltdr-gmg]
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
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Print only values that differ from the preset
    #[arg(long)]
    pub(crate) changed: bool,
}
