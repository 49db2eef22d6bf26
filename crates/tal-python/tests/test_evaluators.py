"""The evaluators of the field against their rules written out, case by case."""

import json
import os

import numpy as np
import pytest
import reference_evaluation as reference

from tal.compat import ANETdetection, Recall, activitynet, mAP, mAP_EPIC

NUM_CASES = int(os.environ.get("TAL_PYTHON_CASES", "10000"))
THRESHOLDS = [0.3, 0.5, 0.75]
CLASSES = ["run", "jump", "fall", "swim"]


class Case:
    """A small data set and detections: few classes, some without annotations, empty, repeated and short annotations."""

    def __init__(self, rng, with_empty=True):
        self.rng = rng
        videos = [f"v{n}" for n in range(int(rng.integers(1, 4)))]
        self.truth, self.found = [], []
        for video in videos:
            for _ in range(int(rng.integers(0, 5))):
                self.truth.append((video, self.segment(with_empty), int(rng.integers(0, 3))))
                if rng.random() < 0.2:
                    self.truth.append(self.truth[-1])
        if not any(end - start >= 1e-3 for _, (start, end), _ in self.truth):
            self.truth.append((videos[0], (1.0, 3.0), int(rng.integers(0, 3))))
        for video in [*videos, "other"]:
            for _ in range(int(rng.integers(0, 7))):
                label = int(rng.integers(0, 4))
                self.found.append((video, self.segment(with_empty), label, self.score()))
        if not self.found:
            self.found.append((videos[0], (1.0, 3.0), 0, 0.5))

    def segment(self, with_empty):
        start = float(self.rng.integers(0, 12)) / 2
        length = float(self.rng.integers(0 if with_empty else 1, 8)) / 2
        return start, start + length

    def score(self):
        # Sometimes equal.
        return float(self.rng.integers(1, 20)) / 20 if self.rng.random() < 0.3 else float(self.rng.random())

    def annotation_json(self, label=lambda number: {"label": CLASSES[number], "label_id": number}):
        database = {video: {"subset": "Test", "annotations": []} for video, *_ in self.truth}
        for video, segment, number in self.truth:
            database[video]["annotations"].append({"segment": list(segment), **label(number)})
        database["unused"] = {"subset": "Training", "annotations": [{"segment": [0, 9], **label(3)}]}
        return {"version": "1", "taxonomy": [], "database": database}

    def result_json(self, label=lambda number: {"label": CLASSES[number]}):
        results = {}
        for video, segment, number, score in self.found:
            results.setdefault(video, []).append({"segment": list(segment), "score": score, **label(number)})
        return {"version": "1", "external_data": {}, "results": results}

    def columns(self):
        return {
            "video-id": [row[0] for row in self.found],
            "t-start": np.array([row[1][0] for row in self.found]),
            "t-end": np.array([row[1][1] for row in self.found]),
            "label": np.array([row[2] for row in self.found]),
            "score": np.array([row[3] for row in self.found]),
        }


def per_class(truth, found, num_classes, least_union, multiples=()):
    ap = np.zeros((len(THRESHOLDS), num_classes))
    recall = np.zeros((len(THRESHOLDS), len(multiples), num_classes))
    for number in range(num_classes):
        of_truth = [row[:2] for row in truth if row[2] == number]
        of_found = [(row[0], row[1], row[3]) for row in found if row[2] == number]
        ap[:, number] = reference.average_precision(of_truth, of_found, THRESHOLDS, least_union)
        if multiples:
            recall[:, :, number] = reference.recall_at(of_truth, of_found, THRESHOLDS, multiples, least_union)
    return ap, recall


@pytest.fixture
def write(tmp_path):
    def written(name, data):
        path = tmp_path / name
        path.write_text(json.dumps(data))
        return str(path)

    return written


def test_anet_detection_of_actionformer(write):
    rng = np.random.default_rng(1)
    for case in range(NUM_CASES):
        made = Case(rng)
        path = write("truth.json", made.annotation_json())
        evaluator = ANETdetection(path, "test", THRESHOLDS, top_k=(1, 2))
        truth = reference.without_repeats(made.truth, lambda length: length < 1e-3)
        ranks = {label: rank for rank, label in enumerate(sorted({row[2] for row in truth}))}
        assert evaluator.activity_index == ranks
        # The id of a class without annotations stays, and is then a rank.
        found = [(video, segment, ranks.get(label, label), score) for video, segment, label, score in made.found]
        truth = [(video, segment, ranks[label]) for video, segment, label in truth]
        ap, recall = per_class(truth, found, len(ranks), 0.0, (1, 2))
        mean_ap, average, mean_recall = evaluator.evaluate(made.columns(), verbose=False)
        np.testing.assert_allclose(evaluator.ap, ap, rtol=1e-12, atol=1e-12, err_msg=str(case))
        np.testing.assert_allclose(evaluator.recall, recall, rtol=1e-12, atol=1e-12, err_msg=str(case))
        assert evaluator.ap.shape == (3, len(ranks)) and evaluator.recall.shape == (3, 2, len(ranks))
        assert (mean_ap.shape, mean_recall.shape) == ((3,), (3, 2))
        np.testing.assert_allclose(mean_ap, ap.mean(axis=1), rtol=1e-12)
        np.testing.assert_allclose(average, ap.mean(), rtol=1e-12, atol=1e-15)
        assert len(evaluator.ground_truth["t-start"]) == len(truth)


def test_map_of_opentad(write):
    rng = np.random.default_rng(2)
    for case in range(NUM_CASES):
        made = Case(rng)
        path = write("truth.json", made.annotation_json())
        evaluator = mAP(path, made.result_json(), "Test", THRESHOLDS, top_k=[1, 5] if case % 2 else None)
        truth = reference.without_repeats(made.truth, lambda length: length <= 0)
        by_video = [row for video in dict.fromkeys(r[0] for r in made.truth) for row in truth if row[0] == video]
        index = {label: place for place, label in enumerate(dict.fromkeys(row[2] for row in by_video))}
        assert evaluator.activity_index == {CLASSES[label]: place for label, place in index.items()}
        found = [(video, segment, index.get(label, len(index)), score) for video, segment, label, score in made.found]
        truth = [(video, segment, index[label]) for video, segment, label in truth]
        ap, recall = per_class(truth, found, len(index), 1e-8, (1, 5))
        result = evaluator.evaluate()
        np.testing.assert_allclose(evaluator.ap, ap, rtol=1e-12, atol=1e-12, err_msg=str(case))
        assert list(result)[:4] == ["average_mAP", "mAP@0.3", "mAP@0.5", "mAP@0.75"]
        np.testing.assert_allclose(result["mAP@0.5"], ap[1].mean(), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(result["average_mAP"], ap.mean(), rtol=1e-12, atol=1e-15)
        assert list(evaluator.prediction["label"]) == [row[2] for row in found]
        if case % 2:
            np.testing.assert_allclose(evaluator.mRecall, recall.mean(axis=2), rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(result["recall@0.3@5"], recall[0, 1].mean(), rtol=1e-12, atol=1e-15)


def test_recall_of_opentad(write):
    rng = np.random.default_rng(3)
    for case in range(NUM_CASES):
        made = Case(rng)
        path = write("truth.json", made.annotation_json())
        most = int(rng.choice([1, 2, 5]))
        truth = [row[:2] for row in reference.without_repeats(made.truth, lambda length: length <= 0)]
        found = [(row[0], row[1], row[3]) for row in made.found]
        evaluator = Recall(path, made.result_json(), "Test", THRESHOLDS, topk=[1, most], max_avg_nr_proposals=most)
        of_known = {row[0] for row in truth} & {row[0] for row in found}
        ratio = most * len({row[0] for row in truth}) / len(found)
        if not any(int(sum(row[0] == video for row in found) * ratio) for video in of_known):
            # The original divides by the number of proposals that are left.
            continue
        recall, numbers = reference.average_recall(truth, found, THRESHOLDS, most)
        result = evaluator.evaluate()
        np.testing.assert_allclose(evaluator.recall, recall, rtol=1e-12, atol=1e-12, err_msg=str(case))
        np.testing.assert_allclose(evaluator.proposals_per_video, numbers, rtol=1e-12)
        mean = recall.mean(axis=0)
        area = sum((mean[n] + mean[n + 1]) / 2 * (numbers[n + 1] - numbers[n]) for n in range(most - 1)) / numbers[-1]
        np.testing.assert_allclose(result["AUC"], area, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(result[f"AR@{most}"], mean[-1], rtol=1e-12, atol=1e-15)


def test_map_epic_of_opentad(write):
    rng = np.random.default_rng(4)
    for case in range(NUM_CASES // 5):
        made = Case(rng)
        labels = lambda number: {"verb_label": f"id_{number}", "noun_label": f"id_{number + 1}"}  # noqa: E731
        predicted = lambda number: {"verb": number, "noun": number + 1, "action": f"{number},{number + 1}"}  # noqa: E731
        path = write("truth.json", made.annotation_json(labels))
        task = ["verb", "noun", "action"][case % 3]
        evaluator = mAP_EPIC(path, made.result_json(predicted), "Test", THRESHOLDS, task=task)
        ids = {"verb": lambda n: n, "noun": lambda n: n + 1, "action": lambda n: n * 300 + n + 1}[task]
        ranks = {label: rank for rank, label in enumerate(sorted({ids(row[2]) for row in made.truth}))}
        truth = [(video, segment, ranks[ids(label)]) for video, segment, label in made.truth]
        found = [(video, segment, ranks.get(ids(label), ids(label)), score) for video, segment, label, score in made.found]
        ap, _ = per_class(truth, found, len(ranks), 1e-8)
        result = evaluator.evaluate()
        np.testing.assert_allclose(evaluator.ap, ap, rtol=1e-12, atol=1e-12, err_msg=str(case))
        np.testing.assert_allclose(result["average_mAP"], ap.mean(), rtol=1e-12, atol=1e-15)


def test_anet_detection_of_activitynet(write):
    rng = np.random.default_rng(5)
    for case in range(NUM_CASES // 5):
        made = Case(rng, with_empty=False)
        index = {label: place for place, label in enumerate(dict.fromkeys(row[2] for row in made.truth))}
        made.found = [row for row in made.found if row[2] in index] or [("v0", (0.0, 1.0), next(iter(index)), 0.5)]
        truth_path, found_path = write("truth.json", made.annotation_json()), write("found.json", made.result_json())
        evaluator = activitynet.ANETdetection(truth_path, found_path, tiou_thresholds=THRESHOLDS, subset="Test", check_status=False)
        assert evaluator.evaluate() is None
        truth = [(video, segment, index[label]) for video, segment, label in made.truth]
        found = [(video, segment, index[label], score) for video, segment, label, score in made.found]
        ap, _ = per_class(truth, found, len(index), 0.0)
        np.testing.assert_allclose(evaluator.ap, ap, rtol=1e-12, atol=1e-12, err_msg=str(case))
        np.testing.assert_allclose(evaluator.average_mAP, ap.mean(), rtol=1e-12, atol=1e-15)


def test_blocked_videos_do_not_count(write):
    made = Case(np.random.default_rng(6))
    made.truth = [("v0", (0.0, 2.0), 0), ("v1", (0.0, 2.0), 0)]
    made.found = [("v0", (0.0, 2.0), 0, 0.9)]
    path, blocked = write("truth.json", made.annotation_json()), write("blocked.json", ["v1"])
    assert mAP(path, made.result_json(), "Test", [0.5]).evaluate()["average_mAP"] == 0.5
    assert mAP(path, made.result_json(), "Test", [0.5], blocked_videos=blocked).evaluate()["average_mAP"] == 1.0


def test_logging_goes_to_a_logger(write):
    made = Case(np.random.default_rng(7))
    lines = []

    class Logger:
        info = lines.append

    evaluator = mAP(write("truth.json", made.annotation_json()), made.result_json(), "Test", [0.5], top_k=[1])
    evaluator.evaluate()
    evaluator.logging(Logger)
    assert lines[0] == "Loaded annotations from Test subset." and lines[-1].startswith("Recall at tIoU 0.50: R1 is ")
