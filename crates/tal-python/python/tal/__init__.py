"""Suppression, evaluation and data of temporal action localization.

Segments are pairs of start and end. Suppression takes any unit; evaluation and data take seconds.
"""

from typing import TYPE_CHECKING, Any

from tal._tal import __version__
from tal.evaluation import average_precision, bootstrap, compare, diagnose, evaluate, recall, thresholds
from tal.suppression import batched_nms, nms, seg_voting, soft_nms
from tal.tables import Annotations, Detections

if TYPE_CHECKING:
    from tal import compat, data, measures
    from tal.detector import Detector, DetectorError

__all__ = [
    "Annotations",
    "Detections",
    "Detector",
    "DetectorError",
    "__version__",
    "average_precision",
    "batched_nms",
    "bootstrap",
    "compare",
    "compat",
    "data",
    "diagnose",
    "evaluate",
    "measures",
    "nms",
    "recall",
    "seg_voting",
    "soft_nms",
    "thresholds",
]

_MODULES = ("compat", "data", "measures")


def __getattr__(name: str) -> Any:
    # Loaded when they are asked for, so that `import tal` stays quick.
    import importlib

    if name in _MODULES:
        return importlib.import_module(f"tal.{name}")
    if name in ("Detector", "DetectorError"):
        return getattr(importlib.import_module("tal.detector"), name)
    raise AttributeError(f"module 'tal' has no attribute {name!r}")
