//! Arguments of `tal data prepare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::{at_least_one, positive};

#[derive(Debug, Args)]
#[command(after_long_help = PREPARE_SOURCES)]
pub(crate) struct PrepareArgs {
    /// Data set to convert
    pub(crate) dataset: PreparedDataset,
    /// Folder of the publisher's files
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// Folder for annotations.json and raw/ or features/; must be empty or new
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// GTEA (1 to 4) and 50 Salads (1 to 5): split that defines the subsets training and test [default: 1]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) split: Option<usize>,
    /// GTEA and 50 Salads: keep only every Nth frame; most papers use 2 for 50 Salads, which gives 15 per second [default: 1]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) every: Option<usize>,
    /// GTEA and 50 Salads: frames per second of labels and features [default: 15 and 30, as published]
    #[arg(long, value_name = "N", value_parser = positive::<f64>)]
    pub(crate) fps: Option<f64>,
}

/// Sources of the files.
const PREPARE_SOURCES: &str = "\
Where to get the files:
  sbhar     archive.ics.uci.edu, data set 341, Smartphone-Based Recognition
            of Human Activities and Postural Transitions.
            --from is its folder RawData.
  gtea      data.zip of the authors of MS-TCN: github.com/yabufarha/ms-tcn
            links it, and zenodo.org/record/3625992 has it.
            --from is its folder gtea, with groundTruth/, features/, splits/
            and mapping.txt.
  50salads  the same archive; --from is its folder 50salads.

The publishers' terms of use apply; they name the papers to cite.";

/// Data set that can be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PreparedDataset {
    /// Smartphone-Based Recognition of Human Activities and Postural Transitions (UCI), folder RawData
    Sbhar,
    /// Georgia Tech Egocentric Activities, as distributed with MS-TCN
    Gtea,
    /// 50 Salads, as distributed with MS-TCN
    #[value(name = "50salads")]
    Salads,
}
