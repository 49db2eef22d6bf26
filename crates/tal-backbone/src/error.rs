//! Errors of networks and their weights.

use std::io;
use std::path::PathBuf;

use tal_core::FileError;
use tal_core::weights::{LoadReport, WeightsError};
use tal_pth::PthError;
use tch::TchError;

/// An error of a network, of its weights or of its input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackboneError {
    /// No network has this name.
    #[error("there is no network `{name}`{}; known are {known}", hint(.nearest))]
    UnknownNetwork {
        /// The name.
        name: String,
        /// The known name that is most like it.
        nearest: Option<String>,
        /// All known names.
        known: String,
    },
    /// A configuration describes no network.
    #[error("{network}: {reason}")]
    Config {
        /// The network.
        network: String,
        /// The value and its bound.
        reason: String,
    },
    /// The file system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A file of `torch.save` cannot be read.
    #[error(transparent)]
    Pth(#[from] PthError),
    /// A safetensors file cannot be read.
    #[error(transparent)]
    Safetensors(#[from] WeightsError),
    /// A file holds something other than named weights.
    #[error("{origin} holds no weights: {found}, must be {wanted}")]
    NoWeights {
        /// The file.
        origin: String,
        /// The contents.
        found: String,
        /// The contents of a file of weights.
        wanted: &'static str,
    },
    /// The weights are those of another network.
    #[error("{origin} holds the weights of {found}, not of {network}")]
    OtherNetwork {
        /// The file.
        origin: String,
        /// The wanted network.
        network: String,
        /// The network of the weights.
        found: &'static str,
    },
    /// Names or shapes of the weights do not fit.
    #[error("{origin} does not fit {network}: {report}")]
    Mismatch {
        /// The file.
        origin: String,
        /// The network.
        network: String,
        /// All names that do not fit, spelled as in the file.
        report: Box<LoadReport>,
    },
    /// The classifier was asked for and is not among the weights, or has another shape.
    #[error("{origin} has no classifier of {network}: {reason}")]
    Classifier {
        /// The file.
        origin: String,
        /// The network.
        network: String,
        /// Names or shapes.
        reason: String,
    },
    /// Class scores were asked for, but the classifier was dropped.
    #[error("{network} was loaded without its classifier, so there are no class scores")]
    NoClassifier {
        /// The network.
        network: String,
    },
    /// An input has another kind or shape.
    #[error("{network}: the input is {found}, must be {wanted}")]
    Input {
        /// The network.
        network: String,
        /// Kind and shape of the input.
        found: String,
        /// Those that the network takes.
        wanted: String,
    },
    /// A TorchScript module gave something other than a feature for each item.
    #[error("{}: the module gave {found}, must give {wanted}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// Kind and shape of the output.
        found: String,
        /// Those of features.
        wanted: String,
    },
    /// A TorchScript module cannot be loaded or run.
    #[error("{}: {action}: {source}", path.display())]
    Script {
        /// The file.
        path: PathBuf,
        /// The action that failed.
        action: &'static str,
        /// The error of LibTorch.
        source: Box<TchError>,
    },
    /// A file is not the released one.
    #[error("{} has the SHA-256 {found}, that of {name} {wanted}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The released file.
        name: &'static str,
        /// Its SHA-256.
        found: String,
        /// The SHA-256 of the released file, in words.
        wanted: String,
    },
    /// There is no curl to download with.
    #[error("there is no program curl, which downloads: install it, or fetch {url} another way")]
    NoCurl {
        /// The address.
        url: String,
    },
    /// An address that nothing is downloaded from.
    #[error(
        "{url}: must begin with https:// or file://, or with http:// and the name of this machine, such as localhost"
    )]
    Address {
        /// The address.
        url: String,
    },
    /// A download that did not come to its end.
    #[error("{url} cannot be downloaded: {reason}{}", rest(*.kept))]
    Download {
        /// The address.
        url: String,
        /// The fault.
        reason: String,
        /// Bytes that stay for the next call.
        kept: u64,
    },
    /// A file or folder that cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// LibTorch refused.
    #[error("LibTorch: {0}")]
    Torch(#[from] TchError),
}

fn rest(bytes: u64) -> String {
    match bytes {
        0 => String::new(),
        _ => format!("; {bytes} bytes are there, and the same command goes on"),
    }
}

fn hint(nearest: &Option<String>) -> String {
    let nearest = nearest.as_deref();
    nearest.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}
