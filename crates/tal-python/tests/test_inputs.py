"""Inputs of every kind, and wrong ones: the exception names argument, value and what would be right."""

import sys
import threading

import numpy as np
import pytest

import tal
from tal.compat import nms_1d_cpu

SEGS = np.array([[0, 4], [1, 4], [8, 9]], dtype=np.float32)
SCORES = np.array([0.9, 0.8, 0.7], dtype=np.float32)
LABELS = np.array([3, 3, 5])
TRUTH = {"recording": ["a", "a"], "start": [0.0, 8.0], "end": [4.0, 9.0], "label": ["jump", "run"]}
FOUND = {**TRUTH, "score": [0.9, 0.7]}


class FakeTensor:
    """A tensor on another device, as PyTorch's looks from outside."""

    __module__ = "torch"
    device = type("device", (), {"type": "cuda", "__str__": lambda self: "cuda:0"})()

    def detach(self):
        return self


def softnms(dets, segs=SEGS, **changes):
    options = {"iou_threshold": 0.1, "sigma": 0.5, "min_score": 0.001, "method": 2, **changes}
    return nms_1d_cpu.softnms(segs, SCORES, dets, **options)


def read_only():
    dets = np.zeros((3, 3), dtype=np.float32)
    dets.flags.writeable = False
    return dets


WRONG = [
    (lambda: tal.nms([1.0, 2.0], [0.5, 0.4], 0.5), ValueError, ["segs", "(2,)", "(N, 2)"]),
    (lambda: tal.nms(np.zeros((2, 3)), [0.5, 0.4], 0.5), ValueError, ["segs", "(2, 3)", "(N, 2)"]),
    (lambda: tal.nms(SEGS, [0.5], 0.5), ValueError, ["scores", "(1,)", "(3,)"]),
    (lambda: tal.nms(SEGS, SCORES[:, None], 0.5), ValueError, ["scores", "(3, 1)", "(3,)"]),
    (lambda: tal.nms([[0, np.nan]], [0.5], 0.5), ValueError, ["segs[0]", "NaN", "finite"]),
    (lambda: tal.nms([[0, np.inf]], [0.5], 0.5), ValueError, ["segs[0]", "inf", "finite"]),
    (lambda: tal.nms([[3, 1]], [0.5], 0.5), ValueError, ["segs[0]", "from 3 to 1", "start <= end"]),
    (lambda: tal.nms(SEGS, [0.9, np.nan, 0.7], 0.5), ValueError, ["scores[1]", "NaN", "finite"]),
    (lambda: tal.nms(SEGS, SCORES, float("nan")), ValueError, ["iou_threshold", "NaN", "finite"]),
    (lambda: tal.nms(SEGS, SCORES, "0.5"), TypeError, ["iou_threshold", "str"]),
    (lambda: tal.batched_nms(SEGS, SCORES, LABELS, max_seg_num=2.5), TypeError, ["max_seg_num", "float", "integer"]),
    (lambda: tal.nms("abc", SCORES, 0.5), TypeError, ["segs", "str", "array"]),
    (lambda: tal.nms(None, SCORES, 0.5), TypeError, ["segs", "NoneType", "array"]),
    (lambda: tal.nms([[0, 1], [2]], [0.5, 0.4], 0.5), ValueError, ["segs", "same length"]),
    (lambda: tal.nms(SEGS.astype(complex), SCORES, 0.5), TypeError, ["segs", "complex128", "numbers"]),
    (lambda: tal.nms(SEGS, ["x", "y", "z"], 0.5), TypeError, ["scores", "<U1", "numbers"]),
    (lambda: tal.nms(SEGS, [0.5, None, 0.5], 0.5), ValueError, ["scores[1]", "NaN", "finite"]),
    (lambda: tal.nms(FakeTensor(), SCORES, 0.5), TypeError, ["segs", "cuda:0", "segs.cpu()"]),
    (lambda: tal.batched_nms(SEGS, SCORES, ["a", "b", "c"]), TypeError, ["cls_idxs", "<U1", "numpy.unique"]),
    (lambda: tal.batched_nms(SEGS, SCORES, [0.5, 1, 2]), ValueError, ["cls_idxs[0]", "0.5", "integer"]),
    (lambda: tal.batched_nms(SEGS, SCORES, [1]), ValueError, ["cls_idxs", "(1,)", "(3,)"]),
    (lambda: tal.batched_nms(SEGS, SCORES, LABELS, max_seg_num=-1), ValueError, ["max_seg_num", "-1", "at least 0"]),
    (lambda: tal.batched_nms(SEGS, SCORES, LABELS, sigma=0), ValueError, ["sigma", "0", "above 0"]),
    (lambda: tal.batched_nms(SEGS, SCORES, LABELS, vote_weight="iou"), ValueError, ["vote_weight", "'iou'", "score_iou"]),
    (lambda: tal.soft_nms(SEGS, SCORES, method="cubic"), ValueError, ["method", "'cubic'", "gaussian"]),
    (lambda: tal.soft_nms(SEGS, SCORES, method=4), ValueError, ["method", "4", "2 (Gaussian)"]),
    (lambda: softnms(np.zeros((3, 2), np.float32)), ValueError, ["dets", "[3, 2]", "(3, 3)"]),
    (lambda: softnms(np.zeros((3, 3))), TypeError, ["dets", "float64", "float32"]),
    (lambda: softnms([[0] * 3] * 3), TypeError, ["dets", "list", "float32 array"]),
    (lambda: softnms(read_only()), ValueError, ["dets", "read-only"]),
    (lambda: tal.evaluate(7, FOUND), TypeError, ["annotations", "int", "data frame"]),
    (lambda: tal.evaluate(TRUTH, {**FOUND, "score": [0.9, np.nan]}), ValueError, ["score[1]", '"a"', "NaN", "finite"]),
    (lambda: tal.evaluate(TRUTH, {**FOUND, "score": [0.9]}), ValueError, ["score", "(1,)", "(2,)"]),
    (lambda: tal.evaluate(TRUTH, {**FOUND, "end": [-1.0, 9.0]}), ValueError, ["detection 0", "from 0 to -1", "start <= end"]),
    (lambda: tal.evaluate(TRUTH, {**FOUND, "label": ["jupm", "run"]}), ValueError, ["detections['label']", "'jupm'", "'jump'"]),
    (lambda: tal.evaluate(TRUTH, {"recording": ["a"], "start": [0.0]}), ValueError, ["detections", "'end'"]),
    (lambda: tal.evaluate({**TRUTH, "recording": [1, 2]}, FOUND), TypeError, ["annotations['recording'][0]", "int", "str"]),
    (lambda: tal.evaluate(TRUTH, FOUND, dialect="mine"), ValueError, ["dialect", "'mine'", "activitynet"]),
    (lambda: tal.evaluate(TRUTH, FOUND, tiou_thresholds=[]), ValueError, ["tiou_thresholds", "empty"]),
    (lambda: tal.evaluate(TRUTH, FOUND, tiou_thresholds=[1.5]), ValueError, ["tiou_thresholds[0]", "1.5", "between 0 and 1"]),
    (lambda: tal.evaluate(TRUTH, FOUND, dataset="thumos"), ValueError, ['"thumos"', "thumos14"]),
    (lambda: tal.evaluate(TRUTH, FOUND, subset="test"), ValueError, ["no recording", "subset"]),
    (lambda: tal.evaluate(TRUTH, FOUND, top_k=[0]), ValueError, ["top_k", "0", "at least 1"]),
    (lambda: tal.evaluate("nothing.json", FOUND), FileNotFoundError, ["nothing.json"]),
    (lambda: tal.diagnose(TRUTH, FOUND, num_groups=0), ValueError, ["0", "1"]),
    (lambda: tal.diagnose(TRUTH, FOUND, groups=3), ValueError, ["groups", "num_groups"]),
    (lambda: tal.bootstrap(TRUTH, FOUND, level=2.0), ValueError, ["level is 2", "below 1"]),
    (lambda: tal.recall(TRUTH, FOUND, max_proposals=0), ValueError, ["max_proposals", "0", "at least 1"]),
    (lambda: tal.measures.frame_scores(TRUTH, FOUND, frame_rate=0), ValueError, ["frame rate", "0", "above 0"]),
    (lambda: tal.measures.segmentation(TRUTH, FOUND, overlaps=[2]), ValueError, ["overlap", "2", "at most 1"]),
    (lambda: tal.data.read_annotations("x.json", "yaml"), ValueError, ["format", '"yaml"', "json"]),
    (lambda: tal.data.read_features("x.wav"), ValueError, [".wav", "npy"]),
    (lambda: tal.data.write_features("x.npy", [1.0, 2.0]), ValueError, ["features", "(2,)", "(T, C)"]),
    (lambda: tal.data.write_features("x.npy", np.zeros((0, 3))), ValueError, ["features", "(0, 3)", "(T, C)"]),
    (lambda: tal.data.load_pth("nothing.pth"), FileNotFoundError, ["nothing.pth"]),
    (lambda: tal.data.check("nothing.yaml"), FileNotFoundError, ["nothing.yaml"]),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_input_is_named(number):
    call, kind, words = WRONG[number]
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    missing = [word for word in words if word not in message]
    assert not missing, f"{message!r} lacks {missing}"
    assert "panic" not in message and "mistake in tal" not in message


def test_empty_input_gives_empty_output():
    for empty in ([], np.zeros((0, 2), np.float32), np.zeros((0, 2))):
        assert tal.nms(empty, [], 0.5).shape == (0,)
        segs, scores, labels = tal.batched_nms(empty, [], np.zeros(0, np.int32))
        assert (segs.shape, scores.shape, labels.shape, labels.dtype) == ((0, 2), (0,), (0,), np.int32)
    assert nms_1d_cpu.softnms([], [], np.zeros((0, 3), np.float32), 0.1, 0.5, 0.001, 2).shape == (0,)


def test_layouts_and_types_do_not_matter():
    wanted = tal.batched_nms(SEGS, SCORES, LABELS)
    wide = np.zeros((3, 4), dtype=np.float32)
    wide[:, ::2] = SEGS
    for segs in (SEGS.tolist(), SEGS.astype(np.float64), SEGS.astype(np.float16), SEGS.astype(int), wide[:, ::2], np.asfortranarray(SEGS), SEGS.astype(">f4"), memoryview(SEGS)):
        for scores in (SCORES.tolist(), SCORES, np.repeat(SCORES, 2)[::2]):
            found = tal.batched_nms(segs, scores, LABELS.astype(np.int8))
            np.testing.assert_array_equal(found[0], wanted[0])
            np.testing.assert_array_equal(found[1], wanted[1].astype(np.float32))
            assert found[2].tolist() == wanted[2].tolist()


def test_inputs_stay_as_they_are():
    segs, scores, labels = SEGS.copy(), SCORES.copy(), LABELS.copy()
    dets = np.zeros((3, 3), np.float32)
    tal.batched_nms(segs, scores, labels)
    softnms(dets, segs)
    for given, before in ((segs, SEGS), (scores, SCORES), (labels, LABELS)):
        np.testing.assert_array_equal(given, before)


def test_dets_may_have_any_layout():
    expected = np.zeros((3, 3), np.float32)
    softnms(expected)
    for dets in (np.zeros((3, 3), np.float32, order="F"), np.zeros((6, 6), np.float32)[::2, ::2]):
        softnms(dets)
        np.testing.assert_array_equal(dets, expected)


def test_data_frames_dicts_rows_and_results_are_the_same():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    wanted = tal.evaluate(TRUTH, FOUND)
    renamed = {"recording": "video-id", "start": "t-start", "end": "t-end"}
    rows = [dict(zip(FOUND, row)) for row in zip(*FOUND.values())]
    results = {"results": {"a": [{"segment": [r["start"], r["end"]], "label": r["label"], "score": r["score"]} for r in rows]}}
    for truth in (pandas.DataFrame(TRUTH), polars.DataFrame(TRUTH), pandas.DataFrame(TRUTH).rename(columns=renamed)):
        for found in (pandas.DataFrame(FOUND), polars.DataFrame(FOUND), rows, results, pandas.DataFrame(FOUND).rename(columns=renamed)):
            assert tal.evaluate(truth, found) == wanted
    assert wanted.average_map == 1.0


def test_threads_may_call_at_the_same_time():
    rng = np.random.default_rng(5)
    start = (rng.random(6000) * 400).astype(np.float32)
    segs = np.stack([start, start + (rng.random(6000) * 9).astype(np.float32)], axis=1)
    scores, labels = rng.random(6000).astype(np.float32), rng.integers(0, 9, 6000)
    truth = tal.Annotations.of(TRUTH)
    wanted = tal.batched_nms(segs, scores, labels), tal.evaluate(truth, FOUND)
    wrong = []

    def work():
        for _ in range(5):
            found = tal.batched_nms(segs, scores, labels), tal.evaluate(truth, FOUND)
            if found[1] != wanted[1] or any((a != b).any() for a, b in zip(found[0], wanted[0])):
                wrong.append(found)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_other_threads_run_meanwhile():
    rng = np.random.default_rng(6)
    start = rng.integers(0, 50, 9000).astype(np.float32)
    segs = np.stack([start, start + 20], axis=1)
    # Equal scores take the slow road.
    scores = np.full(9000, 0.5, np.float32)
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    before = counted[0]
    tal.soft_nms(segs, scores, min_score=0.0)
    during = counted[0] - before
    done.set()
    thread.join()
    assert during > 100


class FakeCpuTensor:
    """A tensor in memory, as PyTorch's looks from outside."""

    __module__ = "torch"
    device = type("device", (), {"type": "cpu"})()
    dtype = "torch.float32"

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    def numpy(self):
        return self.array


def test_tensors_come_back_as_tensors_and_dets_are_written(monkeypatch):
    fake = type(sys)("torch")
    fake.from_numpy = FakeCpuTensor
    monkeypatch.setitem(sys.modules, "torch", fake)
    dets, expected = np.zeros((3, 3), np.float32), np.zeros((3, 3), np.float32)
    kept = softnms(FakeCpuTensor(dets), FakeCpuTensor(SEGS))
    assert isinstance(kept, FakeCpuTensor)
    assert kept.array.tolist() == softnms(expected).tolist()
    np.testing.assert_array_equal(dets, expected)
    found = tal.batched_nms(FakeCpuTensor(SEGS), FakeCpuTensor(SCORES), FakeCpuTensor(LABELS))
    assert [type(part) for part in found] == [FakeCpuTensor] * 3


def test_torch_tensors_come_back_as_tensors():
    torch = pytest.importorskip("torch", exc_type=ImportError)
    segs, scores = torch.from_numpy(SEGS), torch.from_numpy(SCORES)
    dets = torch.zeros((3, 3))
    kept = softnms(dets, segs)
    assert isinstance(kept, torch.Tensor) and kept.dtype == torch.int64
    expected = np.zeros((3, 3), np.float32)
    softnms(expected)
    np.testing.assert_array_equal(dets.numpy(), expected)
    found = tal.batched_nms(segs.requires_grad_(), scores.double(), torch.from_numpy(LABELS))
    assert all(isinstance(part, torch.Tensor) for part in found)
    with pytest.raises(TypeError, match="meta"):
        tal.nms(segs.detach().to("meta"), scores, 0.5)
