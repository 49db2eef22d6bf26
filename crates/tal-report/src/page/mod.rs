//! Reports as one HTML file that needs neither a network nor a server: figures, curves, and a timeline per recording.
//!
//! [`Report`] holds what is shown; [`html`] makes the page, [`fragment`] a part of it for a notebook or another page. All data
//! travel in one compressed block and become text, never markup; a content security policy admits only the page's own style
//! and script, by their hashes.

mod assembly;
mod curves;
mod detector;
mod island;
mod model;
mod signal;
mod tracks;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tal_core::{ClassMap, Recording};

pub use assembly::{fragment, html};
pub use curves::Course;
pub use detector::{Detector, MeasureError, MeasureOptions};
pub use model::Run;
pub use signal::{Channel, Signal};

/// Parts of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Parts {
    /// Everything.
    #[default]
    All,
    /// The timeline with its controls.
    Timeline,
}

/// Content of a report.
#[derive(Debug)]
pub struct Report<'a> {
    /// Heading of the page.
    pub title: String,
    /// Names and values about the data, such as files and counts, in the order of the page.
    pub facts: Vec<(String, String)>,
    /// Names of the classes.
    pub classes: &'a ClassMap,
    /// Class that marks unclear passages.
    pub ambiguous: Option<u32>,
    /// Evaluated recordings.
    pub recordings: Vec<&'a Recording>,
    /// Detectors, all measured on these recordings.
    pub detectors: Vec<Detector<'a>>,
    /// Training runs.
    pub runs: Vec<Run>,
    /// Signals by recording.
    pub signals: BTreeMap<String, Signal>,
    /// Addresses of films by recording, relative to the page.
    pub films: BTreeMap<String, String>,
    /// Parts to show.
    pub parts: Parts,
}
