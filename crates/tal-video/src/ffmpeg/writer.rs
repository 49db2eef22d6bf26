//! Films written with ffmpeg.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::thread::{self, JoinHandle};

use tal_core::FileError;

use crate::{FrameRate, VideoError};

use super::program::Ffmpeg;

/// Most of what is kept of the program's complaints, in bytes.
const MOST_SAID: u64 = 64 << 10;

/// A film that is encoded while its frames arrive: H.264 in a container by the file's extension, of constant rate.
#[derive(Debug)]
pub struct FilmWriter {
    path: PathBuf,
    child: Child,
    pixels: Option<ChildStdin>,
    said: Option<JoinHandle<String>>,
    num_bytes: usize,
}

impl FilmWriter {
    /// Begins a film of `width` x `height` pixels, both even. An existing file is replaced.
    ///
    /// # Errors
    ///
    /// If ffmpeg cannot be started.
    pub fn create(
        ffmpeg: &Ffmpeg,
        path: &Path,
        (width, height): (usize, usize),
        rate: FrameRate,
    ) -> Result<Self, VideoError> {
        let (size, rate) = (format!("{width}x{height}"), rate.to_string());
        let words = [
            "-hide_banner",
            "-loglevel",
            "error",
            "-y",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-video_size",
            &size,
            "-framerate",
            &rate,
            "-i",
            "pipe:0",
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-crf",
            "20",
            "-pix_fmt",
            "yuv420p",
            "-threads",
            "1",
            "-bitexact",
        ];
        let mut arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        let mut output = OsString::from("file:");
        output.push(path);
        arguments.push(output);
        let mut child = ffmpeg
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(FileError::at("start", ffmpeg.path()))?;
        let said = child.stderr.take().map(|stderr| {
            thread::spawn(move || {
                let mut text = String::new();
                // What comes after the limit, or is no text, is not needed for the message.
                let _ = stderr.take(MOST_SAID).read_to_string(&mut text);
                text
            })
        });
        Ok(Self {
            path: path.to_path_buf(),
            pixels: child.stdin.take(),
            child,
            said,
            num_bytes: width * height * 3,
        })
    }

    /// Appends a frame: rows from top to bottom, three bytes for each pixel.
    ///
    /// # Errors
    ///
    /// If ffmpeg ended.
    ///
    /// # Panics
    ///
    /// If `rgb` is not as long as a frame.
    pub fn push(&mut self, rgb: &[u8]) -> Result<(), VideoError> {
        assert_eq!(rgb.len(), self.num_bytes, "the bytes of one frame");
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let sent = match &mut self.pixels {
            Some(pixels) => pixels.write_all(rgb),
            None => Err(gone()),
        };
        match sent {
            Ok(()) => Ok(()),
            // The program's own words are better than "broken pipe".
            Err(_) => Err(self.ended()),
        }
    }

    /// Completes the film.
    ///
    /// # Errors
    ///
    /// If ffmpeg fails, such as on a full disk.
    pub fn finish(mut self) -> Result<(), VideoError> {
        drop(self.pixels.take());
        let status = self.child.wait();
        match status {
            Ok(status) if status.success() => Ok(()),
            _ => Err(self.ended()),
        }
    }

    /// The fault of a program that ended.
    fn ended(&mut self) -> VideoError {
        drop(self.pixels.take());
        let status = self
            .child
            .wait()
            .map_or_else(|error| error.to_string(), |status| status.to_string());
        let said = self
            .said
            .take()
            .and_then(|said| said.join().ok())
            .unwrap_or_default();
        VideoError::Encoding {
            path: self.path.clone(),
            status,
            said: said.lines().next().unwrap_or("nothing").to_owned(),
        }
    }
}

impl Drop for FilmWriter {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
