//! Where frames come from.

use std::path::Path;

use tal_video::{
    Ffmpeg, FrameRate, FrameSource, ImageFolder, Origin, ProgramFrames, VideoError, probe,
};

use super::Film;

/// A film whose frames can be read.
pub struct OpenedFilm {
    /// Its frames.
    pub frames: Box<dyn FrameSource>,
    /// Frames a second, if they are known before the frames are read.
    pub rate: Option<FrameRate>,
    /// Length that the container claims, in seconds.
    pub seconds: Option<f64>,
}

/// A way to read films.
pub trait FilmReader: Sync {
    /// Size and digest of a film.
    ///
    /// # Errors
    /// If the film cannot be read.
    fn origin(&self, film: &Film) -> Result<Origin, VideoError>;

    /// The frames of a film.
    ///
    /// # Errors
    /// If the film cannot be read.
    fn open(&self, film: &Film) -> Result<OpenedFilm, VideoError>;
}

/// Films that the ffmpeg program decodes, and folders of images.
#[derive(Clone, Debug)]
pub struct FfmpegFilms {
    /// The program; `None` if all films are folders of images.
    pub ffmpeg: Option<Ffmpeg>,
    /// Number of the video stream, counted from 0 without cover pictures.
    pub stream: usize,
    /// Frames a second of folders of images.
    pub image_rate: Option<FrameRate>,
}

impl FfmpegFilms {
    fn images(&self, path: &Path) -> Result<Option<ImageFolder>, VideoError> {
        match self.image_rate {
            Some(rate) if path.is_dir() => ImageFolder::open(path, rate).map(Some),
            _ => Ok(None),
        }
    }
}

impl FilmReader for FfmpegFilms {
    fn origin(&self, film: &Film) -> Result<Origin, VideoError> {
        match self.images(&film.path)? {
            Some(folder) => Origin::of_files(&film.path, folder.images().iter().map(AsRef::as_ref)),
            None => Origin::of_file(&film.path),
        }
    }

    fn open(&self, film: &Film) -> Result<OpenedFilm, VideoError> {
        if let Some(folder) = self.images(&film.path)? {
            return Ok(OpenedFilm {
                rate: self.image_rate,
                seconds: self
                    .image_rate
                    .map(|rate| folder.images().len() as f64 / rate.per_second()),
                frames: Box::new(folder),
            });
        }
        let ffmpeg = self.ffmpeg.as_ref().ok_or(VideoError::NoProgram)?;
        let frames = ProgramFrames::open(ffmpeg, &film.path, self.stream)?;
        let rate = match frames.format().nominal_rate {
            // The frames of a film that claims no rate are counted first.
            None => probe(ffmpeg, &film.path, self.stream)?.report.timeline.rate,
            claimed => claimed,
        };
        Ok(OpenedFilm {
            rate,
            seconds: frames.container().seconds,
            frames: Box::new(frames),
        })
    }
}
