"""A wheel for all Pythons of one platform, with the program that TAL_PROGRAM names."""

import os
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution


class WithProgram(build_py):
    """Copies the program into the package."""

    def run(self):
        super().run()
        program = os.environ.get("TAL_PROGRAM")
        if not program or not Path(program).is_file():
            raise SystemExit(f"TAL_PROGRAM is {program!r}, must be the path of the program tal: `cargo xtask wheel` sets it")
        target = Path(self.build_lib, "tal_cli", "bin", "tal")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(program, target)
        target.chmod(0o755)


class ForAnyPython(bdist_wheel):
    """Names the platform, but no version of Python."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


class OfPlatform(Distribution):
    """A distribution that is not the same on all platforms."""

    def has_ext_modules(self):
        return True


setup(distclass=OfPlatform, cmdclass={"bdist_wheel": ForAnyPython, "build_py": WithProgram})
