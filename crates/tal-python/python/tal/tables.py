"""Annotations and detections out of files, data frames, dicts and lists."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tal import _tal
from tal._inputs import as_array, as_list, columns_of, is_path
from tal._tal import Annotations, Detections

__all__ = ["Annotations", "Detections", "annotations_of", "detections_of"]

Classes = Mapping[int, str]

# Names of the columns, ours first.
_NAMES = {
    "recording": ("recording", "video-id", "video_id", "video"),
    "start": ("start", "t-start", "t_start"),
    "end": ("end", "t-end", "t_end"),
    "label": ("label",),
    "label_id": ("label_id", "label-id"),
    "score": ("score",),
    "subset": ("subset",),
    "duration": ("duration",),
    "fps": ("fps",),
}


def annotations_of(
    source: Any,
    *,
    classes: Any = None,
    recordings: Iterable[str] | None = None,
    subset: Any = None,
    duration: Any = None,
    fps: Any = None,
    name: str = "annotations",
) -> Annotations:
    """Annotations of a file, a data frame, a dict of columns or a list of rows.

    The columns are `recording`, `start`, `end` (seconds), `label` (names or ids) and, if there are any, `label_id`, `subset`,
    `duration` (seconds) and `fps`; the names of the field's data frames (`video-id`, `t-start`, `t-end`) do as well.

    Args:
        classes: names of the classes, a list or a dict by id; otherwise names get ids in the order of the alphabet.
        recordings: ids of all recordings, those without annotations included.
        subset, duration, fps: one value for all recordings or a dict by recording, in place of a column.
    """
    if isinstance(source, Annotations):
        return source
    if is_path(source):
        kind = "csv" if str(source).lower().endswith((".csv", ".tsv")) else "json"
        return _tal.read_annotations([source], kind, fps=fps)
    columns = _columns(name, source)
    codes, ids = _recordings(name, columns, recordings)
    labels, known = _labels(name, columns, _class_names(classes))
    facts = {
        fact: _fact(name, fact, given, columns, codes, ids)
        for fact, given in (("subset", subset), ("duration", duration), ("fps", fps))
    }
    rows = [
        (
            recording,
            str(facts["subset"].get(recording, "all")),
            _number(facts["duration"].get(recording)),
            _number(facts["fps"].get(recording)),
        )
        for recording in ids
    ]
    start, end = (_numbers(name, columns, column) for column in ("start", "end"))
    return Annotations.build(rows, codes, start, end, labels, known)


def detections_of(source: Any, *, classes: Any = None, name: str = "detections") -> Detections:
    """Detections of a file, a data frame, a dict of columns, a list of rows, or a dict as in ActivityNet's result files.

    The columns are `recording`, `start`, `end` (seconds), `score` and `label` (names or ids); without labels they are
    proposals.

    Args:
        classes: names of the classes: annotations, a list, or a dict by id.
    """
    if isinstance(source, Detections):
        return source
    known = _class_names(classes)
    if is_path(source):
        return _tal.read_detections(source, known)
    if isinstance(source, Mapping) and isinstance(source.get("results"), Mapping):
        source = _of_results(name, source["results"])
    columns = _columns(name, source)
    codes, ids = _recordings(name, columns, None)
    start, end, score = (_numbers(name, columns, column) for column in ("start", "end", "score"))
    if "label" in columns or "label_id" in columns:
        labels, known = _labels(name, columns, known)
    else:
        labels = np.full(len(codes), -1, dtype=np.int64)
    return Detections.build(ids, codes, start, end, score, labels, known)


def _of_results(name: str, results: Mapping[str, Any]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"recording": [], "start": [], "end": [], "label": [], "score": []}
    for recording, rows in results.items():
        for row in rows:
            try:
                start, end = row["segment"]
                columns["score"].append(float(row["score"]))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{name}: a row of recording {recording!r} is no detection ({error!r}); it needs segment and score"
                ) from error
            columns["recording"].append(recording)
            columns["start"].append(float(start))
            columns["end"].append(float(end))
            columns["label"].append(row.get("label"))
    if all(label is None for label in columns["label"]):
        del columns["label"]
    return columns


def _columns(name: str, source: Any) -> dict[str, Any]:
    found = columns_of(name, source)
    if found is None:
        raise TypeError(
            f"{name} is of the type {type(source).__name__}, must be a path, a data frame, a dict of columns or a list of rows"
        )
    columns = {}
    for column, names in _NAMES.items():
        for known in names:
            if known in found:
                columns[column] = found[known]
                break
    return columns


def _need(name: str, columns: dict[str, Any], column: str) -> Any:
    if column not in columns:
        raise ValueError(f"{name} has no column {column!r}; it has {', '.join(columns) or 'none that is known'}")
    return columns[column]


def _numbers(name: str, columns: dict[str, Any], column: str) -> np.ndarray[Any, Any]:
    return as_array(f"{name}[{column!r}]", _need(name, columns, column), "float64")


def _recordings(
    name: str, columns: dict[str, Any], recordings: Iterable[str] | None
) -> tuple[np.ndarray[Any, Any], list[str]]:
    values = as_list(f"{name}['recording']", _need(name, columns, "recording"))
    ids, codes = _tal.factorize(f"{name}['recording']", values)
    if recordings is not None:
        known = set(ids)
        ids = ids + [recording for recording in dict.fromkeys(recordings) if recording not in known]
    return codes, ids


def _labels(
    name: str, columns: dict[str, Any], known: dict[int, str]
) -> tuple[np.ndarray[Any, Any], dict[int, str]]:
    if "label" not in columns and "label_id" not in columns:
        raise ValueError(f"{name} has no column 'label'; it has {', '.join(columns)}")
    label = columns.get("label")
    if label is None or not _is_text(label):
        ids = columns["label_id"] if "label_id" in columns else label
        return as_array(f"{name}['label']", ids, "int64"), known
    names, codes = _tal.factorize(f"{name}['label']", as_list(f"{name}['label']", label))
    if "label_id" in columns and not known:
        ids = as_array(f"{name}['label_id']", columns["label_id"], "int64")
        return ids, {int(i): names[c] for i, c in zip(ids, codes)}
    if not known:
        known = dict(enumerate(sorted(names)))
    by_name = {text: number for number, text in known.items()}
    for text in names:
        if text not in by_name:
            near = difflib.get_close_matches(text, by_name, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{name}['label'] has the class {text!r}, which is not one of the {len(by_name)} known{hint}")
    numbers = np.array([by_name[text] for text in names], dtype=np.int64)
    return numbers[codes] if len(numbers) else np.zeros(0, dtype=np.int64), known


def _is_text(values: Any) -> bool:
    dtype = getattr(values, "dtype", None)
    kind = getattr(dtype, "kind", None)
    if kind in ("i", "u", "f", "b"):
        return False
    if kind == "U":
        return True
    first = next((value for value in as_list("label", values) if value is not None), None)
    return isinstance(first, str)


def _class_names(classes: Any) -> dict[int, str]:
    if classes is None:
        return {}
    if isinstance(classes, (Annotations, Detections)):
        return classes.classes
    if isinstance(classes, Mapping):
        return {int(number): str(text) for number, text in classes.items()}
    if isinstance(classes, str):
        raise TypeError("classes is a str, must be a list of names or a dict of names by id")
    return dict(enumerate(str(text) for text in classes))


def _fact(
    name: str, fact: str, given: Any, columns: dict[str, Any], codes: np.ndarray[Any, Any], ids: list[str]
) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    if given is not None:
        return dict.fromkeys(ids, given)
    if fact not in columns:
        return {}
    found: dict[str, Any] = {}
    for code, value in zip(codes.tolist(), as_list(f"{name}[{fact!r}]", columns[fact])):
        recording = ids[code]
        if found.setdefault(recording, value) != value and value == value:
            raise ValueError(f"{name}: recording {recording!r} has two values of {fact}, {found[recording]!r} and {value!r}")
    return found


def _number(value: Any) -> float | None:
    if value is None or value != value:
        return None
    return float(value)
