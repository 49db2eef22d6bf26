"""Evaluation, diagnosis, and their uncertainty.

`annotations` and `detections` are what :meth:`tal.Annotations.of` and :meth:`tal.Detections.of` take: paths, data frames, dicts
of columns, lists of rows. Times are in seconds, figures are fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from tal import _tal
from tal._inputs import as_array
from tal.results import Result
from tal.tables import Annotations, Detections, annotations_of, detections_of

__all__ = ["average_precision", "bootstrap", "compare", "diagnose", "evaluate", "recall", "thresholds"]

Dialect = Literal["activitynet", "actionformer", "tridet", "opentad", "clean"]
_DIALECTS = ("activitynet", "actionformer", "tridet", "opentad", "clean")


def evaluate(
    annotations: Any,
    detections: Any,
    *,
    dialect: Dialect = "clean",
    tiou_thresholds: Any = None,
    dataset: str | None = None,
    subset: str | Sequence[str] | None = None,
    top_k: Sequence[int] | None = None,
    ambiguous_class: str | None = None,
    blocked: Sequence[str] = (),
    curves: bool = False,
    ties: bool = False,
) -> Result:
    """Mean average precision by the rules of a dialect.

    Args:
        dialect: rules of a released evaluator, or `clean`, which is recommended for new results.
        tiou_thresholds: thresholds, default 0.3, 0.4, … 0.7; or give `dataset`, such as `thumos14`, for its usual ones.
        subset: name or names of the evaluated subset, default all recordings.
        top_k: multiples k for Recall@k×; the figures are then in `recall_at`.
        ambiguous_class: class whose annotations excuse false positives, as in THUMOS14.
        blocked: ids of recordings that do not count.
        curves, ties: also precision-recall curves, and how far equal scores can move the figures.

    Returns:
        `average_map`, `map` (per threshold), `classes` (with `ap` per threshold), `counts`, `tiou_thresholds`, `dialect`.
    """
    truth, found = _pair(annotations, detections)
    config = _config(dialect, tiou_thresholds, dataset, ambiguous_class, blocked)
    all_figures = _tal.evaluate(truth, found, config, _names(subset), _list(top_k), curves, ties)
    figures = dict(all_figures["evaluation"])
    names = truth.classes
    figures["classes"] = [{"name": names.get(row["label"]), **row} for row in figures["classes"]]
    for extra in ("recall_at", "curves", "ties"):
        if all_figures[extra] is not None:
            figures[extra] = all_figures[extra]
    return Result("Evaluation", figures)


def recall(
    annotations: Any,
    detections: Any,
    *,
    max_proposals: int = 100,
    num_points: int = 100,
    dialect: Dialect = "clean",
    tiou_thresholds: Any = None,
    subset: str | Sequence[str] | None = None,
    blocked: Sequence[str] = (),
) -> Result:
    """Average recall over the average number of proposals (AR@AN), whatever their class.

    Args:
        max_proposals: largest average number of proposals per recording.
        num_points: number of points of the curve.
        tiou_thresholds: thresholds, default 0.5, 0.55, … 0.95.

    Returns:
        `average_recall` and `num_proposals` per point, `recall` per threshold and point, `area`.
    """
    truth, found = _pair(annotations, detections)
    for name, value in (("max_proposals", max_proposals), ("num_points", num_points)):
        if value < 1:
            raise ValueError(f"{name} is {value}, must be at least 1")
    wanted = [(10 + step) / 20 for step in range(10)] if tiou_thresholds is None else tiou_thresholds
    config = _config(dialect, wanted, None, None, blocked)
    figures = _tal.average_recall(truth, found, config, _names(subset), max_proposals, num_points)
    return Result("AverageRecall", figures)


def diagnose(
    annotations: Any,
    detections: Any,
    *,
    preset: Literal["activitynet", "thumos14"] = "activitynet",
    subset: str | Sequence[str] | None = None,
    **options: Any,
) -> Result:
    """Diagnosis of false positives, and sensitivity to length, coverage and number of instances (DETAD).

    Args:
        preset: buckets and thresholds of a data set.
        options: `tiou_thresholds`, `min_tiou`, `num_groups`, `min_precision`, `counted_instances`, `ties`, `drop_duplicates`,
            `blocked`.

    Returns:
        `normalized_map`, `profile`, `impact`, `num_missed`, `characteristics`, `counts`.
    """
    truth, found = _pair(annotations, detections)
    if preset not in ("activitynet", "thumos14"):
        raise ValueError(f"preset is {preset!r}, must be activitynet or thumos14")
    if "tiou_thresholds" in options:
        options["tiou_thresholds"] = _thresholds(options["tiou_thresholds"])
    figures = _tal.diagnose(truth, found, options, preset == "thumos14", _names(subset))
    return Result("Diagnosis", figures)


def bootstrap(
    annotations: Any,
    detections: Any,
    *,
    num_replicates: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    dialect: Dialect = "clean",
    tiou_thresholds: Any = None,
    dataset: str | None = None,
    subset: str | Sequence[str] | None = None,
    ambiguous_class: str | None = None,
    blocked: Sequence[str] = (),
) -> Result:
    """Intervals of mAP and AP over recordings drawn at random.

    Returns:
        `average_map`, `map` and `classes`, each with `estimate`, `low` and `high`.
    """
    truth, found = _pair(annotations, detections)
    config = _config(dialect, tiou_thresholds, dataset, ambiguous_class, blocked)
    draws = _draws(num_replicates, seed, level)
    return Result("Confidence", _tal.bootstrap(truth, found, config, draws, _names(subset)))


def compare(
    annotations: Any,
    a: Any,
    b: Any,
    *,
    num_replicates: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    dialect: Dialect = "clean",
    tiou_thresholds: Any = None,
    dataset: str | None = None,
    subset: str | Sequence[str] | None = None,
    ambiguous_class: str | None = None,
    blocked: Sequence[str] = (),
) -> Result:
    """Comparison of two sets of detections on the same recordings, drawn at random together.

    Returns:
        `average_map` and `map` with `a`, `b`, `difference` and `p_value`; `verdict`: `a_better`, `b_better` or `undecided`.
    """
    truth, first = _pair(annotations, a, "a")
    second = _pair(truth, b, "b")[1]
    config = _config(dialect, tiou_thresholds, dataset, ambiguous_class, blocked)
    draws = _draws(num_replicates, seed, level)
    return Result("Comparison", _tal.compare(truth, first, second, config, draws, _names(subset)))


def average_precision(true_positives: Any, num_ground_truth: int) -> float:
    """Area under the precision envelope of a ranked list, highest score first; `true_positives` says which rows are hits."""
    hits = as_array("true_positives", true_positives, "int64")
    if num_ground_truth < 0:
        raise ValueError(f"num_ground_truth is {num_ground_truth}, must be at least 0")
    return _tal.average_precision([bool(hit) for hit in hits.tolist()], num_ground_truth)


def thresholds(dataset: str) -> np.ndarray[Any, Any]:
    """The tIoU thresholds at which results on a data set are compared: `thumos14`, `activitynet`, `hacs`, …"""
    return np.array(_tal.default_thresholds(dataset))


def _pair(annotations: Any, detections: Any, name: str = "detections") -> tuple[Annotations, Detections]:
    truth = annotations_of(annotations)
    found = detections_of(detections, classes=truth, name=name)
    known = truth.classes
    for number, text in found.classes.items():
        if known.get(number, text) != text:
            raise ValueError(
                f"{name}: class {number} is {text!r}, but {known[number]!r} in the annotations; "
                "make them with tal.Detections.of(…, classes=annotations)"
            )
    return truth, found


def _config(
    dialect: str, wanted: Any, dataset: str | None, ambiguous_class: str | None, blocked: Sequence[str]
) -> dict[str, Any]:
    if dialect not in _DIALECTS:
        raise ValueError(f"dialect is {dialect!r}, must be one of {', '.join(_DIALECTS)}")
    config: dict[str, Any] = {
        "dialect": dialect,
        "ambiguous_class": ambiguous_class,
        "blocked": _names(blocked) or [],
    }
    if wanted is None and dataset is not None:
        wanted = _tal.default_thresholds(dataset)
    if wanted is not None:
        config["tiou_thresholds"] = _thresholds(wanted)
    return config


def _thresholds(wanted: Any) -> list[float]:
    values = as_array("tiou_thresholds", wanted, "float64").reshape(-1).tolist()
    if not values:
        raise ValueError("tiou_thresholds is empty; give at least one")
    for position, value in enumerate(values):
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"tiou_thresholds[{position}] is {value}, must be between 0 and 1")
    return values


def _draws(num_replicates: int, seed: int, level: float) -> dict[str, Any]:
    for name, value in (("num_replicates", num_replicates), ("seed", seed)):
        if value < 0:
            raise ValueError(f"{name} is {value}, must be at least 0")
    return {"num_replicates": int(num_replicates), "seed": int(seed), "level": float(level)}


def _names(names: str | Sequence[str] | None) -> list[str] | None:
    if names is None:
        return None
    return [names] if isinstance(names, str) else [str(name) for name in names]


def _list(values: Sequence[int] | None) -> list[int] | None:
    if values is None:
        return None
    numbers = [int(value) for value in values]
    for value in numbers:
        if value < 1:
            raise ValueError(f"top_k has {value}, must be at least 1")
    return numbers
