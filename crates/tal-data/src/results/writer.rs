//! A file of detections, written recording by recording.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use tal_core::atomic::AtomicFile;
use tal_core::{ClassMap, Detection, DetectionSet};

use super::columns::COLUMNS;
use super::{ResultFormat, ResultsError};

/// A recording and its detections.
///
/// # Units
/// Seconds; `fps` in frames per second.
#[derive(Debug, Clone, Copy, Default)]
pub struct DetectedRecording<'a> {
    /// Id of the recording.
    pub id: &'a str,
    /// The file of its features, or the video; only JSON Lines have it.
    pub file: Option<&'a str>,
    /// Its length; only JSON Lines have it.
    pub duration: Option<f64>,
    /// Its frame rate; only JSON Lines have it.
    pub fps: Option<f64>,
    /// What was found.
    pub detections: &'a [Detection],
}

#[derive(Serialize)]
struct Line<'a> {
    recording: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fps: Option<f64>,
    detections: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    score: f64,
    segment: [f64; 2],
}

#[derive(Serialize)]
struct Row<'a> {
    recording: &'a str,
    start: f64,
    end: f64,
    label: String,
    score: f64,
}

/// A writer that takes recordings one by one and holds none of them.
///
/// Classes are written by their names, proposals without a class without a label. What is written to `out` is complete only
/// after [`ResultsWriter::finish`].
pub struct ResultsWriter<W: Write> {
    out: W,
    format: ResultFormat,
    num_recordings: u64,
}

impl<W: Write> ResultsWriter<W> {
    /// A writer to `out`, with the head of the format.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W, format: ResultFormat) -> io::Result<Self> {
        match format {
            ResultFormat::ActivityNet => {
                out.write_all(b"{\"version\":\"VERSION 1.3\",\"results\":{")?;
            }
            ResultFormat::Csv | ResultFormat::Tsv => {
                rows(&mut out, format, |table| Ok(table.write_record(COLUMNS)?))?;
            }
            ResultFormat::JsonLines => {}
        }
        Ok(Self {
            out,
            format,
            num_recordings: 0,
        })
    }

    /// Adds a recording and flushes, so that a reader of `out` sees it at once.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(
        &mut self,
        recording: &DetectedRecording<'_>,
        classes: &ClassMap,
    ) -> io::Result<()> {
        match self.format {
            ResultFormat::ActivityNet => {
                if self.num_recordings > 0 {
                    self.out.write_all(b",")?;
                }
                serde_json::to_writer(&mut self.out, recording.id)?;
                self.out.write_all(b":")?;
                serde_json::to_writer(&mut self.out, &entries(recording.detections, classes))?;
            }
            ResultFormat::JsonLines => {
                serde_json::to_writer(&mut self.out, &line(recording, classes))?;
                self.out.write_all(b"\n")?;
            }
            ResultFormat::Csv | ResultFormat::Tsv => rows(&mut self.out, self.format, |table| {
                for detection in recording.detections {
                    table.serialize(Row {
                        recording: recording.id,
                        start: detection.segment.start,
                        end: detection.segment.end,
                        label: name(detection, classes).unwrap_or_default(),
                        score: detection.score,
                    })?;
                }
                Ok(())
            })?,
        }
        self.num_recordings += 1;
        self.out.flush()
    }

    /// Writes the end of the format and gives `out` back.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(mut self) -> io::Result<W> {
        if self.format == ResultFormat::ActivityNet {
            self.out.write_all(b"},\"external_data\":{}}\n")?;
        }
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A recording as a line of JSON Lines, without the line feed.
///
/// # Errors
/// If a number is not finite.
pub fn json_line(recording: &DetectedRecording<'_>, classes: &ClassMap) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(&line(recording, classes))?)
}

fn line<'a>(recording: &DetectedRecording<'a>, classes: &ClassMap) -> Line<'a> {
    Line {
        recording: recording.id,
        file: recording.file,
        duration: recording.duration,
        fps: recording.fps,
        detections: entries(recording.detections, classes),
    }
}

fn entries(detections: &[Detection], classes: &ClassMap) -> Vec<Entry> {
    let entry = |detection: &Detection| Entry {
        label: name(detection, classes),
        score: detection.score,
        segment: [detection.segment.start, detection.segment.end],
    };
    detections.iter().map(entry).collect()
}

fn name(detection: &Detection, classes: &ClassMap) -> Option<String> {
    (detection.label != Detection::NO_CLASS).then(|| classes.display_name(detection.label))
}

/// Adds rows of a table; the writer lives no longer than they, so that nothing waits in its buffer.
fn rows<W: Write>(
    out: &mut W,
    format: ResultFormat,
    fill: impl FnOnce(&mut csv::Writer<&mut W>) -> io::Result<()>,
) -> io::Result<()> {
    let delimiter = match format {
        ResultFormat::Tsv => b'\t',
        _ => b',',
    };
    let mut table = csv::WriterBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_writer(out);
    fill(&mut table)?;
    table.flush()
}

/// Writes all recordings of a set in their order; an existing file is replaced at once.
pub(super) fn write_set(
    path: &Path,
    format: ResultFormat,
    detections: &DetectionSet,
    classes: &ClassMap,
) -> Result<(), ResultsError> {
    let write = || -> io::Result<()> {
        let mut writer = ResultsWriter::new(AtomicFile::create(path)?, format)?;
        for (id, rows) in detections {
            let recording = DetectedRecording {
                id,
                detections: rows,
                ..DetectedRecording::default()
            };
            writer.write(&recording, classes)?;
        }
        writer.finish()?.commit()
    };
    write().map_err(|source| ResultsError::Write {
        path: path.to_owned(),
        source,
    })
}
