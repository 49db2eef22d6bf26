"""Stand-ins for `opentad/evaluations`: `mAP`, `Recall` and `mAP_EPIC`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tal import _tal
from tal.compat._evaluator import Rows, Tables, blocked_of, detections, figures, ground_truth, read_json, without_repeats

__all__ = ["Recall", "mAP", "mAP_EPIC"]


class _Evaluator(Tables):
    """Reading of both files."""

    # Class to position: names, or the numbers of EPIC-Kitchens.
    activity_index: dict[Any, int]

    def __init__(self, ground_truth_filename: Any, prediction_filename: Any, subset: str, blocked_videos: Any) -> None:
        if not ground_truth_filename:
            raise OSError("ground_truth_filename is empty, must be the path of an annotation file")
        if not prediction_filename:
            raise OSError("prediction_filename is empty, must be the path of a result file or a dict with 'results'")
        self.subset = subset
        self.gt_fields = ["database"]
        self.pred_fields = ["results"]
        self.blocked_videos = sorted(blocked_of(blocked_videos))
        self._blocked = set(self.blocked_videos)

    def _annotated(self, path: Any) -> list[tuple[str, list[dict[str, Any]]]]:
        database = read_json(path, "database", "annotation")
        return [
            (recording, entry["annotations"])
            for recording, entry in database.items()
            if entry["subset"] == self.subset and recording not in self._blocked
        ]

    def _found(self, source: Any) -> list[tuple[str, list[dict[str, Any]]]]:
        if isinstance(source, Mapping):
            if "results" not in source:
                raise OSError(f"prediction_filename is a dict with {', '.join(map(str, source))}, must have 'results'")
            results = source["results"]
        elif isinstance(source, (str, os.PathLike)):
            results = read_json(source, "results", "result")
        else:
            raise OSError(f"prediction_filename is of the type {type(source).__name__}, must be a path or a dict with 'results'")
        return [(recording, rows) for recording, rows in results.items() if recording not in self._blocked]

    def _read_truth(self, path: Any) -> Rows:
        """Ground truth without duplicates; classes are numbered in the order in which they first occur."""
        self.activity_index = {}
        truth = Rows()
        for recording, events in self._annotated(path):
            kept = without_repeats(events, lambda event: event["label"], lambda start, end: end - start <= 0)
            for event in kept:
                rank = self.activity_index.setdefault(event["label"], len(self.activity_index))
                truth.add(recording, event["segment"], rank)
        return truth


class mAP(_Evaluator):  # noqa: N801
    """mAP of a result file or dict, as OpenTAD's class of the same name; `thread` has no effect.

    Attributes:
        ap: (T, C). mAPs: (T,). average_mAP. With `top_k` recall: (T, K, C) and mRecall: (T, K). activity_index: class to
        position. ground_truth, prediction: tables.
    """

    def __init__(
        self,
        ground_truth_filename: Any,
        prediction_filename: Any,
        subset: str,
        tiou_thresholds: Any,
        top_k: Sequence[int] | None = None,
        blocked_videos: Any = None,
        thread: int = 16,
    ) -> None:
        super().__init__(ground_truth_filename, prediction_filename, subset, blocked_videos)
        self.tiou_thresholds = tiou_thresholds
        self.top_k = top_k
        self.thread = thread
        truth = self._read_truth(ground_truth_filename)
        num_classes = len(self.activity_index)
        found = Rows()
        for recording, rows in self._found(prediction_filename):
            for row in rows:
                # A class without annotations gets the number behind all others.
                found.add(recording, row["segment"], self.activity_index.get(row["label"], num_classes), row["score"])
        self._truth_rows, self._found_rows = truth, found
        self._truth = ground_truth(truth, num_classes)
        self._detections = detections(found.recording, found.start, found.end, found.label, found.score)

    def evaluate(self) -> dict[str, Any]:
        """`average_mAP`, `mAP@t` for each threshold and, with `top_k`, `recall@t@k`."""
        num_classes = len(self.activity_index)
        self.ap, recall = figures(
            self._truth, self._detections, num_classes, self.tiou_thresholds, "opentad", self.top_k
        )
        self.mAPs = self.ap.mean(axis=1)
        self.average_mAP = self.mAPs.mean()
        result: dict[str, Any] = {"average_mAP": self.average_mAP}
        for threshold, value in zip(self.tiou_thresholds, self.mAPs):
            result[f"mAP@{threshold}"] = value
        if recall is not None and self.top_k is not None:
            self.recall = recall
            self.mRecall = recall.mean(axis=2)
            for threshold, values in zip(self.tiou_thresholds, self.mRecall):
                for k, value in zip(self.top_k, values):
                    result[f"recall@{threshold}@{k}"] = value
        return result

    def logging(self, logger: Any = None) -> None:
        """Prints the figures, or hands them to `logger.info`."""
        write = print if logger is None else logger.info
        write(f"Loaded annotations from {self.subset} subset.")
        write(f"Number of ground truth instances: {len(self._truth_rows.start)}")
        write(f"Number of predictions: {len(self._found_rows.start)}")
        write(f"Fixed threshold for tiou score: {self.tiou_thresholds}")
        write(f"Average-mAP: {self.average_mAP * 100:>4.2f} (%)")
        for threshold, value in zip(self.tiou_thresholds, self.mAPs):
            write(f"mAP at tIoU {threshold:.2f} is {value * 100:>4.2f}%")
        if self.top_k is not None:
            write(f"Fixed top-kx results: {self.top_k}")
            for threshold, values in zip(self.tiou_thresholds, self.mRecall):
                each = ", ".join(f"R{k:d} is {value * 100:>4.2f}%" for k, value in zip(self.top_k, values))
                write(f"Recall at tIoU {threshold:.2f}: {each}")


class Recall(_Evaluator):
    """Average recall of proposals, as OpenTAD's class of the same name.

    Attributes:
        recall: (T, N) at N = `max_avg_nr_proposals` average numbers of proposals. avg_recall, proposals_per_video: (N,). auc.
    """

    def __init__(
        self,
        ground_truth_filename: Any,
        prediction_filename: Any,
        subset: str,
        tiou_thresholds: Any,
        topk: Sequence[int] = (1, 5, 10, 100),
        max_avg_nr_proposals: int = 100,
        blocked_videos: Any = None,
    ) -> None:
        super().__init__(ground_truth_filename, prediction_filename, subset, blocked_videos)
        if max_avg_nr_proposals < 1:
            raise ValueError(f"max_avg_nr_proposals is {max_avg_nr_proposals}, must be at least 1")
        self.tiou_thresholds = tiou_thresholds
        self.max_avg_nr_proposals = max_avg_nr_proposals
        self.topk = [int(k) for k in topk]
        truth, found = self._read_truth(ground_truth_filename), Rows()
        for recording, rows in self._found(prediction_filename):
            for row in rows:
                found.add(recording, row["segment"], -1, row["score"])
        self._truth_rows, self._found_rows = truth, found
        self._truth = ground_truth(truth, len(self.activity_index))
        self._detections = detections(found.recording, found.start, found.end, found.label, found.score)

    @property
    def proposal(self) -> Any:
        """Proposals of recordings that are not blocked."""
        return self.prediction

    def evaluate(self) -> dict[str, Any]:
        """`AUC`, and `AR@k` for each of `topk`."""
        config = {"dialect": "opentad", "tiou_thresholds": [float(t) for t in self.tiou_thresholds]}
        num = self.max_avg_nr_proposals
        curve = _tal.average_recall(self._truth, self._detections, config, None, num, num)
        self.recall = np.array(curve["recall"]).reshape(len(config["tiou_thresholds"]), num)
        self.avg_recall = np.array(curve["average_recall"])
        self.proposals_per_video = np.array(curve["num_proposals"])
        self.auc = curve["area"]
        result: dict[str, Any] = {"AUC": self.auc}
        for k in self.topk:
            if not 1 <= k <= num:
                raise ValueError(f"topk has {k}, must be from 1 to max_avg_nr_proposals, {num}")
            result[f"AR@{k}"] = np.mean(self.recall[:, k - 1])
        return result

    def logging(self, logger: Any = None) -> None:
        """Prints the figures, or hands them to `logger.info`."""
        write = print if logger is None else logger.info
        write(f"Loaded annotations from {self.subset} subset.")
        write(f"Number of ground truth instances: {len(self._truth_rows.start)}")
        write(f"Number of predictions: {len(self._found_rows.start)}")
        write(f"Fixed threshold for tiou score: {self.tiou_thresholds}")
        write(f"AUC: {self.auc * 100:>4.2f} (%)")
        for k in self.topk:
            write(f"AR@{k:3d} is {np.mean(self.recall[:, k - 1]) * 100:>4.2f}%")


class mAP_EPIC(_Evaluator):  # noqa: N801
    """mAP of verbs, nouns or actions of EPIC-Kitchens, as OpenTAD's class of the same name; `thread` has no effect.

    All annotations count, repeated ones as well. The id of a predicted class without annotations may collide with the rank of
    another class, as in the original.
    """

    def __init__(
        self,
        ground_truth_filename: Any,
        prediction_filename: Any,
        subset: str,
        tiou_thresholds: Any,
        blocked_videos: Any = None,
        thread: int = 16,
        task: str = "verb",
        noun_classes: int = 300,
        verb_classes: int = 97,
    ) -> None:
        super().__init__(ground_truth_filename, prediction_filename, subset, blocked_videos)
        if task not in ("verb", "noun", "action"):
            raise AssertionError(f"task should be verb, noun, or action, but got {task}")
        self.tiou_thresholds = tiou_thresholds
        self.thread = thread
        self.task = task
        self.noun_classes = noun_classes
        self.verb_classes = verb_classes
        truth, found = Rows(), Rows()
        for recording, events in self._annotated(ground_truth_filename):
            for event in events:
                verb, noun = (int(event[name].replace("id_", "")) for name in ("verb_label", "noun_label"))
                truth.add(recording, event["segment"], self._class_id(verb, noun))
        for recording, rows in self._found(prediction_filename):
            for row in rows:
                found.add(recording, row["segment"], self._predicted(row), row["score"])
        self.activity_index = {label: rank for rank, label in enumerate(sorted(set(truth.label)))}
        truth.label = [self.activity_index[label] for label in truth.label]
        found.label = [self.activity_index.get(label, label) for label in found.label]
        self._truth_rows, self._found_rows = truth, found
        self._truth = ground_truth(truth, len(self.activity_index))
        self._detections = self._countable(found)

    def _class_id(self, verb: int, noun: int) -> int:
        return {"verb": verb, "noun": noun, "action": verb * self.noun_classes + noun}[self.task]

    def _predicted(self, row: dict[str, Any]) -> int:
        if self.task == "action":
            verb, noun = (int(part) for part in row["action"].split(",")[:2])
            return self._class_id(verb, noun)
        return int(row[self.task])

    def _countable(self, found: Rows) -> Any:
        """Detections of classes with annotations. One without length finds nothing here, so it goes to no recording."""
        start, end = np.array(found.start, dtype=float), np.array(found.end, dtype=float)
        label, score = np.array(found.label, dtype=np.int64), np.array(found.score, dtype=float)
        kept = (label >= 0) & (label < len(self.activity_index))
        nowhere = "\0 without length"
        names = [nowhere if empty else name for name, empty in zip(found.recording, start >= end)]
        recording = [name for name, stays in zip(names, kept) if stays]
        return detections(recording, start[kept], end[kept], label[kept], score[kept])

    def evaluate(self) -> dict[str, Any]:
        """`average_mAP`, and `mAP@t` for each threshold."""
        num_classes = len(self.activity_index)
        self.ap, _ = figures(self._truth, self._detections, num_classes, self.tiou_thresholds, "activitynet", None)
        self.mAPs = self.ap.mean(axis=1)
        self.average_mAP = self.mAPs.mean()
        result: dict[str, Any] = {"average_mAP": self.average_mAP}
        for threshold, value in zip(self.tiou_thresholds, self.mAPs):
            result[f"mAP@{threshold}"] = value
        return result

    def logging(self, logger: Any = None) -> None:
        """Prints the figures, or hands them to `logger.info`."""
        write = print if logger is None else logger.info
        write(f"Evaluating {self.task} task.")
        write(f"Loaded annotations from {self.subset} subset.")
        write(f"Number of ground truth instances: {len(self._truth_rows.start)}")
        write(f"Number of predictions: {len(self._found_rows.start)}")
        write(f"Fixed threshold for tiou score: {self.tiou_thresholds}")
        write(f"Average-mAP: {self.average_mAP * 100:>4.2f} (%)")
        for threshold, value in zip(self.tiou_thresholds, self.mAPs):
            write(f"mAP at tIoU {threshold:.2f} is {value * 100:>4.2f}%")
