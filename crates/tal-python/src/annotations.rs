//! Annotations of a data set, as a Python class.

use std::collections::BTreeMap;

use numpy::{PyArray1, ToPyArray};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tal_core::{ClassMap, GroundTruth, Instance, Recording, Segment};

use crate::columns::{class_ids, column};
use crate::guard::raised;

/// Annotations of a data set, see the stub file.
#[pyclass(frozen, module = "tal")]
#[derive(Debug)]
pub(crate) struct Annotations {
    pub(crate) truth: GroundTruth,
}

/// A recording: id, subset, duration and frame rate.
type RecordingRow = (String, String, Option<f64>, Option<f64>);

#[pymethods]
impl Annotations {
    /// Annotations of a path, a data frame, a dict of columns or a list of rows: `tal.tables.annotations_of`.
    #[staticmethod]
    #[pyo3(signature = (source, **keywords))]
    fn of<'py>(
        source: &Bound<'py, PyAny>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let module = source.py().import("tal.tables")?;
        module.getattr("annotations_of")?.call((source,), keywords)
    }

    /// Annotations from columns; `recordings` are all recordings, `recording` the position among them of each annotation.
    #[staticmethod]
    fn build(
        recordings: Vec<RecordingRow>,
        recording: &Bound<'_, PyAny>,
        start: &Bound<'_, PyAny>,
        end: &Bound<'_, PyAny>,
        label: &Bound<'_, PyAny>,
        classes: BTreeMap<u32, String>,
    ) -> PyResult<Self> {
        let recording = column::<i64>("recording", recording, None)?;
        let num = recording.len();
        let start = column::<f64>("start", start, Some(num))?;
        let end = column::<f64>("end", end, Some(num))?;
        let label = class_ids("label", label, num)?;
        let mut map = ClassMap::default();
        for (id, name) in classes {
            map.insert(id, name).map_err(|error| raised(&error))?;
        }
        // Every annotation has a class with a name.
        for id in &label {
            if map.name(*id).is_none() {
                map.insert(*id, format!("class_{id}"))
                    .map_err(|error| raised(&error))?;
            }
        }
        let mut all: Vec<Recording> = recordings
            .into_iter()
            .map(|(id, subset, duration, fps)| Recording {
                id,
                subset,
                duration,
                fps,
                instances: Vec::new(),
            })
            .collect();
        let num_recordings = all.len();
        for row in 0..num {
            let position = usize::try_from(recording[row]).ok();
            let Some(of) = position.and_then(|position| all.get_mut(position)) else {
                return Err(PyValueError::new_err(format!(
                    "recording[{row}] is {}, must be a position among the {num_recordings} recordings",
                    recording[row]
                )));
            };
            if !Segment::new(start[row], end[row]).is_ordered() {
                return Err(PyValueError::new_err(format!(
                    "annotation {row} of recording {:?} goes from {} to {}; both must be finite and start <= end",
                    of.id, start[row], end[row]
                )));
            }
            of.instances.push(Instance {
                segment: Segment::new(start[row], end[row]),
                label: label[row],
            });
        }
        Ok(Self {
            truth: GroundTruth {
                classes: map,
                recordings: all,
            },
        })
    }

    /// Ids of the recordings.
    #[getter]
    fn recordings(&self) -> Vec<&str> {
        self.truth
            .recordings
            .iter()
            .map(|r| r.id.as_str())
            .collect()
    }

    /// Subset of each recording.
    #[getter]
    fn subsets(&self) -> BTreeMap<&str, &str> {
        let recordings = self.truth.recordings.iter();
        recordings
            .map(|r| (r.id.as_str(), r.subset.as_str()))
            .collect()
    }

    /// Length of each recording in seconds, if it is known.
    #[getter]
    fn durations(&self) -> BTreeMap<&str, Option<f64>> {
        let recordings = self.truth.recordings.iter();
        recordings.map(|r| (r.id.as_str(), r.duration)).collect()
    }

    /// Frames per second of each recording, if known.
    #[getter]
    fn fps(&self) -> BTreeMap<&str, Option<f64>> {
        let recordings = self.truth.recordings.iter();
        recordings.map(|r| (r.id.as_str(), r.fps)).collect()
    }

    /// Names of the classes by id.
    #[getter]
    fn classes(&self) -> BTreeMap<u32, &str> {
        self.truth.classes.iter().collect()
    }

    /// The annotations as columns: `recording`, `start`, `end`, `label` (names), `label_id` and `subset`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let num = self.num_annotations();
        let (mut start, mut end) = (Vec::with_capacity(num), Vec::with_capacity(num));
        let (mut id, mut label) = (Vec::with_capacity(num), Vec::with_capacity(num));
        let mut label_id: Vec<i64> = Vec::with_capacity(num);
        let mut subset = Vec::with_capacity(num);
        for recording in &self.truth.recordings {
            for instance in &recording.instances {
                id.push(recording.id.as_str());
                start.push(instance.segment.start);
                end.push(instance.segment.end);
                label.push(self.truth.classes.display_name(instance.label));
                label_id.push(i64::from(instance.label));
                subset.push(recording.subset.as_str());
            }
        }
        let columns = PyDict::new(py);
        columns.set_item("recording", id)?;
        columns.set_item("start", start.to_pyarray(py))?;
        columns.set_item("end", end.to_pyarray(py))?;
        columns.set_item("label", label)?;
        columns.set_item("label_id", label_id.to_pyarray(py))?;
        columns.set_item("subset", subset)?;
        Ok(columns)
    }

    fn __len__(&self) -> usize {
        self.num_annotations()
    }

    fn __repr__(&self) -> String {
        format!(
            "Annotations({} recordings, {} annotations, {} classes)",
            self.truth.recordings.len(),
            self.num_annotations(),
            self.truth.classes.len()
        )
    }

    fn _repr_html_(&self) -> String {
        let names = self.truth.subset_names();
        let rows: Vec<Vec<String>> = names
            .iter()
            .map(|name| {
                let of = self.truth.recordings.iter().filter(|r| r.subset == *name);
                let instances: usize = of.clone().map(|r| r.instances.len()).sum();
                vec![
                    (*name).to_owned(),
                    of.count().to_string(),
                    instances.to_string(),
                ]
            })
            .collect();
        html_table(&["subset", "recordings", "annotations"], &rows)
    }
}

impl Annotations {
    fn num_annotations(&self) -> usize {
        let recordings = self.truth.recordings.iter();
        recordings.map(|recording| recording.instances.len()).sum()
    }
}

/// Ids and, for each row, the position of its id among them, in the order in which they first occur.
#[pyfunction]
pub(crate) fn factorize<'py>(
    py: Python<'py>,
    name: &str,
    values: Vec<Bound<'py, PyAny>>,
) -> PyResult<(Vec<String>, Bound<'py, PyArray1<i64>>)> {
    let mut ids: Vec<String> = Vec::new();
    let mut places: std::collections::HashMap<String, i64> = Default::default();
    // Rows of a recording usually share one object.
    let mut objects: std::collections::HashMap<usize, i64> = Default::default();
    let mut codes = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        if let Some(code) = objects.get(&(value.as_ptr() as usize)) {
            codes.push(*code);
            continue;
        }
        let Ok(text) = value.cast::<pyo3::types::PyString>() else {
            return Err(pyo3::exceptions::PyTypeError::new_err(format!(
                "{name}[{row}] is {}, must be a str: the id of a recording",
                crate::columns::describe(value)
            )));
        };
        let text = text.to_str()?;
        let code = match places.get(text) {
            Some(code) => *code,
            None => {
                let code = ids.len() as i64;
                ids.push(text.to_owned());
                places.insert(text.to_owned(), code);
                code
            }
        };
        objects.insert(value.as_ptr() as usize, code);
        codes.push(code);
    }
    Ok((ids, codes.to_pyarray(py)))
}

/// A small table in HTML.
pub(crate) fn html_table(head: &[&str], rows: &[Vec<String>]) -> String {
    let escaped = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let head: String = head
        .iter()
        .map(|text| format!("<th>{}</th>", escaped(text)))
        .collect();
    let row = |row: &Vec<String>| -> String {
        let cells: String = row
            .iter()
            .map(|text| format!("<td>{}</td>", escaped(text)))
            .collect();
        format!("<tr>{cells}</tr>")
    };
    let body: String = rows.iter().map(row).collect();
    format!("<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
}
