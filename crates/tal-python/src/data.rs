//! Annotations and detections in files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tal_core::ClassMap;
use tal_corpus::export::{write_activity_net, write_csv};
use tal_corpus::source::{self, SourceFormat, SourceOptions};
use tal_data::{annotations as shared, results};
use tal_exchange::{Format, ReadOptions, WriteOptions};

use crate::annotations::Annotations;
use crate::detections::Detections;
use crate::guard::{failing, raised};

/// Names of the formats in which annotations are read: those of publishers, then those of annotation tools that are not
/// among them.
#[pyfunction]
pub(crate) fn annotation_formats() -> Vec<&'static str> {
    let mut names: Vec<&str> = SourceFormat::all().map(SourceFormat::name).collect();
    for format in tal_exchange::FORMATS {
        if !names.contains(&format.name) {
            names.push(format.name);
        }
    }
    names
}

/// Annotations of files in a publisher's format.
#[pyfunction]
#[pyo3(signature = (paths, format, fps=None, subset=None, drop_classes=Vec::new(), all_labels=false, strict=false, point_width=None))]
#[allow(
    clippy::too_many_arguments,
    reason = "the Python function has keywords with defaults"
)]
pub(crate) fn read_annotations(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    format: &str,
    fps: Option<f64>,
    subset: Option<String>,
    drop_classes: Vec<String>,
    all_labels: bool,
    strict: bool,
    point_width: Option<f64>,
) -> PyResult<Annotations> {
    let options = SourceOptions {
        fps,
        default_subset: subset,
        drop_classes,
        all_labels,
        strict,
        ..SourceOptions::default()
    };
    let converted = match (SourceFormat::of_name(format), Format::of_name(format)) {
        (Some(known), _) => failing(py, || source::read(known, &paths, &options))?,
        (None, Some(tool)) => {
            let reading = ReadOptions {
                fps,
                ..ReadOptions::default()
            };
            let project = failing(py, || tal_exchange::read(Some(tool), &paths, &reading))?;
            let origin = paths.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
            failing(py, || {
                source::from_project(&project, origin, point_width, &options)
            })?
        }
        (None, None) => return Err(unknown(format, &annotation_formats())),
    };
    Ok(Annotations {
        truth: converted.truth,
    })
}

/// Writes annotations: `json` (the shared layout), `activitynet` or `csv`.
#[pyfunction]
pub(crate) fn write_annotations(
    py: Python<'_>,
    path: PathBuf,
    annotations: &Annotations,
    format: &str,
    version: &str,
) -> PyResult<()> {
    let truth = &annotations.truth;
    match format {
        "json" => failing(py, || shared::write(&path, truth, version)),
        "activitynet" => failing(py, || write_activity_net(&path, truth, version)),
        "csv" => failing(py, || write_csv(&path, truth)),
        _ => {
            let Some(tool) = Format::of_name(format) else {
                let tools = tal_exchange::FORMATS.iter().map(|format| format.name);
                let names: Vec<&str> = ["json", "activitynet", "csv"]
                    .into_iter()
                    .chain(tools)
                    .collect();
                return Err(unknown(format, &names));
            };
            let project = tal_exchange::project_of(truth);
            let options = WriteOptions::default();
            failing(py, || tal_exchange::write(tool, &project, &path, &options)).map(|_| ())
        }
    }
}

/// Detections of a file; its extension says how.
#[pyfunction]
pub(crate) fn read_detections(
    py: Python<'_>,
    path: PathBuf,
    classes: BTreeMap<u32, String>,
) -> PyResult<Detections> {
    let mut map = ClassMap::default();
    for (id, name) in classes {
        map.insert(id, name).map_err(|error| raised(&error))?;
    }
    let set = failing(py, || results::read(&path, &map))?;
    Ok(Detections { set, classes: map })
}

/// Writes detections; the extension says how.
#[pyfunction]
pub(crate) fn write_detections(
    py: Python<'_>,
    path: PathBuf,
    detections: &Detections,
) -> PyResult<()> {
    failing(py, || {
        results::write(&path, &detections.set, &detections.classes)
    })
}

fn unknown(format: &str, names: &[&str]) -> PyErr {
    PyValueError::new_err(format!(
        "format is {format:?}, must be one of {}",
        names.join(", ")
    ))
}
