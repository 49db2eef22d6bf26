//! Measures of neighbouring fields, by name.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde::Deserialize;
use tal_core::{Detection, Instance, Recording};
use tal_postprocess::measures::{
    EventConfig, FrameRate, LabRecording, LabelledRecording, Labelling, ScoredRecording,
    SegmentationConfig, SpottingConfig, agreement, bouts, event_scores, frame_map, frame_scores,
    mabe_f_beta, misalignment, segmentation, spotting,
};

use crate::annotations::Annotations;
use crate::detections::Detections;
use crate::evaluation::{figures, options};
use crate::guard::failing;

/// Options that several measures share.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Shared {
    /// Frames per second at which frames are compared.
    frame_rate: f64,
    /// How detections become labels.
    labelling: Labelling,
    /// Lowest score of a detection that becomes a label.
    min_score: f64,
    /// Weight of recall.
    beta: f64,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            frame_rate: 10.0,
            labelling: Labelling::Single,
            min_score: 0.0,
            beta: 1.0,
        }
    }
}

/// A recording with its labels.
struct Labelled<'a> {
    truth: &'a [Instance],
    found: Vec<Instance>,
    rows: &'a [Detection],
    duration: f64,
}

/// The figures of a measure; `rules` are its own options.
#[pyfunction]
#[allow(
    clippy::too_many_arguments,
    reason = "the Python function has keywords with defaults"
)]
pub(crate) fn measure<'py>(
    py: Python<'py>,
    name: &str,
    annotations: &Annotations,
    detections: &Detections,
    shared: &Bound<'py, PyAny>,
    rules: &Bound<'py, PyAny>,
    subsets: Option<Vec<String>>,
    labs: Option<Vec<u32>>,
) -> PyResult<Bound<'py, PyAny>> {
    let shared: Shared = options(name, shared)?;
    let recordings = annotations.truth.recordings.iter().filter(|recording| {
        let subset = recording.subset.to_lowercase();
        subsets
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| name.to_lowercase() == subset))
    });
    let all: Vec<Labelled<'_>> = recordings
        .map(|recording| labelled(recording, detections, &shared))
        .collect();
    if all.is_empty() {
        return Err(PyValueError::new_err(
            "annotations has no recording of the wanted subset; `annotations.subsets` lists them",
        ));
    }
    let plain: Vec<LabelledRecording<'_>> = all
        .iter()
        .map(|one| LabelledRecording {
            truth: one.truth,
            found: &one.found,
            duration: one.duration,
        })
        .collect();
    let scored: Vec<ScoredRecording<'_>> = all
        .iter()
        .map(|one| ScoredRecording {
            truth: one.truth,
            found: one.rows,
            duration: one.duration,
        })
        .collect();
    let rate = || FrameRate::new(shared.frame_rate);
    match name {
        "frame_scores" => figures(py, &failing(py, || frame_scores(&plain, rate()?))?),
        "frame_map" => figures(py, &failing(py, || frame_map(&scored, rate()?))?),
        "segmentation" => {
            let given: Segments = options(name, rules)?;
            let rules = given.into();
            figures(py, &failing(py, || segmentation(&plain, rate()?, &rules))?)
        }
        "event_scores" => {
            let rules: EventConfig = options(name, rules)?;
            figures(py, &failing(py, || event_scores(&plain, &rules))?)
        }
        "spotting" => {
            let rules: SpottingConfig = options(name, rules)?;
            figures(py, &failing(py, || spotting(&scored, &rules))?)
        }
        "mabe_f_beta" => {
            let labs = labs.unwrap_or_else(|| vec![0; plain.len()]);
            if labs.len() != plain.len() {
                return Err(PyValueError::new_err(format!(
                    "labs has {} numbers, must have {}: the laboratory of each recording",
                    labs.len(),
                    plain.len()
                )));
            }
            let of_labs: Vec<LabRecording<'_>> = plain
                .iter()
                .zip(labs)
                .map(|(recording, lab)| LabRecording {
                    recording: *recording,
                    lab,
                    annotated_classes: None,
                })
                .collect();
            let work = || mabe_f_beta(&of_labs, rate()?, shared.beta);
            figures(py, &failing(py, work)?)
        }
        "misalignment" => figures(py, &failing(py, || misalignment(&plain))?),
        "bouts" => figures(py, &failing(py, || bouts(&plain))?),
        "agreement" => {
            let work = || agreement(&plain, rate()?);
            figures(py, &failing(py, work)?)
        }
        _ => Err(PyValueError::new_err(format!(
            "there is no measure {name:?}; see tal.measures"
        ))),
    }
}

/// Options of a segmentation, all of which may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Segments {
    overlaps: Option<Vec<f64>>,
    background: Option<tal_postprocess::measures::Background>,
}

impl From<Segments> for SegmentationConfig {
    fn from(given: Segments) -> Self {
        let usual = Self::default();
        Self {
            overlaps: given.overlaps.unwrap_or(usual.overlaps),
            background: given.background.unwrap_or(usual.background),
        }
    }
}

fn labelled<'a>(
    recording: &'a Recording,
    detections: &'a Detections,
    shared: &Shared,
) -> Labelled<'a> {
    let rows = detections
        .set
        .get(&recording.id)
        .map_or(&[][..], Vec::as_slice);
    // As the program does: the last end, if the length is not known.
    let ends = recording.instances.iter().map(|row| row.segment.end);
    let last = ends.chain(rows.iter().map(|row| row.segment.end));
    let duration = recording
        .duration
        .unwrap_or_else(|| last.fold(0.0, f64::max));
    Labelled {
        truth: &recording.instances,
        found: shared.labelling.apply(rows, shared.min_score),
        rows,
        duration,
    }
}
