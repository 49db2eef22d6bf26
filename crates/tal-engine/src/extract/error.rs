//! Errors of extraction.

use std::path::PathBuf;

use tal_backbone::BackboneError;
use tal_config::ConfigError;
use tal_core::Usage;
use tal_core::config::FieldErrors;
use tal_data::{AnnotationError, DataError, FeatureError};
use tal_video::{PixelError, PlanError, VideoError};

/// An error that ends an extraction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// There is neither a recipe nor a file of this name.
    #[error("there is no recipe {name:?}, and no file of this name; the recipes are {known}")]
    UnknownRecipe {
        /// The name.
        name: String,
        /// All recipes.
        known: String,
    },
    /// A file that is no recipe.
    #[error("{}: {reason}", path.display())]
    Recipe {
        /// The file.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// A recipe with values that are not allowed.
    #[error("recipe {name}: {source}")]
    RecipeValues {
        /// The recipe.
        name: String,
        /// The values.
        source: FieldErrors,
    },
    /// A recipe whose frames reach no fixed size.
    #[error("recipe {name}: {source}")]
    Pixels {
        /// The recipe.
        name: String,
        /// The reason.
        source: PixelError,
    },
    /// Weights that the network does not take.
    #[error(transparent)]
    Weights(#[from] BackboneError),
    /// A file of weights other than that of the run.
    #[error(
        "{}: its SHA-256 is {found}, but the features of this run were made with weights of SHA-256 {wanted}: give that file",
        path.display()
    )]
    OtherWeights {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: String,
        /// The digest of the run.
        wanted: String,
    },
    /// A recipe other than that of the run.
    #[error(
        "recipe {name}: its values have the SHA-256 {found}, but the features of this run were made by a recipe of SHA-256 \
         {wanted}: give that recipe"
    )]
    OtherRecipe {
        /// The recipe.
        name: String,
        /// Its digest.
        found: String,
        /// The digest of the run.
        wanted: String,
    },
    /// An input that does not exist.
    #[error("{}: {reason}", path.display())]
    Input {
        /// The path.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// Values that cannot be filled in.
    #[error("{}: {reason}; nothing is written", path.display())]
    Completion {
        /// The folder or file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// An annotation file that cannot be read.
    #[error(transparent)]
    Annotations(#[from] Box<AnnotationError>),
    /// A configuration that cannot be read.
    #[error(transparent)]
    Config(#[from] Box<ConfigError>),
    /// Two films whose features would have the same name.
    #[error(
        "{} and {} would both become the recording {id:?}: rename one, or give the folder above both",
        first.display(),
        second.display()
    )]
    SameName {
        /// The id.
        id: String,
        /// A film.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// An output that cannot be written, such as on a full disk.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The second of two files that belong together cannot be written.
    #[error(
        "{}: cannot be written: {source}; {} has its new content already, and the old one is in {}: the same command goes on",
        path.display(),
        written.display(),
        copy.display()
    )]
    HalfWritten {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
        /// The file that was written before.
        written: PathBuf,
        /// The copy of what that one held.
        copy: PathBuf,
    },
    /// A feature file that cannot be written.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// Features that do not fit the configuration.
    #[error(transparent)]
    Data(#[from] Box<DataError>),
    /// A description that cannot be written, or no ffmpeg.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// A film that failed, if such a failure ends the extraction.
    #[error(transparent)]
    Film(#[from] FilmError),
}

impl Usage for ExtractError {
    fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::UnknownRecipe { .. }
                | Self::Recipe { .. }
                | Self::RecipeValues { .. }
                | Self::Pixels { .. }
                | Self::OtherWeights { .. }
                | Self::OtherRecipe { .. }
                | Self::Input { .. }
                | Self::SameName { .. }
                | Self::Completion { .. }
                | Self::Video(VideoError::NoProgram)
        ) || matches!(self, Self::Config(error) if error.is_usage())
    }
}

/// A fault of one film.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilmError {
    /// The film cannot be read.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// Its frames make no windows.
    #[error("{}: {source}", path.display())]
    Plan {
        /// The film.
        path: PathBuf,
        /// The reason.
        source: PlanError,
    },
    /// Its frames do not fit the recipe.
    #[error("{}: {source}", path.display())]
    Pixels {
        /// The film.
        path: PathBuf,
        /// The reason.
        source: PixelError,
    },
    /// A feature that is no number.
    #[error("{}: feature {row} is not finite: the weights or the input are wrong", path.display())]
    NotFinite {
        /// The film.
        path: PathBuf,
        /// Number of the window.
        row: usize,
    },
    /// A feature that half precision cannot hold.
    #[error(
        "{}: feature {row} has the value {value}, but half precision ends at 65504: leave out --half, or name a \
         folder without features in half precision",
        path.display()
    )]
    BeyondHalf {
        /// The film.
        path: PathBuf,
        /// Number of the window.
        row: usize,
        /// The value.
        value: f32,
    },
    /// A feature file that this program did not make.
    #[error(
        "{}: exists without the description {} of a film: nothing is overwritten; move it away or choose another folder",
        path.display(),
        sidecar.display()
    )]
    Foreign {
        /// The feature file.
        path: PathBuf,
        /// The description that would lie beside it.
        sidecar: PathBuf,
    },
}
