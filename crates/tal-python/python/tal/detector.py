"""A trained detector, run by the program `tal` in a process of its own.

The process has its own LibTorch: that of tal-cli's torch, or of whatever `program` was built with. So it does not matter
whether torch is imported before, after or not at all, and in which version. One process works on all inputs of a call, and
detections come back as soon as each recording is done, if the program writes JSON Lines.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tal._inputs import as_array, is_path
from tal.tables import Detections, detections_of

__all__ = ["Detector", "DetectorError"]

PathLike = str | os.PathLike[str]

# Arrays come as NumPy files with a row per time step, whatever the detector was trained on.
_ARRAYS = (
    "dataset.features.format={type: npy, layout: time_first}",
    "dataset.features.suffix=.npy",
    "dataset.features.prefix=''",
)


class DetectorError(RuntimeError):
    """The program could not be started, or failed; the message has its words."""


class Detector:
    """A trained detector.

    Args:
        checkpoint: run folder or checkpoint file.
        device: `cpu`, `cuda`, `cuda:N` or `auto`.
        threads: threads for numeric work, default one per core.
        settings: settings such as `"inference.suppression.sigma=0.7"`.
        backbone: weights of the network that computes features of films.
        program: path of the program; default that of tal-cli, else `tal` on the PATH.

    Example:
        >>> detector = tal.Detector("runs/demo")                        # doctest: +SKIP
        >>> detector.predict({"walk_01": features})["walk_01"]          # doctest: +SKIP
    """

    def __init__(
        self,
        checkpoint: PathLike,
        *,
        device: str = "cpu",
        threads: int | None = None,
        settings: Sequence[str] = (),
        backbone: PathLike | None = None,
        program: PathLike | None = None,
    ) -> None:
        self.checkpoint = Path(checkpoint)
        if not self.checkpoint.exists():
            raise FileNotFoundError(f"checkpoint is {os.fspath(checkpoint)!r}, which does not exist")
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}, must be at least 1")
        self._program, self._environment = _program(program)
        self._options = ["--device", device]
        if threads is not None:
            self._options += ["--threads", str(threads)]
        self._settings = list(settings)
        self._backbone = backbone
        self._writes_lines: bool | None = None

    def predict(
        self,
        inputs: Any,
        *,
        min_score: float = 0.0,
        fps: float | None = None,
        duration: float | None = None,
        classes: Any = None,
    ) -> Detections:
        """Detections of recordings.

        Args:
            inputs: the path of a feature file, a film or a folder of films, a list of those, or arrays of features (T, C)
                by recording id.
            min_score: detections with a lower score are left out.
            fps: frames per second, if the detector's configuration names none.
            duration: length in seconds, needed only if recordings were resampled to one number of features.
            classes: names of the classes by id, such as annotations; otherwise ids follow the alphabet.

        Raises:
            DetectorError: the program failed.
        """
        results = dict(self.stream(inputs, min_score=min_score, fps=fps, duration=duration))
        return detections_of({"results": results}, classes=classes)

    def stream(
        self,
        inputs: Any,
        *,
        min_score: float = 0.0,
        fps: float | None = None,
        duration: float | None = None,
    ) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Ids and detections of recordings, one after the other; arguments as for :meth:`predict`.

        A detection is a dict with `segment` (seconds), `label` and `score`.
        """
        with tempfile.TemporaryDirectory(prefix="tal-") as name:
            folder = Path(name)
            paths, settings = self._written(inputs, folder)
            command = [self._program, "predict", os.fspath(self.checkpoint), *paths]
            command += [*self._options, "--min-score", repr(float(min_score))]
            for setting in [*self._settings, *settings]:
                command += ["--set", setting]
            for option, value in (("--fps", fps), ("--duration", duration), ("--backbone", self._backbone)):
                if value is not None:
                    command += [option, os.fspath(value) if is_path(value) else repr(float(value))]  # type: ignore[arg-type]
            if settings:
                command += ["--below", os.fspath(folder)]
            if self._has_lines():
                yield from self._lines([*command, "--out", "-"])
            else:
                target = folder / "detections.json"
                self._run([*command, "--out", os.fspath(target)])
                yield from json.loads(target.read_text(encoding="utf8"))["results"].items()

    def _written(self, inputs: Any, folder: Path) -> tuple[list[str], Sequence[str]]:
        """Paths for the command line; arrays are written into the folder."""
        if is_path(inputs):
            return [os.fspath(inputs)], ()
        if isinstance(inputs, Mapping):
            paths = []
            for recording, features in inputs.items():
                array = as_array(f"inputs[{recording!r}]", features, "float32")
                if array.ndim != 2 or 0 in array.shape:
                    raise ValueError(f"inputs[{recording!r}] has the shape {array.shape}, must be (T, C): a row per time step")
                path = folder / f"{recording}.npy"
                if folder not in path.resolve().parents and folder.resolve() not in path.resolve().parents:
                    raise ValueError(f"inputs has the recording {recording!r}, whose name leads out of a folder")
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, array)
                paths.append(os.fspath(path))
            given: tuple[list[str], Sequence[str]] = paths, _ARRAYS
        elif isinstance(inputs, (list, tuple)) and all(is_path(path) for path in inputs):
            given = [os.fspath(path) for path in inputs], ()
        else:
            raise TypeError(
                f"inputs is of the type {type(inputs).__name__}, must be a path, a list of paths, or a dict of arrays by recording"
            )
        if not given[0]:
            raise ValueError("inputs is empty; give at least one recording")
        return given

    def _has_lines(self) -> bool:
        if self._writes_lines is None:
            text = self._run([self._program, "predict", "--help"])
            self._writes_lines = "jsonl" in text
        return self._writes_lines

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf8", errors="replace"
        )
        if done.returncode != 0:
            raise DetectorError(_words(done.returncode, done.stderr))
        return done.stdout

    def _lines(self, command: list[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        # Errors go to a file: a full pipe would stop the program while we wait for its output.
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
            )
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    row = json.loads(line)
                    yield row["recording"], row["detections"]
                code = process.wait()
            finally:
                # The caller may have stopped early.
                if process.poll() is None:
                    process.kill()
                    process.wait()
            if code != 0:
                errors.seek(0)
                raise DetectorError(_words(code, errors.read().decode("utf8", "replace")))


def _program(given: PathLike | None) -> tuple[str, dict[str, str]]:
    if given is not None:
        path = shutil.which(os.fspath(given))
        if path is None:
            raise FileNotFoundError(f"program is {os.fspath(given)!r}, which is no program")
        return path, dict(os.environ)
    try:
        import tal_cli
    except ModuleNotFoundError:
        path = shutil.which("tal")
        if path is None:
            raise DetectorError(
                'the program tal is not installed: pip install tal-cli "torch==2.11.*", or give program'
            ) from None
        return path, dict(os.environ)
    try:
        program, environment = tal_cli.command()
    except tal_cli.LauncherError as error:
        raise DetectorError(str(error)) from error
    return program, environment


def _words(code: int, errors: str) -> str:
    said = errors.strip() or "no message"
    return f"tal predict ended with the status {code}: {said}"
