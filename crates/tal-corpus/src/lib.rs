#![doc = include_str!("../README.md")]

pub mod audit;
pub mod clips;
pub mod export;
pub mod features;
pub mod frame_labels;
pub mod sbhar_text;
pub mod simulation;
pub mod source;
pub mod split;
pub mod suggestion;

pub use clips::ClipError;
pub use sbhar_text::SbharError;
pub use source::SourceError;
pub use suggestion::SuggestionError;
