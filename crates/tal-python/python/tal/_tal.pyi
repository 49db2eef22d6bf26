"""The compiled part. Its functions are called by the modules beside it, which check and convert arguments."""

from collections.abc import Sequence
from os import PathLike
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Annotations",
    "Detections",
    "__version__",
    "annotation_formats",
    "average_precision",
    "average_recall",
    "batched_nms",
    "bootstrap",
    "check",
    "compare",
    "default_thresholds",
    "diagnose",
    "evaluate",
    "factorize",
    "load_pth",
    "measure",
    "nms",
    "read_annotations",
    "read_detections",
    "read_features",
    "seg_voting",
    "soft_nms",
    "softnms",
    "write_annotations",
    "write_detections",
    "write_features",
]

__version__: str

@final
class Annotations:
    """Annotations of a data set, times in seconds."""

    @staticmethod
    def of(source: Any, **keywords: Any) -> Annotations: ...
    @staticmethod
    def build(
        recordings: Sequence[tuple[str, str, float | None, float | None]],
        recording: Any,
        start: Any,
        end: Any,
        label: Any,
        classes: dict[int, str],
    ) -> Annotations: ...
    @property
    def recordings(self) -> list[str]: ...
    @property
    def subsets(self) -> dict[str, str]: ...
    @property
    def durations(self) -> dict[str, float | None]: ...
    @property
    def fps(self) -> dict[str, float | None]: ...
    @property
    def classes(self) -> dict[int, str]: ...
    def to_dict(self) -> dict[str, Any]: ...
    def __len__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class Detections:
    """Detections of several recordings, times in seconds."""

    @staticmethod
    def of(source: Any, **keywords: Any) -> Detections: ...
    @staticmethod
    def build(
        recordings: Sequence[str],
        recording: Any,
        start: Any,
        end: Any,
        score: Any,
        label: Any,
        classes: dict[int, str],
    ) -> Detections: ...
    @property
    def recordings(self) -> list[str]: ...
    @property
    def classes(self) -> dict[int, str]: ...
    def to_dict(self) -> dict[str, Any]: ...
    def __len__(self) -> int: ...
    def _repr_html_(self) -> str: ...

def factorize(name: str, values: list[Any]) -> tuple[list[str], NDArray[np.int64]]: ...
def nms(segs: Any, scores: Any, iou_threshold: float) -> NDArray[np.int64]: ...
def softnms(
    segs: Any,
    scores: Any,
    dets: NDArray[np.float32],
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    t1: float,
    t2: float,
) -> NDArray[np.int64]: ...
def soft_nms(
    segs: Any,
    scores: Any,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    t1: float,
    t2: float,
    max_num: int | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]: ...
def batched_nms(
    segs: Any,
    scores: Any,
    cls_idxs: Any,
    iou_threshold: float,
    min_score: float,
    max_seg_num: int,
    use_soft_nms: bool,
    multiclass: bool,
    sigma: float,
    voting_thresh: float,
    method: int,
    t1: float,
    t2: float,
    by_overlap: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]: ...
def seg_voting(
    nms_segs: Any, all_segs: Any, all_scores: Any, iou_threshold: float, by_overlap: bool
) -> NDArray[np.float32]: ...
def evaluate(
    annotations: Annotations,
    detections: Detections,
    config: dict[str, Any],
    subsets: Sequence[str] | None = None,
    top_k: Sequence[int] | None = None,
    curves: bool = False,
    ties: bool = False,
) -> dict[str, Any]: ...
def average_recall(
    annotations: Annotations,
    detections: Detections,
    config: dict[str, Any],
    subsets: Sequence[str] | None,
    max_proposals: int,
    num_points: int,
) -> dict[str, Any]: ...
def diagnose(
    annotations: Annotations,
    detections: Detections,
    config: dict[str, Any],
    is_thumos14: bool,
    subsets: Sequence[str] | None,
) -> dict[str, Any]: ...
def bootstrap(
    annotations: Annotations,
    detections: Detections,
    config: dict[str, Any],
    bootstrap_config: dict[str, Any],
    subsets: Sequence[str] | None,
) -> dict[str, Any]: ...
def compare(
    annotations: Annotations,
    a: Detections,
    b: Detections,
    config: dict[str, Any],
    bootstrap_config: dict[str, Any],
    subsets: Sequence[str] | None,
) -> dict[str, Any]: ...
def default_thresholds(dataset: str) -> list[float]: ...
def average_precision(true_positives: Sequence[bool], num_ground_truth: int) -> float: ...
def measure(
    name: str,
    annotations: Annotations,
    detections: Detections,
    shared: dict[str, Any],
    rules: dict[str, Any],
    subsets: Sequence[str] | None,
    labs: Sequence[int] | None,
) -> Any: ...
def annotation_formats() -> list[str]: ...
def read_annotations(
    paths: Sequence[str | PathLike[str]],
    format: str,
    fps: float | None = None,
    subset: str | None = None,
    drop_classes: Sequence[str] = ...,
    all_labels: bool = False,
    strict: bool = False,
    point_width: float | None = None,
) -> Annotations: ...
def write_annotations(path: str | PathLike[str], annotations: Annotations, format: str, version: str) -> None: ...
def read_detections(path: str | PathLike[str], classes: dict[int, str]) -> Detections: ...
def write_detections(path: str | PathLike[str], detections: Detections) -> None: ...
def read_features(path: str | PathLike[str], format: dict[str, Any]) -> NDArray[np.float32]: ...
def write_features(path: str | PathLike[str], features: NDArray[np.float32], format: dict[str, Any]) -> None: ...
def load_pth(path: str | PathLike[str], keys: Sequence[str]) -> Any: ...
def check(path: str | PathLike[str], overrides: Sequence[str], quick: bool) -> dict[str, Any]: ...
