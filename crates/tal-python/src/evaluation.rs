//! Evaluation, diagnosis and their uncertainty.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pythonize::{depythonize, pythonize};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tal_core::Recording;
use tal_core::config::EvaluationConfig;
use tal_postprocess::{
    BootstrapConfig, DiagnosisConfig, EvaluationError, Matching, average_recall_with, bootstrap,
    compare, diagnose,
};

use crate::annotations::Annotations;
use crate::detections::Detections;
use crate::guard::failing;

/// Options out of a dict; the message names the wrong one.
pub(crate) fn options<T: DeserializeOwned>(name: &str, given: &Bound<'_, PyAny>) -> PyResult<T> {
    depythonize(given)
        .map_err(|error| pyo3::exceptions::PyValueError::new_err(format!("{name}: {error}")))
}

/// Figures as a dict.
pub(crate) fn figures<'py>(
    py: Python<'py>,
    figures: &impl Serialize,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(pythonize(py, figures)?)
}

/// The recordings of the named subsets as the dialect compares them; all if none is named.
fn chosen<'a>(
    annotations: &'a Annotations,
    subsets: Option<&[String]>,
    config: &EvaluationConfig,
) -> Vec<&'a Recording> {
    let is_wanted = |recording: &&Recording| {
        subsets.is_none_or(|names| {
            let mut names = names.iter();
            names.any(|name| config.dialect.matches_subset(name, &recording.subset))
        })
    };
    annotations
        .truth
        .recordings
        .iter()
        .filter(is_wanted)
        .collect()
}

/// mAP, and if wanted Recall@k×, precision-recall curves and the effect of equal scores.
#[pyfunction]
#[pyo3(signature = (annotations, detections, config, subsets=None, top_k=None, curves=false, ties=false))]
#[allow(
    clippy::too_many_arguments,
    reason = "the Python function has keywords with defaults"
)]
pub(crate) fn evaluate<'py>(
    py: Python<'py>,
    annotations: &Annotations,
    detections: &Detections,
    config: &Bound<'py, PyAny>,
    subsets: Option<Vec<String>>,
    top_k: Option<Vec<usize>>,
    curves: bool,
    ties: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let config: EvaluationConfig = options("evaluate", config)?;
    let recordings = chosen(annotations, subsets.as_deref(), &config);
    let classes = &annotations.truth.classes;
    let (evaluation, recall, curves, ties) = failing(py, || {
        let all = Matching::new(recordings, &detections.set, &config, Some(classes))?;
        let recall = top_k.map(|k| all.recall_at(&k));
        let curves = curves.then(|| all.precision_recall());
        let ties = ties.then(|| all.ties());
        Ok::<_, EvaluationError>((all.evaluation(), recall, curves, ties))
    })?;
    let result = PyDict::new(py);
    result.set_item("evaluation", figures(py, &evaluation)?)?;
    result.set_item("recall_at", figures(py, &recall)?)?;
    result.set_item("curves", figures(py, &curves)?)?;
    result.set_item("ties", figures(py, &ties)?)?;
    Ok(result)
}

/// Average recall over the number of proposals, at `num_points` numbers up to `max_proposals`.
#[pyfunction]
pub(crate) fn average_recall<'py>(
    py: Python<'py>,
    annotations: &Annotations,
    detections: &Detections,
    config: &Bound<'py, PyAny>,
    subsets: Option<Vec<String>>,
    max_proposals: usize,
    num_points: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let config: EvaluationConfig = options("recall", config)?;
    let recordings = chosen(annotations, subsets.as_deref(), &config);
    let classes = Some(&annotations.truth.classes);
    let set = &detections.set;
    let curve = failing(py, || {
        average_recall_with(recordings, set, &config, classes, max_proposals, num_points)
    })?;
    figures(py, &curve)
}

/// Diagnosis of errors.
#[pyfunction(name = "diagnose")]
pub(crate) fn diagnosis<'py>(
    py: Python<'py>,
    annotations: &Annotations,
    detections: &Detections,
    config: &Bound<'py, PyAny>,
    is_thumos14: bool,
    subsets: Option<Vec<String>>,
) -> PyResult<Bound<'py, PyAny>> {
    let base = match is_thumos14 {
        true => DiagnosisConfig::thumos14(),
        false => DiagnosisConfig::default(),
    };
    // The given options over those of the preset.
    let merged = figures(py, &base)?;
    merged.call_method1("update", (config,))?;
    let config: DiagnosisConfig = options("diagnose", &merged)?;
    let recordings = chosen(
        annotations,
        subsets.as_deref(),
        &EvaluationConfig::default(),
    );
    let found = failing(py, || diagnose(recordings, &detections.set, &config))?;
    figures(py, &found)
}

/// Intervals of mAP and AP.
#[pyfunction(name = "bootstrap")]
pub(crate) fn intervals<'py>(
    py: Python<'py>,
    annotations: &Annotations,
    detections: &Detections,
    config: &Bound<'py, PyAny>,
    bootstrap_config: &Bound<'py, PyAny>,
    subsets: Option<Vec<String>>,
) -> PyResult<Bound<'py, PyAny>> {
    let config: EvaluationConfig = options("bootstrap", config)?;
    let draws: BootstrapConfig = options("bootstrap", bootstrap_config)?;
    let recordings = chosen(annotations, subsets.as_deref(), &config);
    let classes = Some(&annotations.truth.classes);
    let found = failing(py, || {
        bootstrap(recordings, &detections.set, &config, classes, &draws)
    })?;
    figures(py, &found)
}

/// Comparison of two detectors.
#[pyfunction(name = "compare")]
#[allow(
    clippy::too_many_arguments,
    reason = "the Python function has keywords with defaults"
)]
pub(crate) fn comparison<'py>(
    py: Python<'py>,
    annotations: &Annotations,
    a: &Detections,
    b: &Detections,
    config: &Bound<'py, PyAny>,
    bootstrap_config: &Bound<'py, PyAny>,
    subsets: Option<Vec<String>>,
) -> PyResult<Bound<'py, PyAny>> {
    let config: EvaluationConfig = options("compare", config)?;
    let draws: BootstrapConfig = options("compare", bootstrap_config)?;
    let recordings = chosen(annotations, subsets.as_deref(), &config);
    let classes = Some(&annotations.truth.classes);
    let found = failing(py, || {
        compare(recordings, &a.set, &b.set, &config, classes, &draws)
    })?;
    figures(py, &found)
}

/// Thresholds that are usual for a data set.
#[pyfunction]
pub(crate) fn default_thresholds(dataset: &str) -> PyResult<Vec<f64>> {
    tal_postprocess::default_thresholds(dataset).ok_or_else(|| {
        pyo3::exceptions::PyValueError::new_err(format!(
            "dataset is {dataset:?}, must be one of {}",
            tal_postprocess::KNOWN_DATASETS.join(", ")
        ))
    })
}

/// AP of a ranked list.
#[pyfunction]
pub(crate) fn average_precision(true_positives: Vec<bool>, num_ground_truth: usize) -> f64 {
    tal_postprocess::average_precision(&true_positives, num_ground_truth)
}
