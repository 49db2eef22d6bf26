"""Suppression of overlapping candidates.

Every function takes NumPy arrays, lists and CPU tensors, and returns tensors if `segs` is one. Overlap is
`inter / (l_a + l_b - inter)` in float32, with 1e-6 added to both lengths, as in the field's C++ extension; equal scores come in
its order, too. Other threads run while one works on more than 500 candidates.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tal import _tal
from tal._inputs import plain_array
from tal._like import like

__all__ = ["batched_nms", "nms", "seg_voting", "soft_nms"]

_METHODS = {"hard": 0, "linear": 1, "gaussian": 2, "long_gaussian": 3}
_WEIGHTS = ("score_iou", "score")

Method = Literal["hard", "linear", "gaussian", "long_gaussian"]
VoteWeight = Literal["score_iou", "score"]


def nms(segs: Any, scores: Any, iou_threshold: float) -> Any:
    """Non-maximum suppression.

    From the highest score down, a candidate stays if its overlap with each one that stays is below `iou_threshold`.

    Args:
        segs: starts and ends, (N, 2), any unit.
        scores: scores, (N,).
        iou_threshold: overlap from which on the lower score goes.

    Returns:
        Positions of those that stay, int64 (M,), highest score first; of equal scores the earlier first.
    """
    return like(segs, _tal.nms(segs, scores, iou_threshold))[0]


def soft_nms(
    segs: Any,
    scores: Any,
    *,
    method: Method | int = "gaussian",
    sigma: float = 0.5,
    iou_threshold: float = 0.1,
    min_score: float = 0.001,
    t1: float = 0.0,
    t2: float = 0.0,
    max_num: int | None = None,
) -> tuple[Any, Any, Any]:
    """Soft-NMS: the highest score is selected again and again, and lowers those of the candidates that overlap it.

    Args:
        segs: starts and ends, (N, 2), any unit.
        scores: scores, (N,).
        method: `gaussian` (times exp(-o²/sigma)), `linear` (times 1 - o from `iou_threshold` on), `hard` (0 from
            `iou_threshold` on), `long_gaussian` (Gaussian for o >= t1 + t2 * length); or their numbers 2, 1, 0 and 3.
        min_score: score below which a candidate goes; the first one is not compared with it.
        max_num: largest number of candidates that stay.

    Returns:
        Segments (M, 2) and scores (M,), float32, and positions in the input, int64 (M,), in the order of their selection.
    """
    segments, kept, indices = _tal.soft_nms(
        segs, scores, iou_threshold, sigma, min_score, _method(method), t1, t2, max_num
    )
    return like(segs, segments, kept, indices)


def batched_nms(
    segs: Any,
    scores: Any,
    cls_idxs: Any,
    iou_threshold: float = 0.1,
    min_score: float = 0.001,
    max_seg_num: int = 2000,
    use_soft_nms: bool = True,
    multiclass: bool = True,
    sigma: float = 0.5,
    voting_thresh: float = 0.75,
    method: Method | int = "gaussian",
    t1: float = 0.0,
    t2: float = 0.0,
    vote_weight: VoteWeight = "score_iou",
) -> tuple[Any, Any, Any]:
    """Suppression of a recording's candidates, with the arguments of ActionFormer and OpenTAD.

    Args:
        segs: starts and ends, (N, 2), any unit.
        scores: scores, (N,).
        cls_idxs: numbers of the classes, (N,).
        min_score: score below which a candidate goes (NMS: those with at most this score, if it is above 0).
        max_seg_num: largest number of candidates that stay.
        use_soft_nms: Soft-NMS, or NMS.
        multiclass: each class by itself, or all candidates together.
        voting_thresh: if above 0 and not `multiclass`, ends become the weighted mean of the candidates with at least this tIoU.
        vote_weight: weight of a vote, `score_iou` as in ActionFormer, or `score` as in TriDet and OpenTAD.

    Returns:
        Segments (M, 2) and scores (M,), float32, and classes (M,) of the given type, highest score first.
    """
    by_overlap = _vote_weight(vote_weight)
    segments, kept, indices = _tal.batched_nms(
        segs,
        scores,
        cls_idxs,
        iou_threshold,
        min_score,
        max_seg_num,
        use_soft_nms,
        multiclass,
        sigma,
        voting_thresh,
        method if type(method) is int else _method(method),
        t1,
        t2,
        by_overlap,
    )
    labels = cls_idxs if type(cls_idxs) is np.ndarray else plain_array("cls_idxs", cls_idxs)
    return like(segs, segments, kept, labels[indices])


def seg_voting(
    nms_segs: Any,
    all_segs: Any,
    all_scores: Any,
    iou_threshold: float,
    score_offset: float = 1.5,
    vote_weight: VoteWeight = "score_iou",
) -> Any:
    """Voting: the ends of a segment become the weighted mean of the candidates that overlap it.

    Args:
        nms_segs: segments that stayed, (M, 2).
        all_segs: all candidates, (N, 2).
        all_scores: their scores, (N,).
        iou_threshold: least tIoU of a vote.
        score_offset: without effect, as in the original.
        vote_weight: `score_iou` as in ActionFormer, or `score` as in TriDet and OpenTAD.

    Returns:
        Segments (M, 2), float32. One without votes stays as it is, where the original divides 0 by 0.
    """
    del score_offset
    by_overlap = _vote_weight(vote_weight)
    return like(nms_segs, _tal.seg_voting(nms_segs, all_segs, all_scores, iou_threshold, by_overlap))[0]


def _method(method: Method | int) -> int:
    if isinstance(method, str):
        if method not in _METHODS:
            raise ValueError(f"method is {method!r}, must be one of {', '.join(_METHODS)}")
        return _METHODS[method]
    return int(method)


def _vote_weight(weight: str) -> bool:
    if weight not in _WEIGHTS:
        raise ValueError(f"vote_weight is {weight!r}, must be {' or '.join(_WEIGHTS)}")
    return weight == "score_iou"
