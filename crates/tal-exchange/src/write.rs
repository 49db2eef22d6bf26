//! Annotations written in the formats of tools.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tal_core::GroundTruth;
use tal_core::atomic::write_atomic;

use super::format::{Format, Layout};
use super::model::{Event, Project, Track};
use super::names::{self, clean, file_name};
use super::table;
use super::{ExchangeError, WriteOptions};

/// Name of the file of a format with [`Layout::Together`], without ending.
const TOGETHER: &str = "annotations";

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Name of the file.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// The files of a format, in the order of the recordings; a single one, named `annotations`, if the format holds all together.
/// A file that the tool needs besides follows behind them.
///
/// # Errors
/// A format that cannot be written; recordings whose ids give one name; something that the format cannot say at all.
pub fn files(
    format: &Format,
    project: &Project,
    options: &WriteOptions,
) -> Result<Vec<OutputFile>, ExchangeError> {
    let write = format.write.ok_or_else(|| ExchangeError::OneWay {
        format: format.name,
        verb: "written",
        others: table::names(Format::can_write),
    })?;
    let project = cleaned(project);
    if !format.carries.spaces {
        names::check(format.title, &project)?;
    }
    let extension = format.extensions.first().copied().unwrap_or("txt");
    if let Layout::Together = format.layout {
        let name = match format.file_name {
            Some(name) => name.to_owned(),
            None => format!("{TOGETHER}.{extension}"),
        };
        let content = write(&project, options)?;
        let beside = beside(format, &name, &project, options)?;
        let mut files = vec![OutputFile { name, content }];
        files.extend(beside);
        return Ok(files);
    }
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    let mut all = Vec::new();
    for (id, tracks) in parts(format.layout, project.tracks) {
        let pattern = format
            .file_name
            .map_or_else(|| format!("{{id}}.{extension}"), str::to_owned);
        let name = pattern.replace("{id}", &file_name(&id));
        // Some file systems do not tell upper from lower case.
        if let Some(first) = taken.insert(name.to_lowercase(), id.clone()) {
            let second = id;
            return Err(ExchangeError::SameFile {
                first,
                second,
                name,
            });
        }
        let one = Project {
            classes: project.classes.clone(),
            tracks,
            unread: BTreeMap::new(),
        };
        let content = write(&one, options)?;
        all.push(OutputFile { name, content });
    }
    Ok(all)
}

/// Recordings that share a file, with the text that names it.
fn parts(layout: Layout, tracks: Vec<Track>) -> Vec<(String, Vec<Track>)> {
    let mut parts: Vec<(String, Vec<Track>)> = Vec::new();
    for track in tracks {
        let id = match layout {
            Layout::Grouped(group) => group(&track.id).to_owned(),
            _ => track.id.clone(),
        };
        match parts.iter_mut().find(|(known, _)| *known == id) {
            Some((_, tracks)) if matches!(layout, Layout::Grouped(_)) => tracks.push(track),
            _ => parts.push((id, vec![track])),
        }
    }
    parts
}

/// The file that stands beside annotations named `name`.
fn beside(
    format: &Format,
    name: &str,
    project: &Project,
    options: &WriteOptions,
) -> Result<Option<OutputFile>, ExchangeError> {
    let Some(beside) = &format.beside else {
        return Ok(None);
    };
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    Ok(Some(OutputFile {
        name: format!("{stem}{}", beside.suffix),
        content: (beside.write)(project, options)?,
    }))
}

/// Writes annotations: to `out` itself if it ends as files of the format do, else into the folder `out`, which is made.
/// Returns the files; existing ones are replaced.
///
/// # Errors
/// Those of [`files`]; several recordings for a file that holds one; a file or folder that cannot be written.
pub fn write(
    format: &Format,
    project: &Project,
    out: &Path,
    options: &WriteOptions,
) -> Result<Vec<PathBuf>, ExchangeError> {
    let mut files = files(format, project, options)?;
    let mut paths: Vec<PathBuf> = files.iter().map(|file| out.join(&file.name)).collect();
    if format.has_extension(out) && !out.is_dir() {
        let num_besides = usize::from(format.beside.is_some());
        if files.len() > 1 + num_besides {
            return Err(ExchangeError::OneRecording {
                path: out.to_owned(),
                format: format.name,
                count: files.len(),
            });
        }
        if let Some(beside) = paths.get_mut(1) {
            let stem = out.file_stem().unwrap_or_default().to_string_lossy();
            let suffix = format.beside.as_ref().map_or("", |beside| beside.suffix);
            *beside = out.with_file_name(format!("{stem}{suffix}"));
        }
        paths
            .iter_mut()
            .take(1)
            .for_each(|path| *path = out.to_owned());
        if out.to_string_lossy().to_lowercase().ends_with(".gz") {
            (files.iter_mut().take(1)).for_each(|file| file.content = packed(&file.content));
        }
    } else {
        std::fs::create_dir_all(out).map_err(at(out))?;
    }
    for (path, file) in paths.iter().zip(&files) {
        write_atomic(path, |to| to.write_all(&file.content)).map_err(at(path))?;
    }
    Ok(paths)
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> ExchangeError + use<> {
    let path = path.to_owned();
    |source| ExchangeError::Write { path, source }
}

fn packed(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Memory does not fail.
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default()
}

/// The annotations of a data set, for a tool.
pub fn project_of(truth: &GroundTruth) -> Project {
    let tracks = (truth.recordings.iter()).map(|recording| Track {
        id: recording.id.clone(),
        duration: recording.duration,
        fps: recording.fps,
        media: None,
        events: (recording.instances.iter())
            .map(|one| {
                let class = truth.classes.display_name(one.label);
                Event::new(class, one.segment.start, one.segment.end)
            })
            .collect(),
    });
    let classes = truth.classes.iter().map(|(_, name)| name.to_owned());
    Project::with_classes(classes.collect(), tracks.collect())
}

/// The project with names that every format can hold, and without times before 0.
fn cleaned(project: &Project) -> Project {
    let mut tracks = project.tracks.clone();
    for event in tracks.iter_mut().flat_map(|track| &mut track.events) {
        event.class = clean(&event.class);
        event.start = event.start.max(0.0);
        event.end = event.end.map(|end| end.max(event.start));
        let texts = [&mut event.subject, &mut event.annotator, &mut event.comment];
        for text in texts {
            *text = text
                .take()
                .map(|text| clean(&text))
                .filter(|text| !text.is_empty());
        }
        event
            .modifiers
            .iter_mut()
            .for_each(|text| *text = clean(text));
    }
    let classes = project.classes.iter().map(|class| clean(class)).collect();
    Project::with_classes(classes, tracks)
}
