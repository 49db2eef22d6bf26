"""Suppression against the rules written out, case by case."""

import os

import numpy as np
import pytest
import reference_nms as reference

import tal
from tal.compat import nms_1d_cpu

NUM_CASES = int(os.environ.get("TAL_PYTHON_CASES", "10000"))


def random_case(rng, most=6):
    """Few candidates that often touch, are equal or have equal scores."""
    num = int(rng.integers(0, most + 1))
    if rng.random() < 0.3:
        start = rng.integers(0, 6, num).astype(np.float32)
        end = start + rng.integers(0, 5, num).astype(np.float32)
        scores = (rng.integers(1, 5, num) / 4).astype(np.float32)
    else:
        start = (rng.random(num) * 10).astype(np.float32)
        end = start + (rng.random(num) * 6).astype(np.float32)
        scores = rng.random(num).astype(np.float32)
    return np.stack([start, end], axis=1).astype(np.float32), scores


def test_nms_is_the_rule():
    rng = np.random.default_rng(1)
    for case in range(NUM_CASES):
        segs, scores = random_case(rng)
        threshold = float(rng.choice([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]))
        kept = nms_1d_cpu.nms(segs, scores, threshold)
        assert kept.dtype == np.int64 and kept.ndim == 1
        assert kept.tolist() == reference.nms(segs, scores, threshold), case


@pytest.mark.parametrize("method", [0, 1, 2, 3])
def test_softnms_is_the_rule(method):
    rng = np.random.default_rng(10 + method)
    for case in range(NUM_CASES):
        segs, scores = random_case(rng)
        threshold, sigma = float(rng.choice([0.0, 0.1, 0.5])), float(rng.choice([0.1, 0.5, 2.0]))
        min_score = float(rng.choice([0.0, 0.001, 0.2]))
        t1, t2 = float(rng.random()) / 2, float(rng.random()) / 10
        dets = np.full((len(scores), 3), -7.0, dtype=np.float32)
        extra = {"t1": t1, "t2": t2} if method == 3 or case % 2 else {}
        kept = nms_1d_cpu.softnms(
            segs, scores, dets, iou_threshold=threshold, sigma=sigma, min_score=min_score, method=method, **extra
        )
        rows = reference.softnms(segs, scores, threshold, sigma, min_score, method, t1, t2)
        assert kept.dtype == np.int64
        assert kept.tolist() == [row.index for row in rows], case
        expected = np.full((len(scores), 3), -7.0, dtype=np.float32)
        for place, row in enumerate(rows):
            expected[place] = row.start, row.end, row.score
        np.testing.assert_array_equal(dets, expected, err_msg=str(case))


@pytest.mark.parametrize("multiclass", [True, False])
def test_batched_nms_is_the_rule(multiclass):
    rng = np.random.default_rng(20 + multiclass)
    for case in range(NUM_CASES):
        segs, scores = random_case(rng)
        labels = rng.integers(-1, 3, len(scores)).astype(rng.choice([np.int64, np.int32, np.uint8]))
        soft, cap = bool(rng.random() < 0.7), int(rng.integers(0, 9))
        threshold, min_score = float(rng.choice([0.1, 0.5])), float(rng.choice([0.0, 0.001, 0.3]))
        voting, by_overlap = float(rng.choice([0.0, 0.3, 0.75])), bool(rng.random() < 0.5)
        method, t1, t2 = int(rng.integers(0, 4)), 0.2, 0.02
        result = tal.batched_nms(
            segs,
            scores,
            labels,
            threshold,
            min_score,
            cap,
            soft,
            multiclass,
            0.5,
            voting,
            method=method,
            t1=t1,
            t2=t2,
            vote_weight="score_iou" if by_overlap else "score",
        )
        expected = reference.batched_nms(
            segs, scores, labels.tolist(), threshold, min_score, cap, soft, multiclass, 0.5, voting, method, t1, t2, by_overlap
        )
        assert [part.dtype for part in result] == [np.float32, np.float32, labels.dtype]
        assert result[0].shape == (len(expected[1]), 2)
        assert result[2].tolist() == expected[2], case
        np.testing.assert_array_equal(result[1], np.array(expected[1], dtype=np.float32))
        wanted = np.array(expected[0], dtype=np.float64).reshape(-1, 2)
        # Voting sums in another order.
        tolerance = 0 if multiclass or voting == 0 else 1e-6
        np.testing.assert_allclose(result[0], wanted, rtol=tolerance, atol=tolerance)


def test_seg_voting_is_the_rule():
    rng = np.random.default_rng(30)
    for _ in range(NUM_CASES):
        segs, scores = random_case(rng)
        kept = segs[rng.permutation(len(segs))[: rng.integers(0, len(segs) + 1)]]
        threshold, by_overlap = float(rng.choice([0.0, 0.3, 0.75])), bool(rng.random() < 0.5)
        moved = tal.seg_voting(kept, segs, scores, threshold, vote_weight="score_iou" if by_overlap else "score")
        expected = reference.seg_voting(kept, segs, scores, threshold, by_overlap)
        wanted = [new or tuple(old) for new, old in zip(expected, kept)]
        assert moved.shape == kept.shape and moved.dtype == np.float32
        np.testing.assert_allclose(moved, np.array(wanted).reshape(-1, 2), rtol=1e-6, atol=1e-6)


def test_soft_nms_names_its_methods():
    segs, scores = [[0, 4], [1, 4], [8, 9]], [0.9, 0.8, 0.7]
    for number, name in enumerate(["hard", "linear", "gaussian", "long_gaussian"]):
        by_name = tal.soft_nms(segs, scores, method=name)
        by_number = tal.soft_nms(segs, scores, method=number)
        for one, other in zip(by_name, by_number):
            np.testing.assert_array_equal(one, other)
    segments, kept, indices = tal.soft_nms(segs, scores, max_num=2)
    assert (segments.shape, kept.shape, indices.dtype) == ((2, 2), (2,), np.int64)
    assert indices.tolist() == [0, 2]


def test_many_candidates_of_one_class_give_the_rule():
    # From some number on a search tree takes the place of plain loops.
    rng = np.random.default_rng(40)
    start = (rng.random(2000) * 500).astype(np.float32)
    segs = np.stack([start, start + (rng.random(2000) * 8).astype(np.float32)], axis=1)
    scores = rng.permutation(np.linspace(0.01, 1, 2000)).astype(np.float32)
    for method in ("gaussian", "linear"):
        fast = tal.soft_nms(segs, scores, method=method, min_score=0.2)
        dets = np.zeros((2000, 3), dtype=np.float32)
        kept = nms_1d_cpu.softnms(segs, scores, dets, 0.1, 0.5, 0.2, {"linear": 1, "gaussian": 2}[method])
        assert fast[2].tolist() == kept.tolist()
        np.testing.assert_array_equal(fast[1], dets[: len(kept), 2])
