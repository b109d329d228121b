"""Compiles the hot path into a wheel, with mypyc. Rule: opt-in, by HATCH_BUILD_HOOKS_ENABLE=1; the sources stay alone.

It needs a C compiler and Python's headers. Compiled are the files with a line ``# compiled``; decision 021 says which
may have it.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MARK = "\n# compiled\n"
ROOMS = ("policies", "backends", "gateway")
COMPILE = """
import sys
from mypyc.build import mypycify
from setuptools import setup

config, *files = sys.argv[1:]
options = ["--config-file", config, "--ignore-missing-imports", "--no-warn-unused-ignores"]
setup(name="compiled", packages=[], ext_modules=mypycify([*options, *files]), script_args=["-q", "build_ext", "-i"])
"""


class Compile(BuildHookInterface):  # type: ignore[misc, type-arg]
    """In a copy: in a checkout, what was compiled would stand before the sources that are edited after it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        self._copy = tempfile.TemporaryDirectory(prefix="cloverleaf-compile-")
        root, copy = Path(self.root), Path(self._copy.name)
        for room in ROOMS:
            shutil.copytree(root / room, copy / room)
        sources = [path for room in ROOMS for path in sorted((copy / room).rglob("*.py"))]
        files = [str(path.relative_to(copy)) for path in sources if MARK in path.read_text()]
        command = [sys.executable, "-c", COMPILE, str(root / "pyproject.toml"), *files]
        subprocess.run(command, cwd=copy, check=True)  # noqa: S603
        built = [*copy.glob("*.so"), *(each for room in ROOMS for each in (copy / room).rglob("*.so"))]
        build_data["force_include"].update({str(each): str(each.relative_to(copy)) for each in built})
        build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._copy.cleanup()
