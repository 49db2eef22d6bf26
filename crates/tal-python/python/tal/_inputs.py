"""Arrays and columns out of whatever holds them: lists, NumPy, pandas, polars, PyTorch, anything with DLPack or a buffer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

_DTYPES = {"float32": np.float32, "float64": np.float64, "int64": np.int64}


def is_tensor(value: object) -> bool:
    """Whether a value is a tensor of PyTorch, which is not imported for it."""
    return type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach")


def plain_array(name: str, value: Any) -> np.ndarray[Any, Any]:
    """A NumPy array of a value, without a copy if that is possible."""
    if isinstance(value, np.ndarray):
        return value
    if is_tensor(value):
        if value.device.type != "cpu":
            raise TypeError(f"{name} is a tensor on the device {value.device}, must be on the CPU: pass {name}.cpu()")
        tensor = value.detach()
        if str(tensor.dtype) == "torch.bfloat16":
            tensor = tensor.float()
        array: np.ndarray[Any, Any] = tensor.numpy()
        return array
    if hasattr(value, "to_numpy"):
        return np.asarray(value.to_numpy())
    if isinstance(value, (str, bytes)) or value is None or isinstance(value, Mapping):
        raise TypeError(f"{name} is of the type {type(value).__name__}, must be an array or a list of numbers")
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        try:
            return np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError) as error:
            raise TypeError(f"{name} cannot be read as an array ({error}); it must lie on the CPU") from error
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is no array ({error}); all its rows must have the same length") from error


def as_array(name: str, value: Any, dtype: str) -> np.ndarray[Any, Any]:
    """An array of the wanted type of elements; the compiled part calls it for everything that is not one already."""
    array = plain_array(name, value)
    wanted = _DTYPES[dtype]
    if array.size == 0:
        return array.astype(wanted)
    if array.dtype.kind == "O":
        # Lists with None, or numbers that lost their type in a data frame.
        try:
            array = np.array(array.tolist(), dtype=np.int64 if dtype == "int64" else np.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name} has elements that are no numbers ({error}); must be {_wanted(dtype)}") from error
    if dtype == "int64":
        return _as_integers(name, array)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has elements of the type {array.dtype}, must be {_wanted(dtype)}")
    return array.astype(wanted)


def _wanted(dtype: str) -> str:
    return "integers: give classes numbers, as numpy.unique(labels, return_inverse=True) does" if dtype == "int64" else "numbers"


def _as_integers(name: str, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.dtype.kind == "u" and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"{name} has the element {array.max()}, must be at most {np.iinfo(np.int64).max}")
    if array.dtype.kind in "iub":
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        whole = np.isfinite(array) & (array == np.floor(array)) & (np.abs(array) < 2.0**63)
        if not whole.all():
            row = int(np.argmin(whole.reshape(-1)))
            raise ValueError(f"{name}[{row}] is {array.reshape(-1)[row]}, must be an integer")
        return array.astype(np.int64)
    raise TypeError(f"{name} has elements of the type {array.dtype}, must be {_wanted('int64')}")


def as_list(name: str, value: Any) -> list[Any]:
    """The elements of a column as Python objects."""
    if isinstance(value, list):
        return value
    if isinstance(value, (str, bytes)) or value is None:
        raise TypeError(f"{name} is of the type {type(value).__name__}, must be a column: a list or an array")
    if is_tensor(value):
        return plain_array(name, value).tolist()  # type: ignore[no-any-return]
    for method in ("tolist", "to_list"):
        if hasattr(value, method):
            return list(getattr(value, method)())
    return list(value)


def is_path(value: object) -> bool:
    """Whether a value names a file."""
    return isinstance(value, (str, os.PathLike))


def columns_of(name: str, value: Any) -> dict[str, Any] | None:
    """The columns of a data frame, a dict of columns or a list of rows; None for something else."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (list, tuple)):
        if not all(isinstance(row, Mapping) for row in value):
            raise TypeError(f"{name} is a list, whose elements must be dicts: a row each")
        keys = dict.fromkeys(key for row in value for key in row)
        return {key: [row.get(key) for row in value] for key in keys}
    if hasattr(value, "columns") and hasattr(value, "__getitem__"):
        return {str(column): value[column] for column in value.columns}
    return None
