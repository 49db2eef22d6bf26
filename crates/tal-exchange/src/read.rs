//! Files of annotation tools read, whatever their format.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use tal_core::quoted_list;
use tal_data::text::{self, TextFileError};

use super::format::Format;
use super::model::{Project, Track};
use super::options::{IdSource, ReadOptions, stem};
use super::recognise::recognise;
use super::table::{FORMATS, names};
use super::{Event, ExchangeError};

/// Largest content of a compressed file.
const LARGEST: u64 = 1 << 30;

/// Reads annotations of tools; of a folder the files whose names end as those of the format do. Without a format each file's
/// content says which one it is.
///
/// # Errors
/// A file that is missing, unreadable, of no known format or not of the given one, each with the place and what would be right;
/// a folder without files of the format; a recording that occurs twice; an option that names something that does not occur.
pub fn read(
    format: Option<&Format>,
    inputs: &[PathBuf],
    options: &ReadOptions,
) -> Result<Project, ExchangeError> {
    let mut files = Vec::new();
    for input in inputs {
        for path in expand(format, input)? {
            let bytes = content(&path)?;
            files.push((path, bytes));
        }
    }
    parse(format, &files, options)
}

/// [`read`] of files' contents; the name of a file may be the id of its recording, as on disk.
///
/// # Errors
/// Those of [`read`], except for those of the file system.
pub fn parse(
    format: Option<&Format>,
    files: &[(PathBuf, Vec<u8>)],
    options: &ReadOptions,
) -> Result<Project, ExchangeError> {
    let mut all = Project::default();
    let mut classes = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (path, bytes) in files {
        let bytes = unpacked(bytes, path)?;
        let bytes = text::decode(&bytes);
        let found = match format {
            Some(format) => format,
            None => recognise(&bytes, path)?,
        };
        let read = found.read.ok_or_else(|| ExchangeError::OneWay {
            format: found.name,
            verb: "read",
            others: names(Format::can_read),
        })?;
        let project = read(&bytes, path, options)?;
        classes.extend(project.classes);
        for (what, count) in project.unread {
            all.leave_out(what, count);
        }
        for mut track in project.tracks {
            if options.ids == IdSource::Media {
                match &track.media {
                    Some(media) => track.id = stem(media).to_owned(),
                    None => {
                        return Err(ExchangeError::Needed {
                            path: path.clone(),
                            what: format!("recording {:?} names no film or sound", track.id),
                            option: "leave out --ids media",
                        });
                    }
                }
            }
            match places.get(&track.id) {
                None => {
                    places.insert(track.id.clone(), all.tracks.len());
                    all.tracks.push(track);
                }
                Some(place) if options.ids == IdSource::Media => {
                    join(&mut all.tracks[*place], track);
                }
                Some(_) => {
                    let (path, id) = (path.clone(), track.id);
                    return Err(ExchangeError::RepeatedRecording { path, id });
                }
            }
        }
    }
    let project = chosen(all, options)?;
    let unread = project.unread;
    let mut project = Project::with_classes(classes, project.tracks);
    if options.modifiers_in_class {
        // Classes of a list would stand beside those with modifiers, without any event.
        let used: BTreeSet<&String> = project
            .tracks
            .iter()
            .flat_map(|t| &t.events)
            .map(|e| &e.class)
            .collect();
        let kept = project.classes.iter().filter(|class| used.contains(class));
        project.classes = kept.cloned().collect();
    }
    project.unread = unread;
    Ok(project)
}

/// The content of a file, decoded to UTF-8 and unpacked.
///
/// # Errors
/// A file that is missing or unreadable.
pub fn content(path: &Path) -> Result<Vec<u8>, ExchangeError> {
    let bytes = std::fs::read(path).map_err(|source| TextFileError::Read {
        path: path.to_owned(),
        source,
    })?;
    let bytes = unpacked(&bytes, path)?;
    Ok(text::decode(&bytes).into_owned())
}

/// Adds the events of another observation of the same film.
fn join(track: &mut Track, other: Track) {
    track.events.extend(other.events);
    track.duration = track.duration.or(other.duration);
    track.fps = track.fps.or(other.fps);
}

/// The events that the options ask for, with modifiers in the class if they are to be.
fn chosen(mut project: Project, options: &ReadOptions) -> Result<Project, ExchangeError> {
    let subject = |event: &Event| event.subject.clone();
    let annotator = |event: &Event| event.annotator.clone();
    for (option, names, of) in [
        (
            "--subject",
            &options.subjects,
            &subject as &dyn Fn(&Event) -> Option<String>,
        ),
        ("--annotator", &options.annotators, &annotator),
    ] {
        if names.is_empty() {
            continue;
        }
        let present: BTreeSet<String> = project.events().filter_map(of).collect();
        if let Some(name) = names.iter().find(|name| !present.contains(*name)) {
            return Err(ExchangeError::Absent {
                option,
                name: name.clone(),
                present: quoted_list(present),
            });
        }
        for track in &mut project.tracks {
            track
                .events
                .retain(|event| of(event).is_some_and(|name| names.contains(&name)));
        }
    }
    if options.modifiers_in_class {
        for event in project
            .tracks
            .iter_mut()
            .flat_map(|track| &mut track.events)
        {
            if !event.modifiers.is_empty() {
                let modifiers = std::mem::take(&mut event.modifiers);
                event.class = format!("{}:{}", event.class, modifiers.join(","));
            }
        }
    }
    Ok(project)
}

/// A file itself, of a folder the files that end as those of the format do.
fn expand(format: Option<&Format>, input: &Path) -> Result<Vec<PathBuf>, ExchangeError> {
    if !input.is_dir() {
        return Ok(vec![input.to_owned()]);
    }
    let files = text::entries(input, |path| {
        let fits = |one: &Format| one.can_read() && one.has_extension(path);
        let fits = match format {
            Some(format) => fits(format),
            None => FORMATS.iter().any(|one| fits(one)),
        };
        fits && path.is_file()
    })?;
    if files.is_empty() {
        let of = |format: &Format| format.extensions.iter().map(|e| format!(".{e}")).collect();
        let endings: BTreeSet<String> = match format {
            Some(format) => of(format),
            None => FORMATS
                .iter()
                .flat_map(|one| -> Vec<String> {
                    one.extensions.iter().map(|e| format!(".{e}")).collect()
                })
                .collect(),
        };
        return Err(ExchangeError::NoFiles {
            path: input.to_owned(),
            expected: Vec::from_iter(endings).join(" or "),
        });
    }
    Ok(files)
}

/// The content of a file that may be compressed with gzip.
fn unpacked<'a>(bytes: &'a [u8], path: &Path) -> Result<std::borrow::Cow<'a, [u8]>, ExchangeError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.into());
    }
    let mut content = Vec::new();
    let mut packed = flate2::read::MultiGzDecoder::new(bytes).take(LARGEST + 1);
    if let Err(error) = packed.read_to_end(&mut content) {
        let found = error.to_string();
        return Err(ExchangeError::part(
            path,
            "compressed content",
            &found,
            "a whole gzip file",
        ));
    }
    if content.len() as u64 > LARGEST {
        return Err(ExchangeError::part(
            path,
            "compressed content",
            "more than 1 GiB",
            "a smaller file; unpack it and read it in parts",
        ));
    }
    Ok(content.into())
}
