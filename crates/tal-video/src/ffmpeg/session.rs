//! One run of the program over one film.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};

use tal_core::FileError;

use crate::pixels::yuv::YuvMatrix;
use crate::source::MAX_SIDE;
use crate::{Damage, VideoError};

use super::arguments::{self, Target};
use super::log::{self, Announced, Event, Opened, Summary};
use super::playlist;
use super::program::Ffmpeg;

/// A run of the program; it ends with this value.
pub(super) struct Session {
    path: PathBuf,
    stream: usize,
    child: Child,
    events: Receiver<Event>,
    /// Reads standard error all the time, so that the program never waits with a full pipe there while we wait for pixels.
    log: Option<JoinHandle<Summary>>,
    announced: u64,
    unit: String,
}

impl Session {
    /// Starts the program and waits until it has decoded the first frame. Pixels go to `stdout`.
    pub(super) fn start(
        ffmpeg: &Ffmpeg,
        path: &Path,
        stream: usize,
        target: Target,
        stdout: Stdio,
    ) -> Result<(Self, Opened), VideoError> {
        let about = std::fs::metadata(path).map_err(FileError::at("read", path))?;
        if !about.is_file() {
            return Err(VideoError::NotAFile {
                path: path.to_path_buf(),
            });
        }
        std::fs::File::open(path).map_err(FileError::at("read", path))?;
        let mut child = ffmpeg
            .command(arguments::decoding(path, stream, target))
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .map_err(FileError::at("start", ffmpeg.path()))?;
        let (sender, events) = mpsc::channel();
        let log = child.stderr.take().map(|stderr| {
            thread::spawn(move || {
                log::follow(BufReader::new(stderr), |event| sender.send(event).is_ok())
            })
        });
        let mut session = Self {
            path: path.to_path_buf(),
            stream,
            child,
            events,
            log,
            announced: 0,
            unit: String::new(),
        };
        match session.events.recv() {
            Ok(Event::Opened(opened)) => {
                session.require_size(&opened)?;
                session.unit = opened.time_base.to_string();
                Ok((session, *opened))
            }
            _ => {
                let (status, summary) = session.wait()?;
                Err(session.refusal(status, summary))
            }
        }
    }

    /// The time stamp of the next frame, and its way from planes to RGB if that is not left to the program; none if there is
    /// no more frame.
    pub(super) fn next_frame(&mut self) -> Result<Option<(i64, Option<YuvMatrix>)>, VideoError> {
        match self.events.recv() {
            Ok(Event::Frame(Announced { pts, matrix })) => {
                self.announced += 1;
                match pts {
                    Some(pts) => Ok(Some((pts, matrix))),
                    None => Err(VideoError::NoTime {
                        path: self.path.clone(),
                        frame: self.announced - 1,
                    }),
                }
            }
            // Told once, and first.
            Ok(Event::Opened(_)) => self.next_frame(),
            Ok(Event::UnitChanged(then)) => Err(VideoError::UnitChanged {
                path: self.path.clone(),
                first: self.unit.clone(),
                then,
            }),
            Err(_) => Ok(None),
        }
    }

    /// Waits for the end of the program after the last of `frames` frames.
    pub(super) fn finish(&mut self, frames: u64) -> Result<Damage, VideoError> {
        while self.next_frame()?.is_some() {}
        let (status, summary) = self.wait()?;
        if !status.success() {
            return Err(self.crashed(status, frames, summary.last_error));
        }
        if self.announced != frames {
            return Err(VideoError::Uneven {
                path: self.path.clone(),
                announced: self.announced,
                frames,
            });
        }
        Ok(summary.damage)
    }

    fn wait(&mut self) -> Result<(ExitStatus, Summary), VideoError> {
        // A reader that panicked has nothing to tell.
        let summary = self.log.take().and_then(|log| log.join().ok());
        let status = self
            .child
            .wait()
            .map_err(FileError::at("await the end of ffmpeg for", &self.path))?;
        Ok((status, summary.unwrap_or_default()))
    }

    /// The reason why there is not a single frame.
    fn refusal(&self, status: ExitStatus, summary: Summary) -> VideoError {
        let path = self.path.clone();
        // By a signal.
        if status.code().is_none() {
            return self.crashed(status, 0, summary.last_error);
        }
        if (summary.refused || summary.container.is_none())
            && let Some(kind) = playlist::kind_of(&path)
        {
            return VideoError::Playlist { path, kind };
        }
        if summary.refused {
            return VideoError::Refused { path };
        }
        let Some(container) = summary.container else {
            let said = summary.first_error;
            return VideoError::NotAVideo { path, said };
        };
        let streams = container.streams.len();
        if streams == 0 {
            VideoError::NoVideoStream {
                path,
                audio: container.audio,
                covers: container.covers,
            }
        } else if self.stream >= streams {
            VideoError::NoSuchStream {
                path,
                wanted: self.stream,
                streams,
            }
        } else {
            let said = Some(summary.first_error).filter(|said| !said.is_empty());
            VideoError::NoFrames {
                path,
                said: said.unwrap_or_else(|| "nothing".to_owned()),
            }
        }
    }

    fn crashed(&self, status: ExitStatus, frames: u64, said: String) -> VideoError {
        VideoError::Crashed {
            path: self.path.clone(),
            status: status.to_string(),
            frames,
            said,
        }
    }

    fn require_size(&self, opened: &Opened) -> Result<(), VideoError> {
        let (width, height) = (opened.width, opened.height);
        if width.max(height) <= MAX_SIDE && width.min(height) > 0 {
            return Ok(());
        }
        Err(VideoError::TooLarge {
            path: self.path.clone(),
            width,
            height,
            limit: MAX_SIDE,
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(log) = self.log.take() {
            let _ = log.join();
        }
    }
}
