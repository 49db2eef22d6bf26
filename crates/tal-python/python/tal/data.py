"""Data sets in files: annotations, detections, features, PyTorch files, and the check of a whole data set.

Times are in seconds. Features are arrays of the shape (T, C): a row per time step.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tal import _tal
from tal._inputs import as_array
from tal.results import Result
from tal.tables import Annotations, Detections, annotations_of, detections_of

__all__ = [
    "Annotations",
    "Detections",
    "annotation_formats",
    "check",
    "load_pth",
    "read_annotations",
    "read_detections",
    "read_features",
    "write_annotations",
    "write_detections",
    "write_features",
]

PathLike = str | os.PathLike[str]

_FEATURE_FORMATS = {
    ".npy": "npy",
    ".npz": "npz",
    ".safetensors": "safetensors",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".pt": "torch",
    ".pth": "torch",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".csv": "csv",
}


def annotation_formats() -> list[str]:
    """Names of the formats that :func:`read_annotations` reads."""
    return _tal.annotation_formats()


def read_annotations(
    paths: PathLike | Sequence[PathLike],
    format: str = "json",
    *,
    fps: float | None = None,
    subset: str | None = None,
    drop_classes: Sequence[str] = (),
    all_labels: bool = False,
    strict: bool = False,
    point_width: float | None = None,
) -> Annotations:
    """Annotations of a data set as its publisher ships them, or as an annotation tool writes them.

    Args:
        paths: a file, a folder or several of them.
        format: one of :func:`annotation_formats`; `json` is the layout that ActionFormer, TriDet and OpenTAD share.
        fps: frame rate of recordings whose files name none.
        subset: subset of recordings for which the format does not say it.
        drop_classes: classes whose annotations are left out.
        all_labels: Ego4D: also the labels that are not primary.
        strict: an annotation without length is an error instead of being left out.
        point_width: formats of annotation tools: length in seconds that an event without one gets.
    """
    given: list[PathLike] = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    return _tal.read_annotations(given, format, fps, subset, list(drop_classes), all_labels, strict, point_width)


def write_annotations(
    path: PathLike,
    annotations: Any,
    format: str | None = None,
    *,
    version: str = "tal",
) -> None:
    """Writes annotations; without a format the extension decides between `json` and `csv`. A file is replaced at once.

    Args:
        format: `json`, `activitynet`, `csv`, or that of an annotation tool, such as `boris` or `elan`.
        version: text in the files of `json` and `activitynet`.
    """
    kind = format or ("csv" if Path(path).suffix.lower() == ".csv" else "json")
    _tal.write_annotations(path, annotations_of(annotations), kind, version)


def read_detections(path: PathLike, classes: Any = None) -> Detections:
    """Detections of a file: JSON as in ActivityNet's results, CSV or TSV, or a pickle of ActionFormer and its relatives.

    Args:
        classes: names of the classes: annotations, a list, or a dict by id.
    """
    return detections_of(Path(path), classes=classes)


def write_detections(path: PathLike, detections: Any, classes: Any = None) -> None:
    """Writes detections; the extension (`json`, `csv`, `tsv`) says how. A file is replaced at once."""
    _tal.write_detections(path, detections_of(detections, classes=classes))


def read_features(
    path: PathLike,
    format: str | None = None,
    *,
    key: str | Sequence[str] | None = None,
    layout: Literal["time_first", "channel_first"] = "time_first",
    header: bool = False,
) -> np.ndarray[Any, Any]:
    """The features of a recording, float32 (T, C), from a file of any format.

    Args:
        format: `npy`, `npz`, `safetensors`, `hdf5`, `torch`, `pickle` or `csv`; without it the extension decides.
        key: name of the array in the file; of `torch` and `pickle` several, whose channels are joined.
        layout: order of the axes in the file.
        header: whether a CSV file has a line of names.
    """
    return _tal.read_features(path, _feature_format(path, format, key, layout, header))


def write_features(
    path: PathLike,
    features: Any,
    format: str | None = None,
    *,
    key: str | Sequence[str] | None = None,
    layout: Literal["time_first", "channel_first"] = "time_first",
    header: bool = False,
) -> None:
    """Writes features of the shape (T, C), which :func:`read_features` reads back. A file is replaced at once."""
    array = as_array("features", features, "float32")
    if array.ndim != 2:
        raise ValueError(f"features has the shape {array.shape}, must be (T, C)")
    if key is None and _kind(path, format) == "npz":
        key = "feats"
    _tal.write_features(path, array, _feature_format(path, format, key, layout, header))


def load_pth(path: PathLike, *keys: str) -> Any:
    """The content of a file of `torch.save`, or of a pickle of numbers, without running its code.

    Dicts, lists and numbers stay what they are, tensors become NumPy arrays (bfloat16 becomes float32). Objects of other
    classes become dicts with `class`, `arguments` and `state`. A file with anything else is refused.

    Args:
        keys: keys that lead to the wanted part, such as `"state_dict_ema"`.
    """
    return _tal.load_pth(path, list(keys))


def check(config: PathLike, *overrides: str, quick: bool = False) -> Result:
    """Looks for mistakes in the data set of a configuration file: annotations, features, and how they fit together.

    Args:
        config: configuration of the program, YAML.
        overrides: settings such as `"dataset.fps=30"`.
        quick: only look for the feature files, do not read them.

    Returns:
        `num_errors`, `num_warnings`, `num_notes`, `subsets` and `findings`.
    """
    return Result("Check", _tal.check(config, list(overrides), quick))


def _kind(path: PathLike, format: str | None) -> str:
    suffix = Path(path).suffix.lower()
    kind = format or _FEATURE_FORMATS.get(suffix)
    if kind is None or kind not in _FEATURE_FORMATS.values():
        known = ", ".join(dict.fromkeys(_FEATURE_FORMATS.values()))
        given = f"format is {format!r}" if format else f"path ends in {suffix!r}"
        raise ValueError(f"{given}; format must be one of {known}")
    return kind


def _feature_format(
    path: PathLike, format: str | None, key: str | Sequence[str] | None, layout: str, header: bool
) -> dict[str, Any]:
    kind = _kind(path, format)
    if layout not in ("time_first", "channel_first"):
        raise ValueError(f"layout is {layout!r}, must be time_first or channel_first")
    if kind == "csv":
        return {"type": "csv", "header": header}
    result: dict[str, Any] = {"type": kind, "layout": layout}
    if kind in ("torch", "pickle"):
        result["keys"] = [] if key is None else [key] if isinstance(key, str) else list(key)
    elif kind != "npy" and key is not None:
        if not isinstance(key, str):
            raise TypeError(f"key is {key!r}, must be one name for {kind}")
        result["key"] = key
    elif kind == "npz":
        with np.load(path) as archive:
            names = archive.files
        if len(names) != 1:
            raise ValueError(f"{os.fspath(path)} holds the arrays {', '.join(names)}; name one of them with key")
        result["key"] = names[0]
    return result
