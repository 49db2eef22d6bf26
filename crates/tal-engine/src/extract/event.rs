//! The course of an extraction.

use super::{Film, FilmError};

/// A step of an extraction, for progress and logs.
#[derive(Debug)]
pub enum ExtractEvent<'a> {
    /// The features of this film exist already and are those that would be made.
    Kept {
        /// The film.
        film: &'a Film,
    },
    /// A film begins.
    Started {
        /// The film.
        film: &'a Film,
        /// Reason why existing features are made again, if there are any.
        again: Option<&'a str>,
        /// Length that its container claims, in seconds.
        seconds: Option<f64>,
    },
    /// Features were computed.
    Advanced {
        /// The film.
        film: &'a Film,
        /// Number of its windows so far.
        windows: usize,
        /// End of the last one, in seconds.
        seconds: f64,
    },
    /// A film is done and its files are in place.
    Finished {
        /// The film.
        film: &'a Film,
        /// Number of features T.
        windows: usize,
        /// Complaints of the decoder: the film is damaged.
        complaints: u64,
    },
    /// A film failed; the next one follows.
    Failed {
        /// The film.
        film: &'a Film,
        /// The fault.
        error: &'a FilmError,
    },
}

/// The outcome of an extraction.
#[derive(Debug, Default)]
pub struct ExtractSummary {
    /// Number of films whose features were made.
    pub made: usize,
    /// Number of films whose features were there.
    pub kept: usize,
    /// Films that failed.
    pub failed: Vec<FailedFilm>,
    /// Whether a stop was asked for before all films were done.
    pub interrupted: bool,
}

/// A film that failed.
#[derive(Debug)]
pub struct FailedFilm {
    /// The film.
    pub film: Film,
    /// The fault.
    pub error: FilmError,
}
