"""Starts the program `tal` with the LibTorch of an installed torch."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["LauncherError", "command", "main"]

# The version of LibTorch that the program is built for.
LIBTORCH = "2.11"

_HOW = f'pip install "torch=={LIBTORCH}.*"'


class LauncherError(RuntimeError):
    """The program cannot be started; the message says what to do."""


def command() -> tuple[str, dict[str, str]]:
    """The path of the program, and the environment in which it finds LibTorch.

    Raises:
        LauncherError: without the program or without a fitting torch.
    """
    program = Path(__file__).parent / "bin" / ("tal.exe" if os.name == "nt" else "tal")
    if not program.is_file():
        raise LauncherError(f"{program} is not there; install tal-cli again")
    environment = dict(os.environ)
    folders = [str(folder) for folder in _libraries()]
    before = environment.get("LD_LIBRARY_PATH")
    environment["LD_LIBRARY_PATH"] = os.pathsep.join(folders + ([before] if before else []))
    return str(program), environment


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program with the arguments of this process; returns its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        program, environment = command()
    except LauncherError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if os.name == "posix" and arguments is None:
        # The program takes the place of this process, so that signals reach it.
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(program, ["tal", *given], environment)
    return subprocess.call([program, *given], env=environment)


def _libraries() -> list[Path]:
    """Folders of LibTorch: what TAL_LIBTORCH names, or that of the installed torch, which is not imported."""
    chosen = os.environ.get("TAL_LIBTORCH")
    if chosen:
        folder = Path(chosen)
        folder = folder / "lib" if (folder / "lib").is_dir() else folder
        if not (folder / "libtorch_cpu.so").is_file():
            raise LauncherError(f"TAL_LIBTORCH is {chosen!r}, but {folder} has no libtorch_cpu.so")
        return [folder]
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        raise LauncherError(f"torch is not installed, whose libraries the program uses: {_HOW}")
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        raise LauncherError(f"{found.origin} is no installed torch: {_HOW}") from None
    if not version.startswith(f"{LIBTORCH}."):
        raise LauncherError(f"torch is {version}, but the program needs {LIBTORCH}: {_HOW}, or a virtual environment of its own")
    folder = Path(found.origin).parent / "lib"
    if not (folder / "libtorch_cpu.so").is_file():
        raise LauncherError(f"{folder} has no libtorch_cpu.so; install torch again: {_HOW}")
    # Libraries of CUDA lie in packages beside torch; libtorch looks there itself, unless torch was installed without them.
    beside = Path(found.origin).parent.parent / "nvidia"
    cuda = sorted(beside.glob("*/lib")) if beside.is_dir() else []
    return [folder, *cuda]
