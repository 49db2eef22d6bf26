"""Stand-in for `libs/utils/metrics.py` of ActionFormer, TriDet, TemporalMaxer and CLTDR-GMG."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tal._inputs import as_array, as_list, columns_of
from tal.compat._evaluator import Rows, Tables, detections, figures, ground_truth, read_json, without_repeats

__all__ = ["ANETdetection"]

# Length below which ActionFormer takes an annotation for noise, in seconds.
_TOLERANCE = 1e-3


class ANETdetection(Tables):
    """mAP and Recall@k× of detections, as the class of the same name in ActionFormer.

    Args:
        ant_file: annotations, JSON.
        split: subset, in lower case; None takes all.
        tiou_thresholds: thresholds.
        top_k: multiples of the number of annotations; with None, `evaluate` returns two values, as TriDet's does.
        label: field of an annotation with its class id.
        label_offset: base if that field is a list of ids.
        num_workers: without effect; threads are shared with everything else.
        dataset_name: name for the output.
        rules: `actionformer`, where annotations below 1 ms do not count, or `tridet`, where empty ones do not (CLTDR-GMG).

    Attributes:
        ap: (T, C). recall: (T, K, C). activity_index: class id to position. ground_truth: table.
    """

    def __init__(
        self,
        ant_file: str,
        split: str | None = None,
        tiou_thresholds: Any = np.linspace(0.1, 0.5, 5),
        top_k: Sequence[int] | None = (1, 5),
        label: str = "label_id",
        label_offset: int = 0,
        num_workers: int = 8,
        dataset_name: str | None = None,
        *,
        rules: str = "actionformer",
    ) -> None:
        if rules not in ("actionformer", "tridet"):
            raise ValueError(f"rules is {rules!r}, must be actionformer or tridet")
        self.rules = rules
        self.tiou_thresholds = tiou_thresholds
        self.top_k = top_k
        self.ap: np.ndarray[Any, Any] | None = None
        self.recall: np.ndarray[Any, Any] | None = None
        self.num_workers = num_workers
        self.dataset_name = dataset_name if dataset_name is not None else os.path.basename(ant_file).replace(".json", "")
        self.split = split
        # TriDet drops empty annotations later, when classes have their ranks.
        least = _TOLERANCE if rules == "actionformer" else 0.0
        rows = Rows()
        for recording, entry in read_json(ant_file, "database", "annotation").items():
            if split is not None and entry["subset"].lower() != split:
                continue
            events = without_repeats(
                entry["annotations"],
                lambda event: event[label],
                lambda start, end: end - start < least,
            )
            for event in events:
                rows.add(recording, event["segment"], _class_id(event[label], label_offset))
        self.activity_index = {name: rank for rank, name in enumerate(sorted(set(rows.label)))}
        rows.label = [self.activity_index[name] for name in rows.label]
        self._truth_rows = rows
        self._truth = ground_truth(rows, len(self.activity_index))

    def evaluate(self, preds: Any, verbose: bool = True) -> tuple[Any, ...]:
        """mAP of detections: a data frame, the path of a JSON file, or a dict of arrays or tensors.

        Returns:
            mAP (T,), average mAP, and mRecall (T, K) if `top_k` is given.
        """
        columns = self._columns(preds)
        labels = as_array("preds['label']", columns["label"], "int64")
        # The id of a class without annotations stays, and may collide with the rank of another class.
        known = np.array(list(self.activity_index), dtype=np.int64)
        labels = labels.copy()
        if len(known):
            position = np.searchsorted(known, labels).clip(max=len(known) - 1)
            labels = np.where(known[position] == labels, position, labels)
        labels = np.where(labels < 0, np.iinfo(np.int32).max, labels)
        num_classes = len(self.activity_index)
        found = detections(
            as_list("preds['video-id']", columns["video-id"]),
            as_array("preds['t-start']", columns["t-start"], "float64"),
            as_array("preds['t-end']", columns["t-end"], "float64"),
            labels,
            as_array("preds['score']", columns["score"], "float64"),
        )
        ap, recall = figures(self._truth, found, num_classes, self.tiou_thresholds, self.rules, self.top_k)
        self.ap, self.recall = ap, recall
        # A class whose annotations are all empty is NaN.
        mean_ap = np.nanmean(ap, axis=1) if np.isnan(ap).any() else ap.mean(axis=1)
        average = mean_ap.mean()
        mean_recall = None if recall is None else np.nan_to_num(recall).mean(axis=2)
        if verbose:
            self._print(labels, mean_ap, average, mean_recall)
        return (mean_ap, average) if mean_recall is None else (mean_ap, average, mean_recall)

    def _columns(self, preds: Any) -> dict[str, Any]:
        if isinstance(preds, (str, os.PathLike)):
            rows = Rows()
            for recording, events in read_json(preds, "database", "detection").items():
                for event in events:
                    rows.add(recording, event["segment"], _class_id(event["label_id"], 0), event["scores"])
            return {
                "video-id": rows.recording,
                "t-start": rows.start,
                "t-end": rows.end,
                "label": rows.label,
                "score": rows.score,
            }
        columns = columns_of("preds", preds)
        if columns is None:
            raise TypeError(f"preds is of the type {type(preds).__name__}, must be a data frame, a path or a dict of arrays")
        missing = [name for name in ("video-id", "t-start", "t-end", "label", "score") if name not in columns]
        if missing:
            raise ValueError(f"preds has no column {missing[0]!r}; it has {', '.join(columns)}")
        return columns

    def _print(
        self,
        labels: np.ndarray[Any, Any],
        mean_ap: np.ndarray[Any, Any],
        average: Any,
        mean_recall: np.ndarray[Any, Any] | None,
    ) -> None:
        present = set(labels.tolist())
        for name, rank in self.activity_index.items():
            if rank not in present:
                print(f"Warning: No predictions of label '{name}' were provdied.")
        print(f"[RESULTS] Action detection results on {self.dataset_name}.")
        for position, (threshold, value) in enumerate(zip(self.tiou_thresholds, mean_ap)):
            line = f"|tIoU = {threshold:.2f}: mAP = {value * 100:.2f} (%)"
            if mean_recall is not None and self.top_k is not None:
                line += "".join(f" Recall@{k}x = {v * 100:.2f} (%)" for k, v in zip(self.top_k, mean_recall[position]))
            print(line)
        print(f"Average mAP: {average * 100:.2f} (%)")


def _class_id(value: Any, offset: int) -> int:
    if isinstance(value, (list, tuple)):
        # As the original adds them up: with the powers of the offset added, not multiplied.
        return sum(offset**place + int(part) for place, part in enumerate(value[::-1]))
    if isinstance(value, Mapping):
        raise TypeError(f"the class id of an annotation is {value!r}, must be a number or a list of numbers")
    return int(value)
