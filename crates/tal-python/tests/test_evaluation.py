"""Evaluation, diagnosis, intervals and measures from Python."""

import json

import numpy as np
import pytest

import tal

TRUTH = {
    "recording": ["a", "a", "b", "c"],
    "start": [0.0, 8.0, 1.0, 2.0],
    "end": [4.0, 9.5, 2.5, 4.0],
    "label": ["jump", "run", "run", "jump"],
    "duration": [12.0, 12.0, 6.5, 8.0],
    "subset": ["Test", "Test", "Test", "Training"],
}
FOUND = {
    "recording": ["a", "a", "b", "a"],
    "start": [0.0, 8.0, 1.0, 5.0],
    "end": [4.0, 9.5, 2.0, 7.0],
    "label": ["jump", "run", "run", "jump"],
    "score": [0.9, 0.8, 0.7, 0.95],
}


def test_map_by_hand():
    result = tal.evaluate(TRUTH, FOUND, subset="test", tiou_thresholds=[0.5, 0.7])
    # The best jump is wrong, so its class has 1/2; run has both at 0.5, one at 0.7 (2/3 of the second).
    assert result.map == [0.75, 0.5]
    assert result.average_map == 0.625
    assert [row["name"] for row in result.classes] == ["jump", "run"]
    assert result.counts.num_recordings == 2
    with_all = tal.evaluate(TRUTH, FOUND, tiou_thresholds=[0.5], top_k=[1, 2], curves=True, ties=True)
    assert with_all.recall_at["k"] == [1, 2] and with_all.ties.num_tied == 0 and len(with_all.curves) == 2
    assert json.loads(json.dumps(with_all.to_dict())) == with_all.to_dict()


def test_results_show_themselves():
    result = tal.evaluate(TRUTH, FOUND, tiou_thresholds=[0.5])
    assert repr(result).startswith("Evaluation(dialect='clean', tiou_thresholds=[0.5000]")
    assert "<caption>Evaluation</caption>" in result._repr_html_() and "jump" in result._repr_html_()
    assert "average_map" in dir(result) and list(result)[0] == "dialect"
    with pytest.raises(AttributeError, match="average_map"):
        result.mean


def test_usual_thresholds():
    np.testing.assert_array_equal(tal.thresholds("thumos14"), [0.3, 0.4, 0.5, 0.6, 0.7])
    assert tal.evaluate(TRUTH, FOUND, dataset="hacs").tiou_thresholds[-1] == 0.95
    assert tal.average_precision([True, False, True], 4) == pytest.approx(5 / 12)


def test_diagnosis_intervals_and_comparison():
    diagnosis = tal.diagnose(TRUTH, FOUND, preset="thumos14", min_tiou=0.2)
    assert diagnosis.tiou_thresholds == [0.5] and diagnosis.counts.num_classes == 2
    interval = tal.bootstrap(TRUTH, FOUND, num_replicates=50, seed=3).average_map
    assert interval.low <= interval.estimate <= interval.high
    same = tal.compare(TRUTH, FOUND, FOUND, num_replicates=50)
    assert same.verdict == "undecided" and same.average_map.p_value == 1.0
    worse = {**FOUND, "score": [0.9, 0.8, 0.7, 0.1]}
    assert tal.compare(TRUTH, FOUND, worse, num_replicates=50).average_map.b > same.average_map.a


def test_measures_of_a_perfect_detector_are_one():
    found = {name: TRUTH[name] for name in ("recording", "start", "end", "label")} | {"score": [1.0] * 4}
    measures = tal.measures
    assert measures.frame_scores(TRUTH, found).micro.f1 == 1.0
    assert measures.frame_map(TRUTH, found).map == 1.0
    segments = measures.segmentation(TRUTH, found, overlaps=[0.5])
    assert (segments.accuracy, segments.edit, segments.f1) == (1.0, 1.0, [1.0])
    assert measures.event_scores(TRUTH, found).micro.f1 == 1.0
    assert measures.spotting(TRUTH, found).average_map == pytest.approx(1.0)
    assert measures.mabe_f_beta(TRUTH, found, labs=[0, 1, 1]).f_beta == 1.0
    assert measures.agreement(TRUTH, found).all.kappa == 1.0
    misaligned = measures.misalignment(TRUTH, found).classes
    assert all(row["events"]["deleted"] == row["events"]["inserted"] == 0 for row in misaligned)
    jumps = measures.bouts(TRUTH, found).classes[0]
    assert jumps["truth"]["total"] == jumps["found"]["total"] == 6.0 and jumps["truth"]["num"] == 2


def test_measures_tell_what_was_missed():
    figures = tal.measures.event_scores(TRUTH, FOUND, subset="test").counts
    assert (figures.true_positives, figures.false_positives, figures.false_negatives) == (3, 1, 0)
    assert tal.measures.frame_scores(TRUTH, FOUND).micro.recall < 1.0
