"""The README against the project: every path, command, option, setting, metric and topic it names is there."""

import re
import shlex
from pathlib import Path

import pytest

from config import Settings, TopicRole
from config.load import CONVENTIONAL, environment_names
from streams.__main__ import _COMMANDS, _parser

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CHANGELOG.md")
MADE_BY_USERS = {
    "alerts.jsonl", "moderation.jsonl", "integrity.jsonl", "dead-letter.jsonl", "summary.json", "scores.csv", "report.html"
}  # fmt: skip
ENDINGS = (".py", ".md", ".toml", ".json", ".yml", ".jsonl", ".csv", ".html")
URLS = {"/metrics", "/readyz", "/healthz"}


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[str]:
    return re.findall(r"^```\n(.*?)^```", read(page), re.MULTILINE | re.DOTALL)


def codes(page: str) -> list[str]:
    """What stands between single backticks, outside blocks."""
    prose = re.sub(r"^```.*?^```", "", read(page), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def commands(page: str) -> list[str]:
    """Every command line of Pollwatch in prose, and in blocks where it stands at the beginning of a line."""
    lines = [line for block in blocks(page) for line in block.splitlines()]
    in_blocks = [line for line in lines if line.startswith("pollwatch ")]
    in_prose = [code for code in codes(page) if re.match(r"(\.venv/bin/)?pollwatch\s", code)]
    return [line.removeprefix(".venv/bin/") for line in in_blocks + in_prose]


def is_path(code: str) -> bool:
    return " " not in code and code not in URLS and not code.startswith(".") and ("/" in code or code.endswith(ENDINGS))


@pytest.mark.parametrize("page", PAGES)
def test_every_path_named_exists(page: str) -> None:
    paths = [code for code in codes(page) if is_path(code) and code not in MADE_BY_USERS]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_named_is_one_that_is_understood(page: str) -> None:
    assert commands(page)
    for line in commands(page):
        words = shlex.split(line)[1:]
        assert words[0] in _COMMANDS or words == ["--help"], line
        if len(words) > 1:
            _parser().parse_args(words)


def test_every_command_is_in_the_readme() -> None:
    named = {shlex.split(line)[1] for line in commands("README.md")} | set(codes("README.md"))
    assert set(_COMMANDS) - named == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_named_exists(page: str) -> None:
    sections = Settings().dump()
    dotted = [match for code in codes(page) if (match := re.fullmatch(r"([a-z]+)\.([a-z_]+)", code))]
    topics = {Settings().topics.name(role) for role in TopicRole}
    files = MADE_BY_USERS | {code for code in codes(page) if is_path(code)}
    unknown = [m[0] for m in dotted if m[0] not in topics | files and m[2] not in sections.get(m[1], {})]
    assert unknown == []
    variables = re.findall(r"\b(?:POLLWATCH|KAFKA)_[A-Z_]+", read(page))
    assert set(variables) - set(environment_names()) - set(CONVENTIONAL) == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_topic_named_exists(page: str) -> None:
    topics = {Settings().topics.name(role) for role in TopicRole}
    named = [code for code in codes(page) if re.fullmatch(r"(poll|pollwatch|moderation)\.[a-z-]+", code)]
    assert named
    assert set(named) - topics - MADE_BY_USERS - {"pollwatch.toml"} == set()


def test_every_metric_named_exists() -> None:
    metrics = read("docs/metrics.md")
    named = [code for code in codes("README.md") if re.fullmatch(r"pollwatch_[a-z_]+", code)]
    assert named
    assert [name for name in named if f"`{name}`" not in metrics] == []


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)$", "\n".join(codes("README.md") + blocks("README.md")), re.MULTILINE))
    assert {"demo", "test", "bench", "lock"} <= named <= targets


def test_the_way_of_a_vote_names_each_file_once() -> None:
    way = read("docs/how-a-vote-flows.md").split("`pollwatch scan` walks")[0]
    files = re.findall(r"`([a-z_/]+\.py)`", way)
    assert len(files) > 20
    assert sorted(files) == sorted(set(files))


def test_the_changelog_has_the_version_of_the_project() -> None:
    found = re.search(r'^version = "(.+)"$', read("pyproject.toml"), re.MULTILINE)
    assert found is not None
    assert f"## [{found[1]}]" in read("CHANGELOG.md")
    assert "## [Unreleased]" in read("CHANGELOG.md")
