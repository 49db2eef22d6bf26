//! Tests of the public interface, in one program.

#[path = "../../../tal-data/tests/common/mod.rs"]
mod common;

mod audit;
mod clips;
mod features_convert;
mod features_formats;
mod frame_labels;
mod sbhar_text;
mod sources;
mod sources_corpus;
mod sources_malformed;
mod sources_published;
mod sources_tools;
mod split;
mod suggestion;
