//! The thread that decodes and preprocesses.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use tal_backbone::InputLayout;
use tal_data::features::RowPrecision;
use tal_video::{
    Fps, FrameFormat, FrameRate, Origin, PlanError, Preprocessor, Recipe, RecipeRecord, Report,
    WeightsRecord, Window, WindowStream,
};

use super::output::{Existing, FilmPaths};
use super::windows::FilmWindows;
use super::{Film, FilmError, FilmReader};

/// Word of the producer about the film of a number.
pub(super) struct Message {
    pub(super) film: usize,
    pub(super) content: Content,
}

pub(super) enum Content {
    Kept,
    Started {
        again: Option<String>,
        seconds: Option<f64>,
        precision: RowPrecision,
    },
    Window(Window, Vec<f32>),
    Ended(Box<Ended>),
    Failed(FilmError),
}

/// Facts about a film whose windows are complete.
pub(super) struct Ended {
    pub(super) origin: Origin,
    pub(super) format: FrameFormat,
    /// Frames a second that the windows count in.
    pub(super) rate: FrameRate,
    pub(super) report: Report,
}

/// The work of the thread.
pub(super) struct Producer<'a> {
    pub(super) films: &'a [(Film, FilmPaths)],
    pub(super) reader: &'a dyn FilmReader,
    pub(super) recipe: &'a Recipe,
    pub(super) preprocessor: Preprocessor,
    pub(super) made_by: (&'a RecipeRecord, &'a WeightsRecord),
    /// `None`: that of the existing features.
    pub(super) precision: Option<RowPrecision>,
    pub(super) layout: InputLayout,
    pub(super) stop: &'a AtomicBool,
    pub(super) sender: SyncSender<Message>,
}

/// The receiver has gone or a stop was asked for.
struct Stopped;

impl Producer<'_> {
    pub(super) fn run(mut self) {
        for index in 0..self.films.len() {
            let sent = match self.film(index) {
                Ok(()) => Ok(()),
                Err(Fault::Film(error)) => self.send(index, Content::Failed(error)),
                Err(Fault::Stopped) => Err(Stopped),
            };
            if sent.is_err() {
                return;
            }
        }
    }

    fn film(&mut self, index: usize) -> Result<(), Fault> {
        let (film, paths) = &self.films[index];
        let origin = self.reader.origin(film).map_err(FilmError::from)?;
        let (recipe, weights) = self.made_by;
        let precision = self.precision.unwrap_or_else(|| paths.stored_precision());
        let again = match paths.existing(&origin, recipe, weights, precision)? {
            Existing::Same => return Ok(self.send(index, Content::Kept)?),
            Existing::None => None,
            Existing::Differ(reason) => Some(reason),
        };
        let opened = self.reader.open(film).map_err(FilmError::from)?;
        let seconds = opened.seconds;
        let started = Content::Started {
            again,
            seconds,
            precision,
        };
        self.send(index, started)?;
        let format = opened.frames.format();
        let plan_error = |source| FilmError::Plan {
            path: film.path.clone(),
            source,
        };
        let frames = &self.recipe.frames;
        let plan = WindowStream::new(frames, format.time_base, opened.rate).map_err(plan_error)?;
        let claimed = match frames.fps {
            Fps::Resampled(rate) => rate,
            Fps::Native => opened
                .rate
                .ok_or(PlanError::UnknownRate)
                .map_err(plan_error)?,
        };
        let mut preprocessor = self.preprocessor.clone();
        let mut windows = FilmWindows::new(
            &film.path,
            opened.frames,
            plan,
            &mut preprocessor,
            self.layout,
        );
        while let Some((window, values)) = windows.next()? {
            self.send(index, Content::Window(window, values))?;
        }
        let report = windows.report();
        let rate = match frames.fps {
            Fps::Resampled(rate) => rate,
            Fps::Native => report.timeline.rate.unwrap_or(claimed),
        };
        let ended = Ended {
            origin,
            format,
            rate,
            report,
        };
        self.send(index, Content::Ended(Box::new(ended)))?;
        Ok(())
    }

    fn send(&self, film: usize, content: Content) -> Result<(), Stopped> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Stopped);
        }
        self.sender
            .send(Message { film, content })
            .map_err(|_| Stopped)
    }
}

enum Fault {
    Film(FilmError),
    Stopped,
}

impl From<FilmError> for Fault {
    fn from(error: FilmError) -> Self {
        Self::Film(error)
    }
}

impl From<Stopped> for Fault {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}
