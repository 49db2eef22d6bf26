//! Files of `torch.save` and pickles of numbers, read without running their code.

use std::path::PathBuf;

use numpy::{PyArray1, PyArrayMethods};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use tal_pth::{DType, PthFile, TensorData, Value};

use crate::guard::{failing, raised};

/// Deepest nesting that becomes Python objects.
const MAX_DEPTH: usize = 100;

/// The content of a file: dicts, lists, numbers and NumPy arrays.
#[pyfunction]
pub(crate) fn load_pth<'py>(
    py: Python<'py>,
    path: PathBuf,
    keys: Vec<String>,
) -> PyResult<Bound<'py, PyAny>> {
    let file = failing(py, || PthFile::open(&path))?;
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let value = file
        .require(&keys)
        .map_err(|error| PyKeyError::new_err(error.to_string()))?;
    object(py, &file, value, 0)
}

fn object<'py>(
    py: Python<'py>,
    file: &PthFile,
    value: &Value,
    depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    if depth > MAX_DEPTH {
        return Err(PyValueError::new_err(format!(
            "{}: values are nested more than {MAX_DEPTH} deep",
            file.path().display()
        )));
    }
    let inner = |value: &Value| object(py, file, value, depth + 1);
    let all = |items: &[Value]| items.iter().map(inner).collect::<PyResult<Vec<_>>>();
    Ok(match value {
        Value::None => py.None().into_bound(py),
        Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
        Value::Int(value) => value.into_pyobject(py)?.into_any(),
        Value::Float(value) => value.into_pyobject(py)?.into_any(),
        Value::Str(value) => value.into_pyobject(py)?.into_any(),
        Value::Bytes(value) => PyBytes::new(py, value).into_any(),
        Value::List(items) => PyList::new(py, all(items)?)?.into_any(),
        Value::Tuple(items) => PyTuple::new(py, all(items)?)?.into_any(),
        Value::Dict(entries) => {
            let dict = PyDict::new(py);
            for (key, value) in entries {
                dict.set_item(inner(key)?, inner(value)?)?;
            }
            dict.into_any()
        }
        Value::Tensor(tensor) => {
            let data = file.tensor(tensor).map_err(|error| raised(&error))?;
            array(py, &data)?
        }
        Value::Object(object) => {
            let dict = PyDict::new(py);
            dict.set_item("class", object.class)?;
            dict.set_item("arguments", PyTuple::new(py, all(&object.arguments)?)?)?;
            dict.set_item("state", inner(&object.state)?)?;
            dict.into_any()
        }
    })
}

/// A NumPy array of a tensor; bfloat16, which NumPy lacks, becomes float32.
fn array<'py>(py: Python<'py>, data: &TensorData) -> PyResult<Bound<'py, PyAny>> {
    let shape = data.shape.clone();
    let (bytes, dtype) = match data.dtype {
        DType::BF16 => {
            let values = data.as_f32().map_err(|error| raised(&error))?;
            return Ok(PyArray1::from_vec(py, values).reshape(shape)?.into_any());
        }
        DType::F64 => (&data.data, "<f8"),
        DType::F32 => (&data.data, "<f4"),
        DType::F16 => (&data.data, "<f2"),
        DType::I64 => (&data.data, "<i8"),
        DType::I32 => (&data.data, "<i4"),
        DType::I16 => (&data.data, "<i2"),
        DType::I8 => (&data.data, "|i1"),
        DType::U8 => (&data.data, "|u1"),
        DType::Bool => (&data.data, "|b1"),
    };
    let raw = PyArray1::from_slice(py, bytes);
    raw.call_method1("view", (dtype,))?
        .call_method1("reshape", (shape,))
}
