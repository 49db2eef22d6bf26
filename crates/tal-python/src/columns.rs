//! Columns of numbers out of whatever holds them.

use numpy::{Element, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The array of an argument, of the wanted type; the module `tal._inputs` converts what is something else.
pub(crate) fn array<'py, T: Element + Dtype>(
    name: &str,
    object: &Bound<'py, PyAny>,
) -> PyResult<PyReadonlyArrayDyn<'py, T>> {
    let array = match object.cast::<PyArrayDyn<T>>() {
        Ok(array) => array.clone(),
        Err(_) => converted(name, object, T::NAME)?
            .cast_into::<PyArrayDyn<T>>()
            .map_err(PyErr::from)?,
    };
    array.try_readonly().map_err(|_| {
        PyValueError::new_err(format!(
            "{name} is being written by another call; give each thread an array of its own"
        ))
    })
}

/// Types of the elements of a column.
pub(crate) trait Dtype {
    /// NumPy's name.
    const NAME: &'static str;
}

impl Dtype for f32 {
    const NAME: &'static str = "float32";
}

impl Dtype for f64 {
    const NAME: &'static str = "float64";
}

impl Dtype for i64 {
    const NAME: &'static str = "int64";
}

fn converted<'py>(
    name: &str,
    object: &Bound<'py, PyAny>,
    dtype: &str,
) -> PyResult<Bound<'py, PyAny>> {
    static CONVERT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = object.py();
    let convert = CONVERT.get_or_try_init(py, || {
        let module = py.import("tal._inputs")?;
        Ok::<_, PyErr>(module.getattr("as_array")?.unbind())
    })?;
    convert.bind(py).call1((name, object, dtype))
}

/// A column of one dimension; `expected` is the number of rows that others have.
pub(crate) fn column<T: Element + Dtype + Copy>(
    name: &str,
    object: &Bound<'_, PyAny>,
    expected: Option<usize>,
) -> PyResult<Vec<T>> {
    let array = array::<T>(name, object)?;
    let shape = array.shape();
    match (shape, expected) {
        ([_], None) => {}
        ([len], Some(expected)) if *len == expected => {}
        (_, Some(expected)) => {
            return Err(PyValueError::new_err(format!(
                "{name} has the shape {}, must be ({expected},): a value for each row",
                shape_of(shape)
            )));
        }
        (_, None) => {
            return Err(PyValueError::new_err(format!(
                "{name} has the shape {}, must have one dimension",
                shape_of(shape)
            )));
        }
    }
    Ok(match array.as_slice() {
        Ok(values) => values.to_vec(),
        Err(_) => array.as_array().iter().copied().collect(),
    })
}

/// Segments of the shape (N, 2): ordered and finite.
pub(crate) fn segments(name: &str, object: &Bound<'_, PyAny>) -> PyResult<Vec<[f32; 2]>> {
    let array = array::<f32>(name, object)?;
    let shape = array.shape();
    // An empty list has no second dimension.
    if shape == [0] {
        return Ok(Vec::new());
    }
    let [num, 2] = *shape else {
        return Err(PyValueError::new_err(format!(
            "{name} has the shape {}, must be (N, 2): start and end of each segment",
            shape_of(shape)
        )));
    };
    let segments: Vec<[f32; 2]> = match array.as_slice() {
        // A slice may also be column by column.
        Ok(values) if array.is_c_contiguous() => values.as_chunks().0.to_vec(),
        _ => {
            let view = array.as_array();
            let ends = |row| [view[[row, 0]], view[[row, 1]]];
            (0..num).map(ends).collect()
        }
    };
    let is_usable = |[start, end]: &[f32; 2]| start.is_finite() && end.is_finite() && start <= end;
    match segments.iter().position(|segment| !is_usable(segment)) {
        None => Ok(segments),
        Some(row) => Err(PyValueError::new_err(format!(
            "{name}[{row}] goes from {} to {}; both must be finite and start <= end",
            segments[row][0], segments[row][1]
        ))),
    }
}

/// Finite scores, `expected` of them.
pub(crate) fn scores(name: &str, object: &Bound<'_, PyAny>, expected: usize) -> PyResult<Vec<f32>> {
    let scores = column::<f32>(name, object, Some(expected))?;
    match scores.iter().position(|score| !score.is_finite()) {
        None => Ok(scores),
        Some(row) => Err(PyValueError::new_err(format!(
            "{name}[{row}] is {}, must be finite",
            scores[row]
        ))),
    }
}

/// Class numbers, `expected` of them.
pub(crate) fn labels(name: &str, object: &Bound<'_, PyAny>, expected: usize) -> PyResult<Vec<i64>> {
    column::<i64>(name, object, Some(expected))
}

/// Class ids: numbers from 0 on.
pub(crate) fn class_ids(
    name: &str,
    object: &Bound<'_, PyAny>,
    expected: usize,
) -> PyResult<Vec<u32>> {
    let given = labels(name, object, expected)?;
    let id = |(row, id): (usize, &i64)| {
        u32::try_from(*id).map_err(|_| {
            PyValueError::new_err(format!(
                "{name}[{row}] is {id}, must be a class id from 0 to {}",
                u32::MAX
            ))
        })
    };
    given.iter().enumerate().map(id).collect()
}

/// A finite number, in single precision as the field's code has it.
pub(crate) fn real(name: &str, object: &Bound<'_, PyAny>) -> PyResult<f32> {
    let Ok(value) = object.extract::<f64>() else {
        return Err(PyTypeError::new_err(format!(
            "{name} is {}, must be a number",
            describe(object)
        )));
    };
    let value = value as f32;
    if value.is_finite() {
        return Ok(value);
    }
    Err(PyValueError::new_err(format!(
        "{name} is {value}, must be a finite number"
    )))
}

/// An integer.
pub(crate) fn integer(name: &str, object: &Bound<'_, PyAny>) -> PyResult<i64> {
    object.extract::<i64>().map_err(|_| {
        PyTypeError::new_err(format!(
            "{name} is {}, must be an integer",
            describe(object)
        ))
    })
}

/// What an object is, for messages: its type, and of an array type of elements and shape.
pub(crate) fn describe(object: &Bound<'_, PyAny>) -> String {
    let named = |name: &str| object.getattr(name).ok().map(|value| value.to_string());
    match (named("dtype"), named("shape")) {
        (Some(dtype), Some(shape)) => format!("an array of {dtype} with the shape {shape}"),
        _ => match object.get_type().qualname() {
            Ok(name) => format!("of the type {name}"),
            Err(_) => "of an unknown type".to_owned(),
        },
    }
}

fn shape_of(shape: &[usize]) -> String {
    match shape {
        [len] => format!("({len},)"),
        _ => {
            let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
            format!("({})", sizes.join(", "))
        }
    }
}
