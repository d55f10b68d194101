"""Compiles compiled/*.c while the project is installed or becomes a wheel: the compiler is a Python package (ziglang)."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("compiled")
# for every processor of its kind, not for this one alone
FLAGS = ["-std=c11", "-O3", "-mcpu=baseline", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-g0", "-s"]


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Adds the library to what is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say for which machines the result is."""
        library = Path(self.root) / FOLDER / "loops.so"
        sources = sorted(map(str, (Path(self.root) / FOLDER).glob("*.c")))
        subprocess.run([sys.executable, "-m", "ziglang", "cc", *FLAGS, *sources, "-o", str(library)], check=True)
        build_data["artifacts"].append(f"/{FOLDER}/loops.so")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
