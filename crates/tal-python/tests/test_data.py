"""Files: annotations, detections, features, PyTorch files, and the check of a data set."""

from pathlib import Path

import numpy as np
import pytest

import tal
from tal import data

FIXTURES = Path(__file__).parents[2] / "tal-data" / "tests" / "fixtures" / "features"
SOURCES = Path(__file__).parents[2] / "tal-corpus" / "tests" / "fixtures" / "sources"
TRUTH = {
    "recording": ["a", "a", "b"],
    "start": [0.0, 8.0, 1.0],
    "end": [4.0, 9.5, 2.5],
    "label": ["jump", "run", "run"],
    "subset": ["training", "training", "test"],
    "duration": [12.0, 12.0, 6.5],
    "fps": [25.0, 25.0, 30.0],
}
FOUND = {"recording": ["b", "a"], "start": [1.0, 0.5], "end": [2.5, 3.0], "label": ["run", "jump"], "score": [0.75, 0.5]}


def plain(table):
    return {name: list(column) for name, column in table.to_dict().items()}


def test_columns_come_back():
    truth = tal.Annotations.of(TRUTH)
    assert (len(truth), truth.recordings, truth.classes) == (3, ["a", "b"], {0: "jump", 1: "run"})
    assert truth.durations == {"a": 12.0, "b": 6.5} and truth.fps == {"a": 25.0, "b": 30.0}
    found = plain(truth)
    assert {name: found[name] for name in ("recording", "start", "end", "label", "subset")} == {
        name: TRUTH[name] for name in ("recording", "start", "end", "label", "subset")
    }
    assert found["label_id"] == [0, 1, 1]
    assert repr(truth) == "Annotations(2 recordings, 3 annotations, 2 classes)"
    assert "<td>training</td><td>1</td><td>2</td>" in truth._repr_html_()


def test_recordings_without_annotations_and_classes_by_id():
    truth = tal.Annotations.of(
        {"recording": ["a"], "start": [0], "end": [1], "label": [7]},
        recordings=["b", "a"],
        classes={7: "jump", 9: "run"},
        duration={"a": 3, "b": 4},
        subset="test",
    )
    assert truth.recordings == ["a", "b"] and truth.subsets == {"a": "test", "b": "test"}
    assert truth.classes == {7: "jump", 9: "run"} and truth.durations == {"a": 3.0, "b": 4.0}


@pytest.mark.parametrize("name,format", [("t.json", None), ("t.csv", None), ("t.json", "activitynet")])
def test_annotations_are_written_and_read(tmp_path, name, format):
    path = tmp_path / name
    data.write_annotations(path, TRUTH, format)
    read_as = {"t.csv": "csv"}.get(name, format or "json")
    again = data.read_annotations(path, read_as)
    wanted = plain(tal.Annotations.of(TRUTH))
    assert plain(again) == wanted
    if format is None:
        assert plain(tal.Annotations.of(path)) == wanted


def test_every_format_of_annotations_is_known():
    assert {"json", "activitynet", "hacs", "thumos14", "epic-kitchens-verb", "charades", "ego4d-mq", "bsn", "elan", "boris"} <= set(
        data.annotation_formats()
    )
    assert SOURCES.is_dir()


def test_annotation_tools_are_written_and_read(tmp_path):
    one = {name: column[:2] for name, column in TRUTH.items()}
    path = tmp_path / "a.eaf"
    data.write_annotations(path, one, "elan")
    again = plain(data.read_annotations(path, "elan"))
    assert sorted(zip(again["start"], again["end"], again["label"])) == [(0.0, 4.0, "jump"), (8.0, 9.5, "run")]


@pytest.mark.parametrize("name", ["d.json", "d.csv", "d.tsv"])
def test_detections_are_written_and_read(tmp_path, name):
    path = tmp_path / name
    truth = tal.Annotations.of(TRUTH)
    data.write_detections(path, FOUND, truth)
    again = data.read_detections(path, truth)
    assert plain(again) == plain(tal.Detections.of(FOUND, classes=truth))
    assert plain(again)["label"] == ["run", "jump"] and plain(again)["label_id"] == [1, 0]
    assert tal.evaluate(truth, path) == tal.evaluate(truth, FOUND)


def test_rows_that_alternate_keep_their_order():
    columns = {"recording": list("abab"), "start": [0.0, 1, 2, 3], "end": [1.0, 2, 3, 4], "label": [0] * 4, "score": [0.5] * 4}
    found = tal.Detections.of(columns)
    assert plain(found)["recording"] == list("abab") and plain(found)["start"] == [0, 1, 2, 3]
    assert "and" not in found._repr_html_() and found._repr_html_().count("<tr>") == 5


def test_proposals_have_no_label():
    found = tal.Detections.of({name: FOUND[name] for name in ("recording", "start", "end", "score")})
    assert plain(found)["label"] == [None, None] and plain(found)["label_id"] == [-1, -1]
    curve = tal.recall(TRUTH, found, tiou_thresholds=[0.5], max_proposals=2)
    assert len(curve.average_recall) == 100 and curve.recall[0][-1] == pytest.approx(2 / 3)


FORMATS = [("f.npy", {}), ("f.npz", {}), ("f.safetensors", {}), ("f.h5", {}), ("f.pt", {}), ("f.pkl", {}), ("f.csv", {})]
FORMATS += [("f.npz", {"key": "x"}), ("f.pt", {"key": ["rgb", "flow"]}), ("f.npy", {"layout": "channel_first"})]


@pytest.mark.parametrize("name,options", FORMATS)
def test_features_of_every_format_come_back(tmp_path, name, options):
    features = np.random.default_rng(1).standard_normal((7, 4)).astype(np.float32)
    path = tmp_path / name
    data.write_features(path, features, **options)
    again = data.read_features(path, **options)
    assert again.dtype == np.float32 and again.shape == (7, 4)
    np.testing.assert_allclose(again, features, rtol=1e-6)
    if name == "f.npy" and not options:
        np.testing.assert_array_equal(np.load(path), features)


def test_torch_files_are_read_without_their_code():
    tensor = data.load_pth(FIXTURES / "tensor.pt")
    assert isinstance(tensor, np.ndarray) and tensor.ndim == 2
    entries = data.load_pth(FIXTURES / "dict.pt")
    assert isinstance(entries["feats"], np.ndarray) and entries["fps"] == 25.0
    np.testing.assert_array_equal(data.load_pth(FIXTURES / "dict.pt", "feats"), entries["feats"])
    with pytest.raises(KeyError, match="nothing"):
        data.load_pth(FIXTURES / "dict.pt", "nothing")
    for path in FIXTURES.glob("command*"):
        with pytest.raises(ValueError, match=path.name):
            data.load_pth(path)


def test_a_data_set_is_checked(tmp_path):
    data.write_annotations(tmp_path / "truth.json", TRUTH)
    rng = np.random.default_rng(2)
    for name, seconds in (("a", 12.0), ("b", 6.5)):
        fps = {"a": 25.0, "b": 30.0}[name]
        data.write_features(tmp_path / f"{name}.npy", rng.standard_normal((int(seconds * fps / 5), 8)))
    (tmp_path / "c.yaml").write_text(
        "preset: released\n"
        "dataset:\n"
        "  annotations: truth.json\n"
        "  features: {dir: ., format: {type: npy}}\n"
        "  num_classes: 2\n  input_dim: 8\n  feat_stride: 5\n  num_frames: 5\n  max_seq_len: 2304\n"
    )
    found = data.check(tmp_path / "c.yaml")
    assert found.num_errors == 0, found.findings
    (tmp_path / "a.npy").unlink()
    missing = data.check(tmp_path / "c.yaml", quick=True)
    assert missing.num_errors > 0 and "a.npy" in str(missing.findings)
