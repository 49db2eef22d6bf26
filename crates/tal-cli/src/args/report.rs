//! Arguments of `tal report`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::evaluate::{FusionArgs, RulesArgs};

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run folders and files of detections, each as PATH or NAME=PATH; all are compared with the first
    #[arg(required = true, value_name = "RUN|DETECTIONS")]
    pub(crate) inputs: Vec<NamedPath>,
    /// Annotation file (JSON) [default: that of the first run, with its test subsets and its rules]
    #[arg(long, value_name = "FILE")]
    pub(crate) ground_truth: Option<PathBuf>,
    /// File to write
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: PathBuf,
    /// Folder of films, named after the recordings; the report plays them beside the timeline
    ///
    /// The report refers to them by a relative path, so move both together. Browsers play MP4 (H.264) and WebM.
    #[arg(long, value_name = "DIR")]
    pub(crate) media: Option<PathBuf>,
    /// Write a part of the report, as an HTML element for a notebook or another page
    #[arg(long, value_name = "PART")]
    pub(crate) fragment: Option<FragmentArg>,
    /// Signal below the time axis
    #[arg(long, value_name = "WHICH", default_value = "auto")]
    pub(crate) signal: SignalArg,
    /// Heading [default: the names of the inputs]
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Number of draws for intervals and comparisons; 0 leaves them out
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) bootstrap: usize,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    #[command(flatten)]
    pub(crate) fusion: FusionArgs,
}

/// Parts of a report.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FragmentArg {
    /// The timeline with its controls
    Timeline,
}

/// Signals beside the tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SignalArg {
    /// The channels of a raw sensor signal, if the first run reads one
    Auto,
    /// The features of the first run: each channel if there are few, otherwise their norm
    Features,
    /// None
    None,
}

/// A path with the name that it has in the report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamedPath {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl FromStr for NamedPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let alone = |path: &str| Self {
            name: default_name(Path::new(path)),
            path: path.into(),
        };
        match text.split_once('=') {
            Some((name, path)) if !Path::new(text).exists() => match (name, path) {
                ("", _) | (_, "") => Err("must be PATH or NAME=PATH".to_owned()),
                _ => Ok(Self {
                    name: name.to_owned(),
                    path: path.into(),
                }),
            },
            _ => Ok(alone(text)),
        }
    }
}

/// The file's name without its extension; that of the folder above for `detections` and the like, which every run has.
fn default_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    let above = path.parent().and_then(Path::file_name);
    match above {
        Some(above) if stem == "detections" || stem == "run" => {
            above.to_string_lossy().into_owned()
        }
        _ => stem.to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_have_names() {
        let parsed = |text: &str| {
            let NamedPath { name, path } = text.parse().unwrap();
            (name, path.to_string_lossy().into_owned())
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(parsed("runs/mine"), pair("mine", "runs/mine"));
        assert_eq!(parsed("x/found.json"), pair("found", "x/found.json"));
        assert_eq!(
            parsed("runs/a/detections.json"),
            pair("a", "runs/a/detections.json")
        );
        assert_eq!(parsed("our best=a=b.json"), pair("our best", "a=b.json"));
        assert!("=a".parse::<NamedPath>().is_err() && "a=".parse::<NamedPath>().is_err());
    }
}
