//! Frames of a film as the program decodes them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tal_core::FileError;

use crate::pixels::yuv::YuvMatrix;
use crate::timeline::Times;
use crate::{
    Container, Damage, Decoder, Frame, FrameFormat, FrameSource, FrameStamp, Report, VideoError,
};

use super::arguments::{THREADS, Target};
use super::log::Opened;
use super::program::Ffmpeg;
use super::session::Session;
use super::transport::{self, Pixels};

/// The begin of a stream of planes, and of each frame in it.
const FILE_MARK: &[u8; 10] = b"YUV4MPEG2 ";
const FRAME_MARK: &[u8; 6] = b"FRAME\n";

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
    /// The first frame's way to RGB, if the program gives planes.
    matrix: Option<YuvMatrix>,
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
        // Nearly all films have planes that are converted here. That others have not is known once they are open.
        let (mut pixels, mut session, mut opened) = start(ffmpeg, path, stream, Target::Planes)?;
        if opened.matrix.is_none() {
            drop((pixels, session));
            (pixels, session, opened) = start(ffmpeg, path, stream, Target::Rgb)?;
            opened.matrix = None;
        }
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
            matrix: opened.matrix,
            times: Times::new(opened.time_base, opened.nominal_rate),
            damage: None,
        })
    }

    /// The claims of the container.
    pub fn container(&self) -> &Container {
        &self.container
    }
}

fn start(
    ffmpeg: &Ffmpeg,
    path: &Path,
    stream: usize,
    target: Target,
) -> Result<(Pixels, Session, Opened), VideoError> {
    let (pixels, stdout) =
        transport::channel().map_err(FileError::at("connect ffmpeg to", path))?;
    let (session, opened) = Session::start(ffmpeg, path, stream, target, stdout)?;
    Ok((pixels, session, opened))
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

    fn read(&mut self, frame: &mut Frame) -> Result<Option<FrameStamp>, VideoError> {
        if self.damage.is_some() {
            return Ok(None);
        }
        let (width, height) = (self.format.width, self.format.height);
        let room = match self.matrix {
            Some(matrix) => frame.planes_mut(width, height, matrix),
            None => frame.rgb_mut(width, height),
        };
        let is_first = self.times.frames() == 0;
        let has_planes = self.matrix.is_some();
        let mut received = || {
            Ok((!has_planes || passed_marks(&mut self.pixels, is_first)?)
                && filled(&mut self.pixels, room)?)
        };
        let is_whole = received().map_err(FileError::at("receive frames of", &self.path))?;
        let frames = self.times.frames();
        if is_whole {
            // The time is announced before the pixels are written.
            return match self.session.next_frame()? {
                Some((pts, matrix)) => {
                    // A frame of another format has been turned into the first one's by the program.
                    if let (Some(_), Some(matrix)) = (self.matrix, matrix) {
                        frame.planes_mut(width, height, matrix);
                    }
                    Ok(Some(FrameStamp {
                        index: self.times.push(pts),
                        pts,
                    }))
                }
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

/// Reads until `buffer` is full or the stream ends, and returns whether it is full.
fn filled(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match stream.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads the marks in front of a frame's planes: the first line of the stream, if it is the first frame, and its own line.
/// Returns whether the stream goes on.
fn passed_marks(stream: &mut impl Read, is_first: bool) -> io::Result<bool> {
    if is_first {
        let mut letter = [0];
        let mut line = Vec::new();
        while letter != *b"\n" {
            if !filled(stream, &mut letter)? {
                return Ok(false);
            }
            line.push(letter[0]);
            if !line.starts_with(&FILE_MARK[..line.len().min(FILE_MARK.len())]) {
                return Err(no_mark("YUV4MPEG2", &line));
            }
        }
    }
    let mut mark = [0; FRAME_MARK.len()];
    if !filled(stream, &mut mark)? {
        return Ok(false);
    }
    match mark == *FRAME_MARK {
        true => Ok(true),
        false => Err(no_mark("FRAME", &mark)),
    }
}

fn no_mark(wanted: &str, found: &[u8]) -> io::Error {
    let found = String::from_utf8_lossy(found);
    io::Error::other(format!("{found:?} instead of {wanted:?}"))
}
