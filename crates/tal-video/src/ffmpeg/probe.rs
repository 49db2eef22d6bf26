//! The facts about a film, found by decoding it.

use std::path::Path;
use std::process::Stdio;

use serde::Serialize;

use crate::timeline::Times;
use crate::{Container, FrameFormat, Report, VideoError};

use super::arguments::Target;
use super::frames::decoder;
use super::program::Ffmpeg;
use super::session::Session;

/// The facts about a video stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Probe {
    /// The claims of the container, which may be wrong.
    pub container: Container,
    /// Number of the stream among the video streams.
    pub stream: usize,
    /// Upright size, unit of time, claimed rate.
    pub format: FrameFormat,
    /// Frames that arrive, with their times, and signs of damage.
    pub report: Report,
    /// Time stamps of all frames.
    #[serde(skip)]
    pub pts: Vec<i64>,
}

/// Decodes a video stream of a film to its end, without its pixels, because only that tells which frames arrive and when.
///
/// # Errors
///
/// As for [`ProgramFrames`](super::ProgramFrames): if the file cannot be read, is refused, has no such stream or no frame.
/// Damage is no error.
pub fn probe(ffmpeg: &Ffmpeg, path: &Path, stream: usize) -> Result<Probe, VideoError> {
    let (mut session, opened) =
        Session::start(ffmpeg, path, stream, Target::Nowhere, Stdio::null())?;
    let mut times = Times::new(opened.time_base, opened.nominal_rate);
    let mut all = Vec::new();
    while let Some((pts, _)) = session.next_frame()? {
        times.push(pts);
        all.push(pts);
    }
    let damage = session.finish(all.len() as u64)?;
    Ok(Probe {
        container: opened.container,
        stream,
        format: FrameFormat {
            width: opened.width as usize,
            height: opened.height as usize,
            time_base: opened.time_base,
            nominal_rate: opened.nominal_rate,
        },
        report: Report {
            timeline: times.timeline(),
            decoder: decoder(ffmpeg),
            damage,
        },
        pts: all,
    })
}
