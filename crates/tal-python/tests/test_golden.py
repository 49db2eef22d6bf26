"""Numbers of the released code."""

import json
from pathlib import Path

import numpy as np
import pytest

import tal
from tal.compat import ANETdetection

FIXTURES = Path(__file__).parents[2] / "tal-postprocess" / "tests" / "fixtures"


def tensors(path):
    """Metadata and arrays of a safetensors file."""
    raw = path.read_bytes()
    num = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + num])
    metadata = header.pop("__metadata__", {})
    types = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U16": "<u2", "U8": "u1"}
    arrays = {}
    for name, entry in header.items():
        begin, end = (8 + num + at for at in entry["data_offsets"])
        arrays[name] = np.frombuffer(raw[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
    return metadata, arrays


def test_suppression_of_the_released_code():
    cases, arrays = tensors(FIXTURES / "nms.safetensors")
    assert len(cases) == 6
    for case, options in cases.items():
        given = [arrays[f"{case}.in.{name}"] for name in ("segments", "scores", "labels")]
        # The released code of CLTDR-GMG votes by score alone.
        found = tal.batched_nms(*given, **json.loads(options), vote_weight="score")
        wanted = [arrays[f"{case}.out.{name}"] for name in ("segments", "scores", "labels")]
        np.testing.assert_array_equal(found[2], wanted[2], err_msg=case)
        np.testing.assert_allclose(found[1], wanted[1], atol=1e-5, err_msg=case)
        np.testing.assert_allclose(found[0], wanted[0], atol=1e-3, err_msg=case)


def columns(arrays, table):
    return {
        "recording": [f"{number:03}" for number in arrays[f"{table}.recording"]],
        "start": arrays[f"{table}.start"],
        "end": arrays[f"{table}.end"],
        "label": arrays[f"{table}.label"],
    }


@pytest.mark.parametrize("thresholds", ["thumos14", "multithumos", "activitynet"])
def test_evaluation_of_the_released_code(thresholds, tmp_path):
    _, arrays = tensors(FIXTURES / "thumos14.safetensors")
    expected = json.loads((FIXTURES / "thumos14_expected.json").read_text())[thresholds]
    truth = tal.Annotations.of(columns(arrays, "ground_truth"), subset="Test", recordings=[f"{n:03}" for n in range(210)])
    found = {**columns(arrays, "detections"), "score": arrays["detections.score"]}
    result = tal.evaluate(truth, found, dialect="tridet", tiou_thresholds=expected["tious"])
    np.testing.assert_allclose(result.average_map, expected["average"], atol=1e-9)
    np.testing.assert_allclose(result.map, expected["mAP"], atol=1e-9)
    ap = np.array([row["ap"] for row in result.classes]).T
    np.testing.assert_allclose(ap, expected["ap_by_class"], atol=1e-9)

    # The evaluator of the field's name gives the same.
    path = tmp_path / "truth.json"
    tal.data.write_annotations(path, truth)
    evaluator = ANETdetection(str(path), "test", expected["tious"], top_k=None, rules="tridet")
    renamed = {"recording": "video-id", "start": "t-start", "end": "t-end", "label": "label", "score": "score"}
    mean_ap, average = evaluator.evaluate({renamed[name]: column for name, column in found.items()}, verbose=False)
    np.testing.assert_allclose(evaluator.ap, expected["ap_by_class"], atol=1e-9)
    np.testing.assert_allclose(average, expected["average"], atol=1e-9)
    assert mean_ap.shape == (len(expected["tious"]),)
