//! Films that the tests make with ffmpeg's own test sources.

use std::path::{Path, PathBuf};
use std::process::Command;

use tal_video::{Ffmpeg, Frame, FrameSource, FrameStamp, ProgramFrames, VideoError};

/// The program, or none after saying so: then there is nothing to test.
pub(crate) fn ffmpeg() -> Option<Ffmpeg> {
    match Ffmpeg::find(None) {
        Ok(found) => Some(found),
        Err(VideoError::NoProgram) => {
            eprintln!("SKIPPED: {}", VideoError::NoProgram);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Writes a film with the arguments of the program, which are separated by spaces.
pub(crate) fn make(ffmpeg: &Ffmpeg, arguments: &str, film: &Path) -> PathBuf {
    let output = Command::new(ffmpeg.path())
        .args(["-nostdin", "-loglevel", "error", "-y", "-bitexact"])
        .args(arguments.split(' '))
        .arg(film)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {said}");
    film.to_path_buf()
}

/// The first position of `pattern` in a file.
pub(crate) fn position(bytes: &[u8], pattern: &[u8]) -> usize {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
        .unwrap()
}

/// A frame and its pixels.
pub(crate) type Pixels = (FrameStamp, Vec<u8>);

/// All frames of a film, with the film.
pub(crate) fn read_all(
    ffmpeg: &Ffmpeg,
    path: &Path,
) -> Result<(ProgramFrames, Vec<Pixels>), VideoError> {
    let mut film = ProgramFrames::open(ffmpeg, path, 0)?;
    let mut frame = Frame::new();
    let mut frames = Vec::new();
    while let Some(stamp) = film.read(&mut frame)? {
        frames.push((stamp, frame.rgb().to_vec()));
    }
    assert_eq!(film.read(&mut frame)?, None);
    Ok((film, frames))
}
