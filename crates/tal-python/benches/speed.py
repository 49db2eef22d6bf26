"""Speed from Python, beside the field's rules in NumPy and pandas, in one run.

python benches/speed.py [--full]

Without --full the reference evaluator works on a twentieth of the detections, and its time is multiplied: it takes minutes.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

import tal
from tal.compat import nms_1d_cpu

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import reference_nms  # noqa: E402

NUM_DETECTIONS = 400_000
NUM_RECORDINGS = 213
NUM_CLASSES = 20
THRESHOLDS = [0.3, 0.4, 0.5, 0.6, 0.7]


def best(work, repeats=5):
    """The shortest time of some runs, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def tables(rng):
    """Annotations and detections as data frames with the field's columns."""

    def segments(num):
        start = rng.random(num) * 200
        return start, start + 1 + rng.random(num) * 9

    truth_start, truth_end = segments(3000)
    start, end = segments(NUM_DETECTIONS)
    names = np.array([f"video_{number:04}" for number in range(NUM_RECORDINGS)], dtype=object)
    truth = pd.DataFrame(
        {
            "video-id": names[rng.integers(0, NUM_RECORDINGS, 3000)],
            "t-start": truth_start,
            "t-end": truth_end,
            "label": rng.integers(0, NUM_CLASSES, 3000),
        }
    )
    found = pd.DataFrame(
        {
            "video-id": names[rng.integers(0, NUM_RECORDINGS, NUM_DETECTIONS)],
            "t-start": start,
            "t-end": end,
            "label": rng.integers(0, NUM_CLASSES, NUM_DETECTIONS),
            "score": rng.random(NUM_DETECTIONS),
        }
    )
    return truth, found


def by_pandas(truth, found):
    """mAP as the field's evaluators compute it: row by row of a data frame, with groups by recording."""
    ap = np.zeros((len(THRESHOLDS), NUM_CLASSES))
    for label in range(NUM_CLASSES):
        of_truth = truth[truth["label"] == label].reset_index(drop=True)
        ranked = found[found["label"] == label].sort_values("score", ascending=False, kind="stable").reset_index(drop=True)
        groups = of_truth.groupby("video-id")
        taken = np.zeros((len(THRESHOLDS), len(of_truth)), dtype=bool)
        hits = np.zeros((len(THRESHOLDS), len(ranked)))
        for rank, row in ranked.iterrows():
            if row["video-id"] not in groups.indices:
                continue
            here = groups.get_group(row["video-id"]).reset_index()
            left = np.maximum(row["t-start"], here["t-start"].values)
            shared = (np.minimum(row["t-end"], here["t-end"].values) - left).clip(0)
            union = (here["t-end"] - here["t-start"]).values + (row["t-end"] - row["t-start"]) - shared
            tiou = shared / union
            for place, threshold in enumerate(THRESHOLDS):
                for candidate in tiou.argsort()[::-1]:
                    if tiou[candidate] < threshold:
                        break
                    if not taken[place, here["index"][candidate]]:
                        taken[place, here["index"][candidate]] = True
                        hits[place, rank] = 1
                        break
        for place in range(len(THRESHOLDS)):
            ap[place, label] = tal.average_precision(hits[place].astype(bool), len(of_truth))
    return ap.mean(axis=1)


def evaluation(rng, full):
    truth, found = tables(rng)
    share = 1 if full else 20
    some = found.iloc[:: share].reset_index(drop=True)
    options = {"dialect": "actionformer", "tiou_thresholds": THRESHOLDS}
    start = time.perf_counter()
    wanted = by_pandas(truth, some)
    slow = (time.perf_counter() - start) * share
    np.testing.assert_allclose(tal.evaluate(truth, some, **options).map, wanted, atol=1e-9)
    fast = best(lambda: tal.evaluate(truth, found, **options))
    ready_truth, ready = tal.Annotations.of(truth), tal.Detections.of(found)
    inner = best(lambda: tal.evaluate(ready_truth, ready, **options))
    note = "" if full else f" (measured on 1/{share})"
    print(f"evaluate, {NUM_DETECTIONS} detections: pandas {slow:.1f} s{note}, from data frames {fast * 1e3:.0f} ms, {slow / fast:.0f} times;")
    print(f"  of tables that were made before {inner * 1e3:.0f} ms, {slow / inner:.0f} times")
    return slow / fast


def candidates(rng, num):
    start = (rng.random(num) * 2000).astype(np.float32)
    segs = np.stack([start, start + 1 + (rng.random(num) * 40).astype(np.float32)], axis=1)
    return segs, rng.random(num).astype(np.float32), rng.integers(0, NUM_CLASSES, num)


def suppression(rng):
    segs, scores, labels = candidates(rng, 12_000)
    fast = best(lambda: tal.batched_nms(segs, scores, labels, 0.1, 0.001, 2000), 20)
    start = time.perf_counter()
    reference_nms.softnms(segs[labels == 0][:150], scores[labels == 0][:150], 0.1, 0.5, 0.001, 2)
    print(f"batched_nms, 12000 candidates of {NUM_CLASSES} classes: {fast * 1e3:.2f} ms")
    print(f"  the rule in NumPy scalars, 150 candidates of one class: {(time.perf_counter() - start) * 1e3:.0f} ms")
    return fast


def overhead(rng):
    segs, scores, labels = candidates(rng, 100)
    segs = segs * 100
    nothing = np.zeros((100, 3), np.float32)
    calls = {
        "nms": lambda: tal.nms(segs, scores, 0.5),
        "nms_1d_cpu.softnms": lambda: nms_1d_cpu.softnms(segs, scores, nothing, 0.5, 0.5, 0.9, 2),
        "batched_nms": lambda: tal.batched_nms(segs, scores, labels, 0.1, 0.5, 100),
    }
    worst = 0.0
    for name, call in calls.items():
        each = best(lambda call=call: [call() for _ in range(1000)]) / 1000
        worst = max(worst, each)
        print(f"{name}, 100 candidates: {each * 1e6:.1f} µs a call")
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="the reference evaluator on all detections")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    met = [
        ("evaluation at least 200 times as fast", evaluation(rng, arguments.full) >= 200),
        ("batched_nms at most 8 ms", suppression(rng) <= 8e-3),
        ("a call on 100 candidates at most 20 µs", overhead(rng) <= 20e-6),
    ]
    for goal, reached in met:
        print(f"{'met' if reached else 'MISSED'}: {goal}")


if __name__ == "__main__":
    main()
