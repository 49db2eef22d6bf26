//! Detections as drafts for annotation tools.

use std::path::PathBuf;

use anyhow::Result;
use tal_core::{ClassMap, Detection};
use tal_data::results::DetectedRecording;
use tal_engine::predict::Unit;
use tal_exchange::drafts::{self, DraftOptions, DraftRecording};
use tal_exchange::{Format, WriteOptions};

use crate::args::PredictArgs;
use crate::console::Console;

/// Recordings that wait for the end: files of some tools hold all of them.
pub(super) struct Drafts {
    out: PathBuf,
    format: &'static Format,
    options: DraftOptions,
    recordings: Vec<Found>,
}

struct Found {
    id: String,
    duration: Option<f64>,
    fps: Option<f64>,
    media: Option<String>,
    detections: Vec<Detection>,
}

impl Drafts {
    pub(super) fn new(out: PathBuf, format: &'static Format, args: &PredictArgs) -> Self {
        Self {
            out,
            format,
            options: DraftOptions {
                one_at_a_time: args.one_at_a_time,
                write: WriteOptions {
                    media: args.media.clone(),
                    ..WriteOptions::default()
                },
                ..DraftOptions::default()
            },
            recordings: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, unit: &Unit, recording: &DetectedRecording<'_>) {
        let media = match unit {
            Unit::Film(film) => Some(film.path.to_string_lossy().into_owned()),
            Unit::Features { .. } => None,
        };
        self.recordings.push(Found {
            id: recording.id.to_owned(),
            duration: recording.duration,
            fps: recording.fps,
            media,
            detections: recording.detections.to_vec(),
        });
    }

    pub(super) fn write(self, classes: &ClassMap, console: &Console) -> Result<()> {
        let recordings: Vec<DraftRecording<'_>> = self
            .recordings
            .iter()
            .map(|found| DraftRecording {
                id: &found.id,
                duration: found.duration,
                fps: found.fps,
                media: found.media.clone(),
                detections: &found.detections,
            })
            .collect();
        let written = drafts::write(self.format, &recordings, classes, &self.out, &self.options)?;
        if let Some(losses) = &written.losses {
            tracing::warn!("{losses}");
        }
        console.print(&format!(
            "{} events in {} recording(s), {} file(s) for {}: {}",
            written.num_events,
            recordings.len(),
            written.paths.len(),
            self.format.title,
            self.out.display()
        ))
    }
}
