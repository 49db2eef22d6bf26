//! The folder of clips, complete or empty.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use tal_core::atomic::write_atomic;

use super::{ClipError, Clips, SubsetReport};
use tal_data::annotations;

/// Lets `fill` write clips into a folder of the name `features`, adds the other files, and moves all into `out`.
pub(super) fn write(
    out: &Path,
    features: &str,
    fill: impl FnOnce(&Path) -> Result<Clips, ClipError>,
) -> Result<Vec<SubsetReport>, ClipError> {
    let is_new = !out.exists();
    io(out, fs::create_dir_all(out))?;
    if io(out, fs::read_dir(out))?.next().is_some() {
        return Err(ClipError::NotEmpty {
            path: out.to_owned(),
        });
    }
    // The annotations last: where they are, all is.
    let names = [features, "dataset.yaml", "clicks.json", "annotations.json"];
    let result = make(out, &names, fill);
    if result.is_err() {
        // What was moved already is worth nothing alone; the first error is the one to report.
        for name in names {
            let path = out.join(name);
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
        if is_new {
            let _ = fs::remove_dir(out);
        }
    }
    result
}

fn make(
    out: &Path,
    names: &[&str; 4],
    fill: impl FnOnce(&Path) -> Result<Clips, ClipError>,
) -> Result<Vec<SubsetReport>, ClipError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".partial-");
    let partial = io(out, builder.tempdir_in(out))?;
    let [features, overlay, clicks, annotations] = names.map(|name| partial.path().join(name));
    io(&features, fs::create_dir(&features))?;
    let clips = fill(&features)?;
    io(&overlay, fs::write(&overlay, &clips.overlay))?;
    if let Some(all) = &clips.clicks {
        all.write(&clicks)?;
    }
    let document = document(&clips);
    let written = write_atomic(&annotations, |out| {
        serde_json::to_writer_pretty(&mut *out, &document)?;
        out.write_all(b"\n")
    });
    io(&annotations, written)?;
    for name in names {
        let from = partial.path().join(name);
        if from.exists() {
            let to = out.join(name);
            io(&to, fs::rename(from, &to))?;
        }
    }
    Ok(clips.reports)
}

/// The annotation file with the remainders of actions.
fn document(clips: &Clips) -> Value {
    let mut document = annotations::to_json(&clips.truth, "clips-1");
    for (id, remainders) in &clips.cut_off {
        let list = remainders.iter().map(|action| {
            json!({
                "segment": [action.segment.start, action.segment.end],
                "label": clips.truth.classes.display_name(action.label),
            })
        });
        document["database"][id.as_str()]["cut_off"] = list.collect();
    }
    document
}

fn io<T>(path: &Path, result: io::Result<T>) -> Result<T, ClipError> {
    result.map_err(|source| ClipError::Io {
        path: path.to_owned(),
        source,
    })
}
