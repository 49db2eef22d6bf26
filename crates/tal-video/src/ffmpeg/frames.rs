//! Frames of a film as the program decodes them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tal_core::FileError;

use crate::timeline::Times;
use crate::{Container, Damage, Decoder, FrameFormat, FrameSource, FrameStamp, Report, VideoError};

use super::arguments::{THREADS, Target};
use super::program::Ffmpeg;
use super::session::Session;
use super::transport::{self, Pixels};

/// The frames of a video stream, decoded by ffmpeg. The program ends with this value.
///
/// Frames come upright, in the size of the first one, with the time stamps of the container. A 10-bit film is rounded to 8
/// bits by ffmpeg. Pixels that are not square stay as they are stored.
pub struct ProgramFrames {
    path: PathBuf,
    session: Session,
    pixels: Pixels,
    container: Container,
    format: FrameFormat,
    decoder: Decoder,
    times: Times,
    /// Known at the end.
    damage: Option<Damage>,
}

impl ProgramFrames {
    /// Opens the video stream `stream` of a film, counted from 0 without cover pictures, and decodes its first frame.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is none of the containers that are read, has no such stream, or not a single frame of it
    /// can be decoded.
    pub fn open(ffmpeg: &Ffmpeg, path: &Path, stream: usize) -> Result<Self, VideoError> {
        let (pixels, stdout) =
            transport::channel().map_err(FileError::at("connect ffmpeg to", path))?;
        let (session, opened) = Session::start(ffmpeg, path, stream, Target::Pixels, stdout)?;
        Ok(Self {
            path: path.to_path_buf(),
            session,
            pixels,
            container: opened.container,
            format: FrameFormat {
                // Both are at most MAX_SIDE.
                width: opened.width as usize,
                height: opened.height as usize,
                time_base: opened.time_base,
                nominal_rate: opened.nominal_rate,
            },
            decoder: decoder(ffmpeg),
            times: Times::new(opened.time_base, opened.nominal_rate),
            damage: None,
        })
    }

    /// The claims of the container.
    pub fn container(&self) -> &Container {
        &self.container
    }
}

/// The description of the program as a decoder.
pub(super) fn decoder(ffmpeg: &Ffmpeg) -> Decoder {
    Decoder {
        name: "ffmpeg".to_owned(),
        version: Some(ffmpeg.version().to_owned()),
        threads: Some(THREADS),
    }
}

impl FrameSource for ProgramFrames {
    fn format(&self) -> FrameFormat {
        self.format
    }

    fn read(&mut self, rgb: &mut [u8]) -> Result<Option<FrameStamp>, VideoError> {
        assert_eq!(
            rgb.len(),
            self.format.num_bytes(),
            "the buffer holds one frame"
        );
        if self.damage.is_some() {
            return Ok(None);
        }
        let filled = filled(&mut self.pixels, rgb)
            .map_err(FileError::at("receive frames of", &self.path))?;
        let frames = self.times.frames();
        if filled == rgb.len() {
            // The time is announced before the pixels are written.
            return match self.session.next_time()? {
                Some(pts) => Ok(Some(FrameStamp {
                    index: self.times.push(pts),
                    pts,
                })),
                None => Err(VideoError::Uneven {
                    path: self.path.clone(),
                    announced: frames,
                    frames: frames + 1,
                }),
            };
        }
        // After half a frame too: the program then tells why, or has announced one more than arrived.
        self.damage = Some(self.session.finish(frames)?);
        Ok(None)
    }

    fn report(&self) -> Report {
        Report {
            timeline: self.times.timeline(),
            decoder: self.decoder.clone(),
            damage: self.damage.clone().unwrap_or_default(),
        }
    }
}

/// Reads until `buffer` is full or the stream ends, and returns how much was read.
fn filled(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
