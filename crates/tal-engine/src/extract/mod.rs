//! Films to features: decoding, windows, a network, and files that describe themselves.
//!
//! A thread decodes and preprocesses; windows go through a bounded queue to the network; features go row by row into a file.
//! So memory does not depend on the length of a film.

mod completion;
mod error;
mod event;
mod extracted;
mod extractor;
mod films;
mod job;
mod network;
mod output;
mod producer;
mod reader;
mod recipes;
mod replacement;
mod sidecars;
mod windows;
mod yaml_keys;

pub use completion::{Change, Completion};
pub use error::{ExtractError, FilmError};
pub use event::{ExtractEvent, ExtractSummary, FailedFilm};
pub use extracted::{described_timing, read_extracted};
pub use extractor::{ExtractOptions, Extractor, OnFailure};
pub use films::{Film, find_films};
pub use output::FilmPaths;
pub use reader::{FfmpegFilms, FilmReader, OpenedFilm};
pub use recipes::{NamedRecipe, recipe_names};
pub use sidecars::{SidecarComparison, compare_sidecars};
