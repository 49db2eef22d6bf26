"""The program: its launcher, and the detector that runs it."""

import json
import os
import stat
import subprocess
import sys

import numpy as np
import pytest

import tal

tal_cli = pytest.importorskip("tal_cli")
HAS_PROGRAM = os.path.isfile(os.path.join(os.path.dirname(tal_cli.__file__), "bin", "tal"))
needs_program = pytest.mark.skipif(not HAS_PROGRAM, reason="tal-cli is installed without a program")
needs_libtorch = pytest.mark.skipif("TAL_LIBTORCH" not in os.environ, reason="TAL_LIBTORCH names no LibTorch")


def without_cargo():
    """The environment of a machine without Rust."""
    folders = [
        folder
        for folder in os.environ["PATH"].split(os.pathsep)
        if not os.path.exists(os.path.join(folder, "cargo")) and not os.path.exists(os.path.join(folder, "rustc"))
    ]
    return {**os.environ, "PATH": os.pathsep.join(folders)}


def script(path, text):
    """A program of Python that stands in for `tal`."""
    path.write_text(f"#!{sys.executable}\nimport json, sys\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@needs_program
@needs_libtorch
def test_the_program_runs_without_rust():
    for module in ("tal", "tal_cli"):
        done = subprocess.run([sys.executable, "-m", module, "--version"], env=without_cargo(), capture_output=True, encoding="utf8")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("tal ")
    wrong = subprocess.run([sys.executable, "-m", "tal", "no-such-command"], env=without_cargo(), capture_output=True)
    assert wrong.returncode == 2


@needs_program
@needs_libtorch
def test_a_detector_works_on_arrays_and_files(tmp_path):
    settings = [item for text in DEMO for item in ("--set", text)]
    command = [sys.executable, "-m", "tal", "demo", "--quiet", "--out", str(tmp_path / "demo"), *settings]
    done = subprocess.run(command, env=without_cargo(), capture_output=True, encoding="utf8", timeout=500)
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "demo").rglob("features/*.npy"))[:2]
    assert files, "the demo has feature files"
    checkpoint = next((tmp_path / "demo").rglob("best.safetensors"), None) or next((tmp_path / "demo").rglob("last.safetensors"))
    detector = tal.Detector(checkpoint.parent, threads=2)
    from_files = detector.predict([str(path) for path in files])
    from_arrays = detector.predict({path.stem: np.load(path) for path in files})
    assert from_files.recordings and sorted(from_files.recordings) == sorted(from_arrays.recordings)
    one, other = from_files.to_dict(), from_arrays.to_dict()
    np.testing.assert_allclose(one["score"], other["score"], rtol=1e-5)
    with pytest.raises(tal.DetectorError, match="status"):
        detector.predict({"a": np.zeros((8, 3), np.float32)})


# A run of seconds: what it finds does not matter.
DEMO = ["train.epochs=1"]


LINES = """
if "--help" in sys.argv:
    print("formats: json, jsonl, csv")
    sys.exit()
assert sys.argv[sys.argv.index("--out") + 1] == "-"
for path in sys.argv[3:]:
    if path.startswith("-"):
        break
    print(json.dumps({"recording": path, "detections": [{"label": "run", "score": 0.5, "segment": [1.0, 2.0]}]}), flush=True)
"""
FILE = """
if "--help" in sys.argv:
    print("formats: json, csv")
    sys.exit()
out = sys.argv[sys.argv.index("--out") + 1]
rows = {"a": [{"label": "run", "score": 0.5, "segment": [1.0, 2.0]}]}
json.dump({"results": rows}, open(out, "w"))
"""
FAILING = """
if "--help" not in sys.argv:
    print("error: no such network", file=sys.stderr)
    sys.exit(1)
print("jsonl")
"""


def test_detections_come_line_by_line_or_from_a_file(tmp_path):
    lines = tal.Detector(tmp_path, program=script(tmp_path / "lines", LINES))
    assert list(lines.stream(["x.npy", "y.npy"])) == [
        (name, [{"label": "run", "score": 0.5, "segment": [1.0, 2.0]}]) for name in ("x.npy", "y.npy")
    ]
    first = next(lines.stream(["x.npy", "y.npy"]))
    assert first[0] == "x.npy"
    found = tal.Detector(tmp_path, program=script(tmp_path / "file", FILE)).predict("a.npy", classes={7: "run"})
    assert found.to_dict()["label_id"].tolist() == [7] and found.recordings == ["a"]


def test_failures_of_the_program_are_told(tmp_path):
    failing = tal.Detector(tmp_path, program=script(tmp_path / "failing", FAILING))
    with pytest.raises(tal.DetectorError, match="status 1: error: no such network"):
        failing.predict("a.npy")
    with pytest.raises(FileNotFoundError, match="no-such-run"):
        tal.Detector(tmp_path / "no-such-run")
    with pytest.raises(ValueError, match="threads is 0"):
        tal.Detector(tmp_path, threads=0)


@pytest.mark.parametrize(
    "inputs,kind,words",
    [
        ({}, ValueError, "empty"),
        ([], ValueError, "empty"),
        (7, TypeError, "int"),
        ({"a": np.zeros(3)}, ValueError, r"\(3,\)"),
        ({"../../a": np.zeros((3, 2))}, ValueError, "leads out"),
    ],
)
def test_wrong_inputs_of_a_detector_are_named(tmp_path, inputs, kind, words):
    detector = tal.Detector(tmp_path, program=script(tmp_path / "lines", LINES))
    with pytest.raises(kind, match=words):
        detector.predict(inputs)


def test_the_launcher_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("TAL_LIBTORCH", str(tmp_path))
    with pytest.raises(tal_cli.LauncherError, match="libtorch_cpu.so"):
        tal_cli._libraries()
    monkeypatch.delenv("TAL_LIBTORCH")
    (tmp_path / "torch" / "lib").mkdir(parents=True)
    (tmp_path / "torch" / "__init__.py").touch()
    # An installed one that was imported before would be found first.
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    for version, wanted in (("2.12.0", "torch is 2.12.0, but the program needs 2.11"), ("2.11.0+cpu", "no libtorch_cpu.so")):
        info = tmp_path / "torch-0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
        with pytest.raises(tal_cli.LauncherError, match="libtorch_cpu.so|" + wanted.replace("+", r"\+")) as caught:
            tal_cli._libraries()
        assert "pip install" in str(caught.value)
    (tmp_path / "torch" / "lib" / "libtorch_cpu.so").touch()
    (tmp_path / "nvidia" / "cu13" / "lib").mkdir(parents=True)
    assert tal_cli._libraries() == [tmp_path / "torch" / "lib", tmp_path / "nvidia" / "cu13" / "lib"]


def test_ids_of_results_are_json(tmp_path):
    # The layout that the file of the program has, read back.
    (tmp_path / "r.json").write_text(json.dumps({"results": {"a": [{"label": "run", "score": 1, "segment": [0, 1]}]}}))
    assert len(tal.Detections.of(tmp_path / "r.json", classes=["run"])) == 1
