//! Frames from the ffmpeg program as they are decoded.

mod arguments;
mod container;
mod frames;
mod lines;
mod log;
mod playlist;
mod probe;
mod program;
mod session;
mod transport;
mod writer;

pub use container::{Container, VideoStream};
pub use frames::ProgramFrames;
pub use probe::{Probe, probe};
pub use program::Ffmpeg;
pub use writer::FilmWriter;
