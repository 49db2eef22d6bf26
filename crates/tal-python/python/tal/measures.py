"""Measures of neighbouring fields: frames, segments, events, points, bouts, agreement.

Detections become labels by `labelling`: `single` (one class at a time, that of the highest score) or `multiple` (each class by
itself), from `min_score` on. A recording without a duration ends with its last annotation or detection. Figures are fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from tal import _tal
from tal.evaluation import _names, _pair
from tal.results import Result

__all__ = [
    "agreement",
    "bouts",
    "event_scores",
    "frame_map",
    "frame_scores",
    "mabe_f_beta",
    "misalignment",
    "segmentation",
    "spotting",
]

Labelling = Literal["single", "multiple"]
Subset = str | Sequence[str] | None


def frame_scores(
    annotations: Any,
    detections: Any,
    *,
    frame_rate: float = 10.0,
    labelling: Labelling = "single",
    min_score: float = 0.0,
    subset: Subset = None,
) -> Result:
    """Precision, recall and F1 of frames: `micro`, `macro`, `counts`, `classes`."""
    return _measure("frame_scores", annotations, detections, subset, _shared(frame_rate, labelling, min_score))


def frame_map(annotations: Any, detections: Any, *, frame_rate: float = 10.0, subset: Subset = None) -> Result:
    """Average precision of frames: `map`, `classes`."""
    return _measure("frame_map", annotations, detections, subset, {"frame_rate": float(frame_rate)})


def segmentation(
    annotations: Any,
    detections: Any,
    *,
    overlaps: Sequence[float] = (0.1, 0.25, 0.5),
    background: Literal["ignored", "counted"] = "ignored",
    frame_rate: float = 10.0,
    min_score: float = 0.0,
    subset: Subset = None,
) -> Result:
    """Frame accuracy, Edit and F1@k of segments, as MS-TCN: `accuracy`, `edit`, `overlaps`, `f1`, `counts`."""
    rules = {"overlaps": [float(k) for k in overlaps], "background": background}
    shared = _shared(frame_rate, "single", min_score)
    return _measure("segmentation", annotations, detections, subset, shared, rules)


def event_scores(
    annotations: Any,
    detections: Any,
    *,
    onset_collar: float | None = 0.2,
    offset_collar: float | None = 0.2,
    offset_share: float = 0.5,
    matching: Literal["optimal", "greedy"] = "optimal",
    missed_is_zero: bool = True,
    labelling: Labelling = "multiple",
    min_score: float = 0.0,
    subset: Subset = None,
) -> Result:
    """Precision, recall and F1 of events with collars in seconds, as sed_eval: `micro`, `macro`, `counts`, `classes`."""
    rules = {
        "onset_collar": onset_collar,
        "offset_collar": offset_collar,
        "offset_share": float(offset_share),
        "matching": matching,
        "missed_is_zero": missed_is_zero,
    }
    return _measure("event_scores", annotations, detections, subset, _shared(10.0, labelling, min_score), rules)


def spotting(
    annotations: Any,
    detections: Any,
    *,
    tolerances: Sequence[float] = (1.0, 2.0, 3.0, 4.0, 5.0),
    frame_rate: float = 2.0,
    subset: Subset = None,
) -> Result:
    """mAP of points within tolerances in seconds, as SoccerNet: `average_map`, `map`, `tolerances`, `classes`."""
    rules = {"tolerances": [float(width) for width in tolerances], "frame_rate": float(frame_rate)}
    return _measure("spotting", annotations, detections, subset, {}, rules)


def mabe_f_beta(
    annotations: Any,
    detections: Any,
    *,
    labs: Sequence[int] | None = None,
    beta: float = 1.0,
    frame_rate: float = 10.0,
    min_score: float = 0.0,
    subset: Subset = None,
) -> Result:
    """F-beta of frames averaged over laboratories, as the MABe challenge; `labs` has the number of each recording's."""
    shared = {**_shared(frame_rate, "single", min_score), "beta": float(beta)}
    return _measure("mabe_f_beta", annotations, detections, subset, shared, labs=labs)


def misalignment(
    annotations: Any,
    detections: Any,
    *,
    labelling: Labelling = "multiple",
    min_score: float = 0.0,
    subset: Subset = None,
) -> Result:
    """Insertions, deletions, merges, fragmentations, overfill and underfill, as ward-metrics: `classes`."""
    return _measure("misalignment", annotations, detections, subset, _shared(10.0, labelling, min_score))


def bouts(
    annotations: Any,
    detections: Any,
    *,
    labelling: Labelling = "multiple",
    min_score: float = 0.0,
    subset: Subset = None,
) -> Result:
    """Number, length and share of time of bouts, as the time budget of BORIS: `classes`, with `truth` and `found`."""
    return _measure("bouts", annotations, detections, subset, _shared(10.0, labelling, min_score))


def agreement(
    annotations: Any,
    detections: Any,
    *,
    frame_rate: float = 10.0,
    min_score: float = 0.0,
    subset: Subset = None,
) -> Result:
    """Cohen's kappa of frames: `all`, `classes`. A second annotator's labels are detections with the score 1."""
    return _measure("agreement", annotations, detections, subset, _shared(frame_rate, "single", min_score))


def _shared(frame_rate: float, labelling: str, min_score: float) -> dict[str, Any]:
    if labelling not in ("single", "multiple"):
        raise ValueError(f"labelling is {labelling!r}, must be single or multiple")
    return {"frame_rate": float(frame_rate), "labelling": labelling, "min_score": float(min_score)}


def _measure(
    name: str,
    annotations: Any,
    detections: Any,
    subset: Subset,
    shared: dict[str, Any],
    rules: dict[str, Any] | None = None,
    labs: Sequence[int] | None = None,
) -> Result:
    truth, found = _pair(annotations, detections)
    numbers = None if labs is None else [int(lab) for lab in labs]
    figures = _tal.measure(name, truth, found, shared, rules or {}, _names(subset), numbers)
    return Result(name, {"classes": figures} if isinstance(figures, list) else figures)
