//! Detections of several recordings, as a Python class.

use std::collections::BTreeMap;

use numpy::ToPyArray;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tal_core::{ClassMap, Detection, DetectionSet, Segment};

use crate::annotations::html_table;
use crate::columns::{column, labels};
use crate::guard::raised;

/// Detections of several recordings, see the stub file.
#[pyclass(frozen, module = "tal")]
#[derive(Debug)]
pub(crate) struct Detections {
    pub(crate) set: DetectionSet,
    pub(crate) classes: ClassMap,
}

/// Rows of a recording that [`Detections::_repr_html_`] shows.
const SHOWN: usize = 10;

#[pymethods]
impl Detections {
    /// Detections of a path, a data frame, a dict of columns or a list of rows: `tal.tables.detections_of`.
    #[staticmethod]
    #[pyo3(signature = (source, **keywords))]
    fn of<'py>(
        source: &Bound<'py, PyAny>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let module = source.py().import("tal.tables")?;
        module.getattr("detections_of")?.call((source,), keywords)
    }

    /// Detections from columns; `recordings` are the ids, `recording` the position among them of each detection. A label
    /// of −1 is a proposal without a class.
    #[staticmethod]
    fn build(
        recordings: Vec<String>,
        recording: &Bound<'_, PyAny>,
        start: &Bound<'_, PyAny>,
        end: &Bound<'_, PyAny>,
        score: &Bound<'_, PyAny>,
        label: &Bound<'_, PyAny>,
        classes: BTreeMap<u32, String>,
    ) -> PyResult<Self> {
        let recording = column::<i64>("recording", recording, None)?;
        let num = recording.len();
        let start = column::<f64>("start", start, Some(num))?;
        let end = column::<f64>("end", end, Some(num))?;
        let score = column::<f64>("score", score, Some(num))?;
        let label = labels("label", label, num)?;
        let mut rows = Vec::with_capacity(num);
        for row in 0..num {
            let Some(id) = usize::try_from(recording[row])
                .ok()
                .and_then(|position| recordings.get(position))
            else {
                return Err(PyValueError::new_err(format!(
                    "recording[{row}] is {}, must be a position among the {} recordings",
                    recording[row],
                    recordings.len()
                )));
            };
            if !Segment::new(start[row], end[row]).is_ordered() {
                return Err(PyValueError::new_err(format!(
                    "detection {row} (of recording {id:?}) goes from {} to {}; both must be finite and start <= end",
                    start[row], end[row]
                )));
            }
            if !score[row].is_finite() {
                return Err(PyValueError::new_err(format!(
                    "score[{row}] (of recording {id:?}) is {}, must be finite",
                    score[row]
                )));
            }
            let label = match label[row] {
                -1 => Detection::NO_CLASS,
                id => u32::try_from(id).map_err(|_| {
                    PyValueError::new_err(format!(
                        "label[{row}] is {id}, must be a class id from 0 on, or -1 for a proposal without a class"
                    ))
                })?,
            };
            rows.push(Detection {
                segment: Segment::new(start[row], end[row]),
                label,
                score: score[row],
            });
        }
        let mut map = ClassMap::default();
        for (id, name) in classes {
            map.insert(id, name).map_err(|error| raised(&error))?;
        }
        Ok(Self {
            set: collected(&recordings, &recording, rows),
            classes: map,
        })
    }

    /// Ids of the recordings.
    #[getter]
    fn recordings(&self) -> Vec<&String> {
        self.set.keys().collect()
    }

    /// Names of the classes by id, as far as they are known.
    #[getter]
    fn classes(&self) -> BTreeMap<u32, &str> {
        self.classes.iter().collect()
    }

    /// The detections as columns: `recording`, `start`, `end`, `label` (names), `label_id` (−1 for a proposal) and `score`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (mut start, mut end, mut score) = (Vec::new(), Vec::new(), Vec::new());
        let (mut id, mut label) = (Vec::new(), Vec::new());
        let mut label_id: Vec<i64> = Vec::new();
        for (recording, row) in self.rows() {
            id.push(recording);
            start.push(row.segment.start);
            end.push(row.segment.end);
            score.push(row.score);
            let is_proposal = row.label == Detection::NO_CLASS;
            label.push((!is_proposal).then(|| self.classes.display_name(row.label)));
            label_id.push(if is_proposal {
                -1
            } else {
                i64::from(row.label)
            });
        }
        let columns = PyDict::new(py);
        columns.set_item("recording", id)?;
        columns.set_item("start", start.to_pyarray(py))?;
        columns.set_item("end", end.to_pyarray(py))?;
        columns.set_item("label", label)?;
        columns.set_item("label_id", label_id.to_pyarray(py))?;
        columns.set_item("score", score.to_pyarray(py))?;
        Ok(columns)
    }

    fn __len__(&self) -> usize {
        self.set.values().map(Vec::len).sum()
    }

    fn __repr__(&self) -> String {
        format!(
            "Detections({} recordings, {} detections)",
            self.set.len(),
            self.__len__()
        )
    }

    fn _repr_html_(&self) -> String {
        let mut rows: Vec<(&str, &Detection)> = self.rows();
        rows.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
        let row = |(id, row): &(&str, &Detection)| {
            vec![
                (*id).to_owned(),
                format!("{:.2}", row.segment.start),
                format!("{:.2}", row.segment.end),
                self.classes.display_name(row.label),
                format!("{:.3}", row.score),
            ]
        };
        let shown: Vec<Vec<String>> = rows.iter().take(SHOWN).map(row).collect();
        let table = html_table(&["recording", "start", "end", "label", "score"], &shown);
        match rows.len().saturating_sub(SHOWN) {
            0 => table,
            more => format!("{table}<p>and {more} more</p>"),
        }
    }
}

impl Detections {
    /// All rows with their recordings, in the order of the input.
    fn rows(&self) -> Vec<(&str, &Detection)> {
        let mut all: Vec<(&str, std::slice::Iter<'_, Detection>)> = self
            .set
            .iter()
            .map(|(id, rows)| (id.as_str(), rows.iter()))
            .collect();
        match self.set.alternation() {
            None => all
                .into_iter()
                .flat_map(|(id, rows)| rows.map(move |row| (id, row)))
                .collect(),
            Some(places) => places
                .iter()
                .filter_map(|place| {
                    let (id, rows) = &mut all[*place as usize];
                    Some((*id, rows.next()?))
                })
                .collect(),
        }
    }
}

/// Rows by recording; those that follow one another are added together.
fn collected(recordings: &[String], places: &[i64], rows: Vec<Detection>) -> DetectionSet {
    let mut set = DetectionSet::new();
    let runs: Vec<&[i64]> = places.chunk_by(|a, b| a == b).collect();
    let mut seen = vec![false; recordings.len()];
    let is_grouped = runs
        .iter()
        .all(|run| !std::mem::replace(&mut seen[run[0] as usize], true));
    if is_grouped {
        let mut rest = rows.as_slice();
        for run in runs {
            let (of, others) = rest.split_at(run.len());
            set.insert(recordings[run[0] as usize].clone(), of.to_vec());
            rest = others;
        }
    } else {
        for (place, row) in places.iter().zip(rows) {
            set.push(&recordings[*place as usize], row);
        }
    }
    set
}
