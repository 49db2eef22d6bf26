#![doc = include_str!("../README.md")]

mod audacity;
mod bids;
mod boris;
mod boris_table;
mod clue;
mod dcase;
pub mod drafts;
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
