//! Features in files of every format.

use std::path::PathBuf;

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tal_core::config::FeatureFormat;
use tal_data::{FeatureArray, features};

use crate::evaluation::options;
use crate::guard::failing;

/// The features of a file, (T, C).
#[pyfunction]
pub(crate) fn read_features<'py>(
    py: Python<'py>,
    path: PathBuf,
    format: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let format: FeatureFormat = options("format", format)?;
    let (values, shape) = failing(py, || {
        let array = features::read_file(&path, &format)?;
        Ok::<_, tal_data::FeatureError>((
            array.to_time_first(),
            [array.len(), array.num_channels()],
        ))
    })?;
    PyArray1::from_vec(py, values).reshape(shape)
}

/// Writes features of the shape (T, C) so that [`read_features`] reads them back.
#[pyfunction]
pub(crate) fn write_features(
    py: Python<'_>,
    path: PathBuf,
    features: PyReadonlyArray2<'_, f32>,
    format: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let format: FeatureFormat = options("format", format)?;
    let view = features.as_array();
    let (len, num_channels) = view.dim();
    if len == 0 || num_channels == 0 {
        return Err(PyValueError::new_err(format!(
            "features has the shape ({len}, {num_channels}), must have at least one row and one column: (T, C)"
        )));
    }
    let values: Vec<f32> = view.iter().copied().collect();
    failing(py, || {
        let array = FeatureArray::from_time_first(&values, num_channels, len);
        tal_corpus::features::write(&format, &path, &array)
    })
}
