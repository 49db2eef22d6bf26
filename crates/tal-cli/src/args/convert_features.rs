//! The command line of `tal data convert features`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tal_core::config::{FeatureFormat, FeatureLayout};

use super::{LayerArgs, at_least_one};

#[derive(Debug, Args)]
pub(crate) struct ConvertFeaturesArgs {
    /// Configuration file (YAML); its data set section says which recordings there are and how their features are stored.
    pub(crate) config: PathBuf,
    /// Format of the result, one file per recording.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: TargetFormat,
    /// Folder for the files; must be empty or new.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Order of the two axes.
    #[arg(long, value_name = "LAYOUT", default_value = "time-first")]
    pub(crate) layout: TargetLayout,
    /// Name of the array in a file that can hold several; the channels are shared among several names (torch, pickle).
    #[arg(long, value_name = "NAME")]
    pub(crate) key: Vec<String>,
    /// Recordings that are worked on at a time; one per core unless given.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) jobs: Option<usize>,
    #[command(flatten)]
    pub(crate) layers: LayerArgs,
}

/// Formats that features can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetFormat {
    /// NumPy array.
    Npy,
    /// NumPy archive.
    Npz,
    /// Safetensors.
    Safetensors,
    /// HDF5.
    Hdf5,
    /// PyTorch, a tensor or (with --key) a dictionary.
    Torch,
    /// Python pickle, a NumPy array or (with --key) a dictionary.
    Pickle,
    /// Text, one line per feature.
    Csv,
}

/// Order of the axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetLayout {
    /// (T, C)
    TimeFirst,
    /// (C, T)
    ChannelFirst,
}

impl ConvertFeaturesArgs {
    /// The format and the extension of its files, or what does not go together.
    pub(crate) fn format(&self) -> Result<(FeatureFormat, &'static str), String> {
        let layout = match self.layout {
            TargetLayout::TimeFirst => FeatureLayout::TimeFirst,
            TargetLayout::ChannelFirst => FeatureLayout::ChannelFirst,
        };
        let keys = self.key.clone();
        let one = || match self.key.as_slice() {
            [] => Ok(None),
            [key] => Ok(Some(key.clone())),
            _ => Err("several --key are for torch and pickle".to_owned()),
        };
        let none = || match self.key.first() {
            None => Ok(()),
            Some(key) => Err(format!("--key {key}: the format has no names")),
        };
        Ok(match self.to {
            TargetFormat::Npy => {
                none()?;
                (FeatureFormat::Npy { layout }, ".npy")
            }
            TargetFormat::Npz => {
                let key = one()?.unwrap_or_else(|| "feats".to_owned());
                (FeatureFormat::Npz { key, layout }, ".npz")
            }
            TargetFormat::Safetensors => {
                let key = one()?;
                (FeatureFormat::Safetensors { key, layout }, ".safetensors")
            }
            TargetFormat::Hdf5 => {
                let (file, key) = (None, one()?);
                (FeatureFormat::Hdf5 { file, key, layout }, ".h5")
            }
            TargetFormat::Torch => (FeatureFormat::Torch { keys, layout }, ".pt"),
            TargetFormat::Pickle => (FeatureFormat::Pickle { keys, layout }, ".pkl"),
            TargetFormat::Csv => {
                none()?;
                if layout == FeatureLayout::ChannelFirst {
                    return Err(
                        "--layout channel-first: a text file has a line per feature".to_owned()
                    );
                }
                (FeatureFormat::Csv { header: false }, ".csv")
            }
        })
    }
}
