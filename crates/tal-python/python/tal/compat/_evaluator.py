"""What the evaluators share: tables of rows, and their evaluation by the rules of a dialect."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tal import _tal
from tal.tables import Annotations, Detections


@dataclass
class Rows:
    """Rows of annotations or detections as lists."""

    recording: list[str] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    end: list[float] = field(default_factory=list)
    label: list[int] = field(default_factory=list)
    score: list[float] = field(default_factory=list)

    def add(self, recording: str, segment: Sequence[float], label: int, score: float | None = None) -> None:
        """Adds a row."""
        self.recording.append(recording)
        self.start.append(float(segment[0]))
        self.end.append(float(segment[1]))
        self.label.append(label)
        if score is not None:
            self.score.append(float(score))

    def table(self, with_score: bool) -> Any:
        """A data frame with the names of the originals; a dict of arrays if pandas is not installed."""
        columns: dict[str, Any] = {
            "video-id": self.recording,
            "t-start": np.array(self.start, dtype=float),
            "t-end": np.array(self.end, dtype=float),
            "label": np.array(self.label, dtype=np.int64),
        }
        if with_score:
            columns["score"] = np.array(self.score, dtype=float)
        try:
            import pandas
        except ModuleNotFoundError:
            return columns
        return pandas.DataFrame(columns)


class Tables:
    """The tables `ground_truth` and `prediction` (or `proposal`) of an evaluator, made when they are asked for."""

    _truth_rows: Rows
    _found_rows: Rows

    @cached_property
    def ground_truth(self) -> Any:
        """Annotations that count."""
        return self._truth_rows.table(with_score=False)

    @cached_property
    def prediction(self) -> Any:
        """Detections of recordings that are not blocked."""
        return self._found_rows.table(with_score=True)


def read_json(path: Any, field_name: str, what: str) -> Any:
    """The entry of a JSON file under which the recordings stand."""
    with open(path, encoding="utf8") as file:
        data = json.load(file)
    if not isinstance(data, dict) or field_name not in data:
        raise OSError(f"{path} is no {what} file: it has no entry {field_name!r}")
    return data[field_name]


def blocked_of(path: Any) -> set[str]:
    """Ids of blocked recordings out of a JSON file; none without a file."""
    if path is None:
        return set()
    return set(json.loads(Path(path).read_text(encoding="utf8")))


def without_repeats(
    annotations: Iterable[dict[str, Any]],
    label: Callable[[dict[str, Any]], Any],
    is_too_short: Callable[[float, float], bool],
) -> list[dict[str, Any]]:
    """The annotations of a recording but for short ones, and those with label and both ends (within 1 ms) of one that stays."""
    kept: list[dict[str, Any]] = []
    for event in annotations:
        start, end = event["segment"][0], event["segment"][1]
        if is_too_short(start, end):
            continue
        repeats = any(
            abs(start - other["segment"][0]) <= 1e-3
            and abs(end - other["segment"][1]) <= 1e-3
            and label(event) == label(other)
            for other in kept
        )
        if not repeats:
            kept.append(event)
    return kept


def ground_truth(rows: Rows, num_classes: int) -> Annotations:
    """Annotations whose labels are ranks from 0 on."""
    ids, codes = _tal.factorize("video-id", rows.recording)
    recordings = [(recording, "all", None, None) for recording in ids]
    classes = {rank: f"class_{rank}" for rank in range(num_classes)}
    return Annotations.build(recordings, codes, rows.start, rows.end, _integers(rows.label), classes)


def detections(recording: Any, start: Any, end: Any, label: Any, score: Any) -> Detections:
    """Detections out of columns."""
    ids, codes = _tal.factorize("video-id", recording)
    return Detections.build(ids, codes, start, end, score, label, {})


def figures(
    truth: Annotations,
    found: Detections,
    num_classes: int,
    tiou_thresholds: Any,
    dialect: str,
    top_k: Sequence[int] | None,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]:
    """AP (T, C) and, with `top_k`, recall (T, K, C) by the rules of a dialect; classes are ranks.

    Classes without annotations that count are NaN.
    """
    thresholds = [float(threshold) for threshold in tiou_thresholds]
    config = {"dialect": dialect, "tiou_thresholds": thresholds}
    result = _tal.evaluate(truth, found, config, None, None if top_k is None else [int(k) for k in top_k])
    ap = np.full((len(thresholds), num_classes), np.nan)
    for row in result["evaluation"]["classes"]:
        ap[:, row["label"]] = row["ap"]
    if top_k is None:
        return ap, None
    recall = np.full((len(thresholds), len(top_k), num_classes), np.nan)
    for row in result["recall_at"]["classes"]:
        recall[:, :, row["label"]] = row["recall"]
    return ap, recall


def _integers(values: list[int]) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.int64)
