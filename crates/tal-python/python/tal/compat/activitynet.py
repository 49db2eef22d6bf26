"""Stand-in for `Evaluation/eval_detection.py` of ActivityNet."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from tal.compat._evaluator import Rows, Tables, blocked_of, detections, figures, ground_truth, read_json

__all__ = ["ANETdetection"]


class ANETdetection(Tables):
    """mAP of a result file, as the class of the same name in ActivityNet.

    Args:
        ground_truth_filename, prediction_filename: annotations and results, JSON.
        ground_truth_fields, prediction_fields: entries that the files must have.
        tiou_thresholds: thresholds.
        subset: name of the subset, compared exactly.
        verbose: print what is loaded and found.
        check_status: the original asks a server for blocked videos; nothing is asked here, and a warning says so. Give
            `blocked_videos` instead.
        blocked_videos: JSON list of ids that do not count.

    Attributes:
        ap: (T, C). mAP: (T,). average_mAP. activity_index: class to position. ground_truth, prediction: tables.
    """

    GROUND_TRUTH_FIELDS = ("database", "taxonomy", "version")
    PREDICTION_FIELDS = ("results", "version", "external_data")

    def __init__(
        self,
        ground_truth_filename: str,
        prediction_filename: str,
        ground_truth_fields: Sequence[str] = GROUND_TRUTH_FIELDS,
        prediction_fields: Sequence[str] = PREDICTION_FIELDS,
        tiou_thresholds: Any = np.linspace(0.5, 0.95, 10),
        subset: str = "validation",
        verbose: bool = False,
        check_status: bool = True,
        *,
        blocked_videos: str | None = None,
    ) -> None:
        for name in ground_truth_fields:
            read_json(ground_truth_filename, name, "annotation")
        for name in prediction_fields:
            read_json(prediction_filename, name, "result")
        self.subset = subset
        self.tiou_thresholds = tiou_thresholds
        self.verbose = verbose
        self.gt_fields = ground_truth_fields
        self.pred_fields = prediction_fields
        self.ap: np.ndarray[Any, Any] | None = None
        self.check_status = check_status
        if check_status and blocked_videos is None:
            warnings.warn(
                "the list of blocked videos is not fetched from ActivityNet's server; give blocked_videos, or check_status=False",
                stacklevel=2,
            )
        blocked = blocked_of(blocked_videos)
        self.blocked_videos = sorted(blocked)
        self.activity_index: dict[str, int] = {}
        truth, found = Rows(), Rows()
        for recording, entry in read_json(ground_truth_filename, "database", "annotation").items():
            if entry["subset"] != subset or recording in blocked:
                continue
            for event in entry["annotations"]:
                rank = self.activity_index.setdefault(event["label"], len(self.activity_index))
                truth.add(recording, event["segment"], rank)
        for recording, rows in read_json(prediction_filename, "results", "result").items():
            if recording in blocked:
                continue
            for row in rows:
                if row["label"] not in self.activity_index:
                    raise KeyError(f"{prediction_filename}: class {row['label']!r} has no annotation in the subset {subset!r}")
                found.add(recording, row["segment"], self.activity_index[row["label"]], row["score"])
        self._truth_rows, self._found_rows = truth, found
        self._truth = ground_truth(truth, len(self.activity_index))
        self._found = detections(found.recording, found.start, found.end, found.label, found.score)
        if verbose:
            print(f"[INIT] Loaded annotations from {subset} subset.")
            print(f"\tNumber of ground truth instances: {len(truth.start)}")
            print(f"\tNumber of predictions: {len(found.start)}")
            print(f"\tFixed threshold for tiou score: {self.tiou_thresholds}")

    def evaluate(self) -> None:
        """Computes `ap`, `mAP` and `average_mAP`."""
        num_classes = len(self.activity_index)
        self.ap, _ = figures(self._truth, self._found, num_classes, self.tiou_thresholds, "activitynet", None)
        self.mAP = self.ap.mean(axis=1)
        self.average_mAP = self.mAP.mean()
        if self.verbose:
            print("[RESULTS] Performance on ActivityNet detection task.")
            print(f"Average-mAP: {self.average_mAP}")
