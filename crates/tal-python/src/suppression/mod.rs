//! Suppression of overlapping candidates, for NumPy arrays.

mod batched;
mod exact;
mod rows;

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use self::batched::{Options, Voting, batched, vote};
use self::exact::{Decay, Rule, hard, soft};
use self::rows::{Row, rows};
use crate::columns::{self, integer, labels, real, scores, segments};
use crate::guard::detached;

/// Positions of the candidates that NMS keeps, see the stub file.
#[pyfunction]
#[pyo3(signature = (segs, scores, iou_threshold))]
pub(crate) fn nms<'py>(
    py: Python<'py>,
    segs: &Bound<'py, PyAny>,
    scores: &Bound<'py, PyAny>,
    iou_threshold: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let (segments, scores) = candidates(segs, scores)?;
    let iou_threshold = real("iou_threshold", iou_threshold)?;
    let kept = detached(py, scores.len(), || {
        hard(rows(&segments, &scores), iou_threshold, usize::MAX)
    })?;
    Ok(indices(py, &kept))
}

/// Soft-NMS that writes into `dets`, see the stub file.
#[pyfunction]
#[pyo3(signature = (segs, scores, dets, iou_threshold, sigma, min_score, method, t1, t2))]
#[allow(
    clippy::too_many_arguments,
    reason = "the signature of the extension that it replaces"
)]
pub(crate) fn softnms<'py>(
    py: Python<'py>,
    segs: &Bound<'py, PyAny>,
    scores: &Bound<'py, PyAny>,
    dets: &Bound<'py, PyAny>,
    iou_threshold: &Bound<'py, PyAny>,
    sigma: &Bound<'py, PyAny>,
    min_score: &Bound<'py, PyAny>,
    method: &Bound<'py, PyAny>,
    t1: &Bound<'py, PyAny>,
    t2: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let (segments, scores) = candidates(segs, scores)?;
    let rule = RuleArguments {
        iou_threshold,
        sigma,
        min_score,
        method,
        t1,
        t2,
    }
    .check()?;
    let Ok(dets) = dets.cast::<PyArray2<f32>>() else {
        let found = columns::describe(dets);
        return Err(PyTypeError::new_err(format!(
            "dets is {found}, must be a float32 array of the shape ({}, 3), into which the result is written",
            scores.len()
        )));
    };
    if dets.shape() != [scores.len(), 3] {
        return Err(PyValueError::new_err(format!(
            "dets has the shape {:?}, must be ({}, 3): a row for each candidate",
            dets.shape(),
            scores.len()
        )));
    }
    let mut written = dets.try_readwrite().map_err(|error| {
        PyValueError::new_err(format!(
            "dets cannot be written ({error}); it must be an array of its own that is not read-only"
        ))
    })?;
    let kept = detached(py, scores.len(), || {
        soft(rows(&segments, &scores), &rule, usize::MAX)
    })?;
    let mut view = written.as_array_mut();
    for (place, row) in kept.iter().enumerate() {
        view[[place, 0]] = row.start;
        view[[place, 1]] = row.end;
        view[[place, 2]] = row.score;
    }
    Ok(indices(py, &kept))
}

/// Segments, scores and positions that stay.
type Kept<'py> = (
    Bound<'py, PyArray2<f32>>,
    Bound<'py, PyArray1<f32>>,
    Bound<'py, PyArray1<i64>>,
);

/// Soft-NMS of candidates that all suppress each other, see the stub file.
#[pyfunction]
#[pyo3(signature = (segs, scores, iou_threshold, sigma, min_score, method, t1, t2, max_num))]
#[allow(
    clippy::too_many_arguments,
    reason = "the Python function has keywords with defaults"
)]
pub(crate) fn soft_nms<'py>(
    py: Python<'py>,
    segs: &Bound<'py, PyAny>,
    scores: &Bound<'py, PyAny>,
    iou_threshold: &Bound<'py, PyAny>,
    sigma: &Bound<'py, PyAny>,
    min_score: &Bound<'py, PyAny>,
    method: &Bound<'py, PyAny>,
    t1: &Bound<'py, PyAny>,
    t2: &Bound<'py, PyAny>,
    max_num: Option<&Bound<'py, PyAny>>,
) -> PyResult<Kept<'py>> {
    let (segments, scores) = candidates(segs, scores)?;
    let options = Options {
        rule: RuleArguments {
            iou_threshold,
            sigma,
            min_score,
            method,
            t1,
            t2,
        }
        .check()?,
        is_soft: true,
        per_class: false,
        cap: max_num.map_or(Ok(usize::MAX), |number| cap("max_num", number))?,
        voting: None,
    };
    let kept = detached(py, scores.len(), || {
        batched(&segments, &scores, &[], &options)
    })?;
    given(py, &kept)
}

/// Suppression of a recording's candidates, see the stub file.
#[pyfunction]
#[pyo3(signature = (segs, scores, cls_idxs, iou_threshold, min_score, max_seg_num, use_soft_nms, multiclass, sigma,
    voting_thresh, method, t1, t2, by_overlap))]
#[allow(
    clippy::too_many_arguments,
    reason = "the Python function has keywords with defaults"
)]
pub(crate) fn batched_nms<'py>(
    py: Python<'py>,
    segs: &Bound<'py, PyAny>,
    scores: &Bound<'py, PyAny>,
    cls_idxs: &Bound<'py, PyAny>,
    iou_threshold: &Bound<'py, PyAny>,
    min_score: &Bound<'py, PyAny>,
    max_seg_num: &Bound<'py, PyAny>,
    use_soft_nms: &Bound<'py, PyAny>,
    multiclass: &Bound<'py, PyAny>,
    sigma: &Bound<'py, PyAny>,
    voting_thresh: &Bound<'py, PyAny>,
    method: &Bound<'py, PyAny>,
    t1: &Bound<'py, PyAny>,
    t2: &Bound<'py, PyAny>,
    by_overlap: bool,
) -> PyResult<Kept<'py>> {
    let (segments, scores) = candidates(segs, scores)?;
    let labels = labels("cls_idxs", cls_idxs, scores.len())?;
    let voting_thresh = real("voting_thresh", voting_thresh)?;
    let options = Options {
        rule: RuleArguments {
            iou_threshold,
            sigma,
            min_score,
            method,
            t1,
            t2,
        }
        .check()?,
        is_soft: use_soft_nms.is_truthy()?,
        per_class: multiclass.is_truthy()?,
        cap: cap("max_seg_num", max_seg_num)?,
        voting: (voting_thresh > 0.0).then_some(Voting {
            iou_threshold: voting_thresh,
            by_overlap,
        }),
    };
    let kept = detached(py, scores.len(), || {
        batched(&segments, &scores, &labels, &options)
    })?;
    given(py, &kept)
}

/// Voting, see the stub file.
#[pyfunction]
#[pyo3(signature = (nms_segs, all_segs, all_scores, iou_threshold, by_overlap))]
pub(crate) fn seg_voting<'py>(
    py: Python<'py>,
    nms_segs: &Bound<'py, PyAny>,
    all_segs: &Bound<'py, PyAny>,
    all_scores: &Bound<'py, PyAny>,
    iou_threshold: &Bound<'py, PyAny>,
    by_overlap: bool,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let kept = segments("nms_segs", nms_segs)?;
    let all = segments("all_segs", all_segs)?;
    let weights = scores("all_scores", all_scores, all.len())?;
    let iou_threshold = real("iou_threshold", iou_threshold)?;
    let voting = Voting {
        iou_threshold,
        by_overlap,
    };
    let voted = detached(py, kept.len().saturating_mul(all.len()), || {
        vote(&kept, &rows(&all, &weights), voting)
    })?;
    matrix(py, voted)
}

fn candidates(
    segs: &Bound<'_, PyAny>,
    given: &Bound<'_, PyAny>,
) -> PyResult<(Vec<[f32; 2]>, Vec<f32>)> {
    let segments = segments("segs", segs)?;
    let scores = scores("scores", given, segments.len())?;
    Ok((segments, scores))
}

/// The options of a rule as Python has them.
struct RuleArguments<'a, 'py> {
    iou_threshold: &'a Bound<'py, PyAny>,
    sigma: &'a Bound<'py, PyAny>,
    min_score: &'a Bound<'py, PyAny>,
    method: &'a Bound<'py, PyAny>,
    t1: &'a Bound<'py, PyAny>,
    t2: &'a Bound<'py, PyAny>,
}

impl RuleArguments<'_, '_> {
    fn check(&self) -> PyResult<Rule> {
        let sigma = real("sigma", self.sigma)?;
        if sigma <= 0.0 {
            return Err(PyValueError::new_err(format!(
                "sigma is {sigma}, must be above 0"
            )));
        }
        let (t1, t2) = (real("t1", self.t1)?, real("t2", self.t2)?);
        let decay = match integer("method", self.method)? {
            0 => Decay::Hard,
            1 => Decay::Linear,
            2 => Decay::Gaussian,
            3 => Decay::LongGaussian { t1, t2 },
            method => {
                return Err(PyValueError::new_err(format!(
                    "method is {method}, must be 0 (hard), 1 (linear), 2 (Gaussian) or 3 (Gaussian from t1 + t2 * length on)"
                )));
            }
        };
        Ok(Rule {
            decay,
            iou_threshold: real("iou_threshold", self.iou_threshold)?,
            sigma,
            min_score: real("min_score", self.min_score)?,
        })
    }
}

/// The largest number of rows that stay.
fn cap(name: &str, object: &Bound<'_, PyAny>) -> PyResult<usize> {
    let value = integer(name, object)?;
    usize::try_from(value).map_err(|_| {
        PyValueError::new_err(format!(
            "{name} is {value}, must be at least 0: the largest number of segments that stay"
        ))
    })
}

fn given<'py>(py: Python<'py>, kept: &[Row]) -> PyResult<Kept<'py>> {
    let scores: Vec<f32> = kept.iter().map(|row| row.score).collect();
    Ok((
        matrix(py, kept.iter().map(Row::segment).collect())?,
        PyArray1::from_vec(py, scores),
        indices(py, kept),
    ))
}

/// Positions of rows in the input.
fn indices<'py>(py: Python<'py>, kept: &[Row]) -> Bound<'py, PyArray1<i64>> {
    PyArray1::from_vec(py, kept.iter().map(|row| row.index as i64).collect())
}

/// An array of the shape (N, 2).
fn matrix(py: Python<'_>, segments: Vec<[f32; 2]>) -> PyResult<Bound<'_, PyArray2<f32>>> {
    let num = segments.len();
    PyArray1::from_vec(py, segments.into_flattened()).reshape([num, 2])
}
