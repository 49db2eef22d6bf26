//! Arguments of `tal data convert features`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tal_core::config::{FeatureFormat, FeatureLayout};

use super::config::ConfigArgs;
use super::values::at_least_one;

#[derive(Debug, Args)]
pub(crate) struct ConvertFeaturesArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Format of the result, one file per recording
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: TargetFormat,
    /// Folder for the result; must be empty or new
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Order of the two axes: time T and channels C
    #[arg(long, value_name = "LAYOUT", default_value = "time-first")]
    pub(crate) layout: TargetLayout,
    /// Name of the array in the file; with several names (torch, pickle) each gets an equal share of the channels
    #[arg(long, value_name = "NAME")]
    pub(crate) key: Vec<String>,
    /// Number of recordings at the same time [default: one per core]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) jobs: Option<usize>,
}

/// Format of features to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetFormat {
    /// NumPy array
    Npy,
    /// NumPy archive
    Npz,
    /// Safetensors
    Safetensors,
    /// HDF5
    Hdf5,
    /// PyTorch: a tensor or, with --key, a dictionary
    Torch,
    /// Python pickle: a NumPy array or, with --key, a dictionary
    Pickle,
    /// Text, one line per feature
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
    /// The format and the extension of its files, or the contradiction between the options.
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
