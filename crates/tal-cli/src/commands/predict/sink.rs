//! The place for the results of a prediction.

use std::io::{self, Stdout};
use std::path::{Component, Path, PathBuf};

use anyhow::{Result, anyhow};
use tal_core::ClassMap;
use tal_core::atomic::AtomicFile;
use tal_data::results::{DetectedRecording, ResultFormat, ResultsWriter};
use tal_engine::predict::Unit;

use super::drafts::Drafts;
use super::target::Target;
use super::{Predicted, timeline};
use crate::args::PredictArgs;
use crate::commands::output;
use crate::console::Console;
use crate::tables;

/// Number of detections of a recording to print.
const PRINTED: usize = 20;

/// The results under way.
pub(super) struct Sink<'a> {
    place: Place,
    classes: &'a ClassMap,
    timeline: Option<timeline::Style>,
}

enum Place {
    Terminal,
    Stdout(ResultsWriter<Stdout>),
    File(PathBuf, ResultsWriter<AtomicFile>),
    Folder(PathBuf, ResultFormat),
    Drafts(Drafts),
}

impl<'a> Sink<'a> {
    pub(super) fn open(target: Target, classes: &'a ClassMap, args: &PredictArgs) -> Result<Self> {
        let place = match target {
            Target::Terminal => Place::Terminal,
            Target::Stdout(format) => {
                Place::Stdout(ResultsWriter::new(io::stdout(), format).map_err(gone)?)
            }
            Target::File(path, format) => {
                let writer = AtomicFile::create(&path)
                    .and_then(|file| ResultsWriter::new(file, format))
                    .map_err(unwritten(&path))?;
                Place::File(path, writer)
            }
            Target::Folder(folder, format) => {
                output::create_folder(&folder)?;
                Place::Folder(folder, format)
            }
            Target::Draft(path, format) => Place::Drafts(Drafts::new(path, format, args)),
        };
        Ok(Self {
            place,
            classes,
            timeline: args.timeline.then(timeline::Style::of_terminal),
        })
    }

    /// Adds a recording.
    pub(super) fn add(&mut self, unit: &Unit, found: &Predicted, console: &Console) -> Result<()> {
        let classes = self.classes;
        let id = &found.features.id;
        let file = unit.path().to_string_lossy();
        let recording = DetectedRecording {
            id,
            file: Some(&file),
            duration: found.features.duration,
            fps: Some(f64::from(found.features.grid.fps)),
            detections: &found.detections,
        };
        match &mut self.place {
            Place::Terminal if self.timeline.is_none() => print(&recording, classes, console)?,
            Place::Terminal => {}
            Place::Stdout(writer) => writer.write(&recording, classes).map_err(gone)?,
            Place::File(path, writer) => {
                writer.write(&recording, classes).map_err(unwritten(path))?;
            }
            Place::Folder(folder, format) => {
                let path = file_of(folder, id, format.name())?;
                write_one(&path, *format, &recording, classes).map_err(unwritten(&path))?;
            }
            Place::Drafts(drafts) => drafts.add(unit, &recording),
        }
        match &self.timeline {
            Some(style) => style.show(&recording, classes, console),
            None => Ok(()),
        }
    }

    /// Ends the results and says where they are.
    pub(super) fn finish(
        self,
        num_recordings: usize,
        num_detections: usize,
        console: &Console,
    ) -> Result<()> {
        if num_detections == 0 && !matches!(self.place, Place::Terminal) {
            tracing::warn!("the detector found nothing");
        }
        let path = match self.place {
            Place::Terminal => return Ok(()),
            Place::Stdout(writer) => {
                writer.finish().map_err(gone)?;
                return Ok(());
            }
            Place::File(path, writer) => {
                let done = writer.finish().and_then(AtomicFile::commit);
                done.map_err(unwritten(&path))?;
                path
            }
            Place::Folder(folder, _) => folder,
            Place::Drafts(drafts) => return drafts.write(self.classes, console),
        };
        console.print(&format!(
            "{num_detections} detections in {num_recordings} recording(s): {}",
            path.display()
        ))
    }
}

/// The file of a recording in a folder: its id, with its folders.
pub(super) fn file_of(folder: &Path, id: &str, extension: &str) -> Result<PathBuf> {
    let parts = Path::new(id).components();
    let is_plain = id.split('/').all(|part| !part.is_empty());
    if !is_plain
        || !parts
            .clone()
            .all(|part| matches!(part, Component::Normal(_)))
    {
        return Err(anyhow!(
            "recording {id:?}: its id cannot be the name of a file in {}; give --out a file for all recordings",
            folder.display()
        ));
    }
    let path = folder.join(format!("{id}.{extension}"));
    if let Some(parent) = path.parent() {
        output::create_folder(parent)?;
    }
    Ok(path)
}

fn write_one(
    path: &Path,
    format: ResultFormat,
    recording: &DetectedRecording<'_>,
    classes: &ClassMap,
) -> io::Result<()> {
    let mut writer = ResultsWriter::new(AtomicFile::create(path)?, format)?;
    writer.write(recording, classes)?;
    writer.finish()?.commit()
}

fn print(recording: &DetectedRecording<'_>, classes: &ClassMap, console: &Console) -> Result<()> {
    let found = recording.detections;
    console.print(recording.id)?;
    console.print(&tables::detections(found, classes, PRINTED))?;
    if found.len() > PRINTED {
        console.print(&format!(
            "the best {PRINTED} of {}; --out FILE writes all",
            found.len()
        ))?;
    }
    Ok(())
}

fn unwritten(path: &Path) -> impl Fn(io::Error) -> anyhow::Error {
    move |error| anyhow!("cannot write detections to {}: {error}", path.display())
}

/// An error of the standard output. If the reader has gone (`tal … | head`), the program ends without one.
fn gone(error: io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    anyhow!("cannot write to the standard output: {error}")
}
