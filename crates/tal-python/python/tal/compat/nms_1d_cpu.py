"""Stand-in for the compiled extension `nms_1d_cpu` of ActionFormer and its relatives, and for OpenTAD's of the same name.

Takes CPU tensors of PyTorch, NumPy arrays and lists; indices come as a tensor if `segs` is one. Equal scores come in the order
of the original. A score or an end that is not finite, or an end before its start, is an error; the original computes on.
"""

from __future__ import annotations

from typing import Any

from tal import _tal
from tal._inputs import is_tensor, plain_array
from tal._like import like

__all__ = ["nms", "softnms"]


def nms(segs: Any, scores: Any, iou_threshold: float) -> Any:
    """NMS: positions of the candidates that stay, int64, highest score first."""
    return like(segs, _tal.nms(segs, scores, iou_threshold))[0]


def softnms(
    segs: Any,
    scores: Any,
    dets: Any,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    t1: float = 0.0,
    t2: float = 0.0,
) -> Any:
    """Soft-NMS: positions in the order of selection, int64; writes start, end and score of each into the rows of `dets`.

    `dets` is float32 (N, 3); its rows behind the selected ones stay as they are. `t1` and `t2` are those of OpenTAD's method 3.
    """
    target = plain_array("dets", dets) if is_tensor(dets) else dets
    kept = _tal.softnms(segs, scores, target, iou_threshold, sigma, min_score, method, t1, t2)
    return like(segs, kept)[0]
