//! The kind of a file, by its first bytes, the keys of its JSON or YAML, or its table's header.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::de::IgnoredAny;
use tal_core::{FileError, plain_list};

use crate::error::InspectError;

/// Bytes that are looked at.
const START: u64 = 64 << 10;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Npy,
    Npz,
    Hdf5,
    Safetensors,
    /// A file of `torch.save`, or a pickle.
    Pickled,
    Annotations,
    DetectionsJson,
    DetectionsTable,
    Film,
    FailedFilm,
    /// A table of numbers; with a header or without.
    NumberTable {
        header: bool,
    },
    Configuration,
}

/// Sections of a configuration.
const SECTIONS: [&str; 9] = [
    "preset",
    "dataset",
    "encoder",
    "decoder",
    "loss",
    "backtal",
    "train",
    "inference",
    "evaluation",
];

impl FileKind {
    /// The kind of a file.
    pub(crate) fn of(path: &Path) -> Result<Self, InspectError> {
        let io = FileError::at("read", path);
        let file = File::open(path).map_err(&io)?;
        let num_bytes = file.metadata().map_err(&io)?.len();
        let mut start = Vec::new();
        file.take(START).read_to_end(&mut start).map_err(&io)?;
        if let Some(kind) = binary(path, &start, num_bytes)? {
            return Ok(kind);
        }
        if start.is_empty() {
            return Err(InspectError::unknown(path, "is empty"));
        }
        let text = String::from_utf8_lossy(&start);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.starts_with('{') {
            return json(path);
        }
        if let Some(kind) = table(path, text)? {
            return Ok(kind);
        }
        yaml(path)
    }
}

fn binary(path: &Path, start: &[u8], num_bytes: u64) -> Result<Option<FileKind>, InspectError> {
    let safetensors = || {
        let len = u64::from_le_bytes(*start.first_chunk::<8>()?);
        (start.get(8) == Some(&b'{') && len < num_bytes).then_some(FileKind::Safetensors)
    };
    Ok(match start {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some(FileKind::Npy),
        [0x89, b'H', b'D', b'F', ..] => Some(FileKind::Hdf5),
        [b'P', b'K', 3, 4, ..] => Some(zip_kind(path)?),
        [0x80, 0..=5, ..] => Some(FileKind::Pickled),
        _ => safetensors(),
    })
}

/// NumPy's archives hold npy files, those of PyTorch a pickle.
fn zip_kind(path: &Path) -> Result<FileKind, InspectError> {
    let names = zip_names(path)?;
    Ok(match names.iter().any(|name| name.ends_with(".npy")) {
        true => FileKind::Npz,
        false if names.iter().any(|name| name.ends_with("data.pkl")) => FileKind::Pickled,
        false => {
            let reason = "is a zip archive, but neither NumPy's nor PyTorch's; unpack it and inspect its files";
            return Err(InspectError::unknown(path, reason));
        }
    })
}

/// Names of the files in a zip archive.
pub(crate) fn zip_names(path: &Path) -> Result<Vec<String>, InspectError> {
    let file = File::open(path).map_err(FileError::at("read", path))?;
    let damaged = |error: zip::result::ZipError| {
        let reason =
            format!("is a damaged zip archive ({error}); it may be truncated, fetch it again");
        InspectError::unknown(path, reason)
    };
    let archive = zip::ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    let names = archive.file_names();
    let names = names.map(|name| name.map(|name| name.into_owned()).map_err(damaged));
    names.collect()
}

fn json(path: &Path) -> Result<FileKind, InspectError> {
    let file = File::open(path).map_err(FileError::at("read", path))?;
    let keys: BTreeMap<String, IgnoredAny> = serde_json::from_reader(BufReader::new(file))
        .map_err(|error| {
            InspectError::unknown(
                path,
                format!("is no whole JSON file: {error}; it may be truncated"),
            )
        })?;
    let has = |names: &[&str]| names.iter().all(|name| keys.contains_key(*name));
    if has(&["database"]) {
        Ok(FileKind::Annotations)
    } else if has(&["results"]) {
        Ok(FileKind::DetectionsJson)
    } else if has(&["layout", "source", "recipe", "features"]) {
        Ok(FileKind::Film)
    } else if has(&["name", "error"]) && keys.len() == 2 {
        Ok(FileKind::FailedFilm)
    } else {
        let reason = format!(
            "is JSON with {}, which is no kind that is known here; `tal data convert annotations` reads annotation files of \
             other programs",
            plain_list(keys.keys())
        );
        Err(InspectError::unknown(path, reason))
    }
}

fn table(path: &Path, text: &str) -> Result<Option<FileKind>, InspectError> {
    let mut lines = text.lines();
    let Some(first) = lines.next().filter(|line| line.contains([',', '\t'])) else {
        return Ok(None);
    };
    let cells: Vec<&str> = first
        .split([',', '\t'])
        .map(|cell| cell.trim().trim_matches('"'))
        .collect();
    let has = |names: [&str; 2]| names.iter().any(|name| cells.contains(name));
    let is_number = |cell: &str| cell.trim().parse::<f64>().is_ok();
    if has(["start", "t-start"]) && has(["end", "t-end"]) {
        if cells.contains(&"score") {
            return Ok(Some(FileKind::DetectionsTable));
        }
        let reason = "is a table of annotations; `tal data convert annotations --from csv` makes an annotation file of it";
        return Err(InspectError::unknown(path, reason));
    }
    if cells.iter().all(|cell| is_number(cell)) {
        return Ok(Some(FileKind::NumberTable { header: false }));
    }
    let below = lines.next().filter(|line| line.contains(','));
    let is_row = below.is_some_and(|line| line.split(',').all(is_number));
    Ok(is_row.then_some(FileKind::NumberTable { header: true }))
}

fn yaml(path: &Path) -> Result<FileKind, InspectError> {
    let known = "known are checkpoints, configurations, features, annotations, detections, descriptions of films and run folders";
    let text = std::fs::read(path).map_err(FileError::at("read", path))?;
    let keys = String::from_utf8(text).ok();
    let keys = keys
        .and_then(|text| serde_yaml::from_str::<BTreeMap<String, serde_yaml::Value>>(&text).ok());
    let Some(keys) = keys else {
        return Err(InspectError::unknown(
            path,
            format!("is of no kind that is known; {known}"),
        ));
    };
    if keys.keys().all(|key| SECTIONS.contains(&key.as_str())) && !keys.is_empty() {
        return Ok(FileKind::Configuration);
    }
    let hint = if keys.contains_key("variants") {
        "; it looks like a plan, which `tal ablate` trains".to_owned()
    } else if keys.contains_key("network") || keys.contains_key("frames") {
        "; it looks like a recipe of features, which `tal features extract` takes".to_owned()
    } else {
        format!("; {known}")
    };
    let reason = format!(
        "is YAML with {}, no configuration{hint}",
        plain_list(keys.keys())
    );
    Err(InspectError::unknown(path, reason))
}
