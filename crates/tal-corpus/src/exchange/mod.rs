//! Annotations in the formats of annotation tools, read and written.
//!
//! [`FORMATS`] is the table of all of them. [`read`] makes one [`Project`] of the files of any format; [`write()`] writes one in
//! any format, and [`losses()`] tells what that format cannot say. [`recognise`] finds the format of a file by its content.
//! [`crate::source::from_project`] turns a project into annotations of a data set, [`project_of`] the other way round;
//! [`crate::drafts`] writes what a detector found.
//!
//! Files are only parsed: nothing that they name is opened.

mod audacity;
mod bids;
mod boris;
mod boris_table;
mod clue;
mod dcase;
mod elan;
mod error;
mod feral;
mod fiftyone;
mod format;
mod frames;
mod json;
mod json_lines;
mod label_studio;
mod lanes;
mod losses;
mod mabe;
mod marks;
mod model;
mod names;
mod options;
mod osl;
mod output;
mod read;
mod recognise;
mod rttm;
mod soccernet;
mod srt;
mod subtitles;
mod table;
mod text_grid;
mod tiers;
mod v_trace;
mod via;
mod via_table;
mod web_vtt;
mod write;
mod xml;

pub use error::ExchangeError;
pub use format::{Carries, Format, Layout};
pub use json_lines::JsonLines;
pub use losses::losses;
pub use model::{Event, Project, Track};
pub use options::{
    ClassFrom, EndFrame, IdSource, LabelStudioResults, LabelStudioTemplate, ReadOptions,
    WriteOptions,
};
pub use read::{content, parse, read};
pub use recognise::recognise;
pub use table::FORMATS;
pub use write::{OutputFile, files, project_of, write};
