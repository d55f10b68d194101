"""The pages in docs/ against the project: links, paths, settings, commands, metrics and the numbers that are in the code."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from config import Settings, TopicRole
from streams.__main__ import _COMMANDS, _parser

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
EXPLAINED = [DOCS / "verdict.md", *sorted((DOCS / "detectors").glob("*.md"))]
"""Pages that name constants of the code."""
EXAMPLE = "newcomers"
"""What the how-to page of detectors builds."""
FOLDERS = ("benchmarks", "config", "deploy", "detectors", "docs", "lab", "streams", "tests")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def codes(page: Path) -> list[str]:
    """What stands between single backticks, outside blocks."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def blocks(page: Path) -> list[str]:
    """Blocks that can be pasted: those that are not said to be something else (```text, ```json)."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text for language, text in found if not language]


def links(page: Path) -> list[str]:
    """Targets of links within the project."""
    targets = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(page)))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"`|\*|\[|\]\([^)]*\)", "", heading).strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)}


def is_broken(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    return not file.exists() or (bool(anchor) and anchor not in anchors(file))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    assert [target for target in links(page) if is_broken(page, target)] == []


def test_a_broken_link_would_be_seen() -> None:
    page = DOCS / "verdict.md"
    assert is_broken(page, "detectors/no-such-page.md")
    assert is_broken(page, "accuracy.md#no-such-heading")
    assert not is_broken(page, "accuracy.md#simulated-worlds")
    assert len(links(page)) > 10


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_named_is_there(page: Path) -> None:
    paths = [code for code in codes(page) if re.fullmatch(rf"({'|'.join(FOLDERS)})/[\w./-]+", code) and EXAMPLE not in code]
    assert [path for path in paths if not any((ROOT / path).with_suffix(end).exists() for end in (Path(path).suffix, ".md"))] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_setting_named_exists(page: Path) -> None:
    sections = Settings().dump()
    topics = {Settings().topics.name(role) for role in TopicRole}
    dotted = [match for code in codes(page) if (match := re.fullmatch(r"([a-z]+)\.([a-z_]+)( = .+)?", code))]
    assert [m[0] for m in dotted if m[1] in sections and m[0] not in topics and m[2] not in sections[m[1]]] == []


def words_of(line: str) -> list[str]:
    """What follows `pollwatch` in a command line, up to a pipe; nothing where it is none."""
    return shlex.split(line.partition(" | ")[0], comments=True)[1:] if re.match(r"pollwatch [a-z][a-z-]*( |$)", line) else []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_line_is_understood(page: Path) -> None:
    for words in (words_of(line) for block in blocks(page) for line in block.splitlines()):
        if words:
            _parser().parse_args(words)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_named_in_a_sentence_exists_with_its_options(page: Path) -> None:
    for words in filter(None, map(words_of, codes(page))):
        known = _options(words[0])
        assert [word for word in words[1:] if word.startswith("--") and word.split("=")[0] not in known] == [], words


def _options(command: str) -> set[str]:
    assert command in _COMMANDS
    subparsers = next(action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    return {option for action in subparsers.choices[command]._actions for option in action.option_strings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_metric_named_exists(page: Path) -> None:
    metrics = (DOCS / "metrics.md").read_text(encoding="utf-8")
    named = [code for code in codes(page) if re.fullmatch(r"pollwatch_[a-z_]+", code)]
    assert [one for one in named if f"`{one}`" not in metrics] == []


@pytest.mark.parametrize("page", EXPLAINED, ids=name)
def test_the_numbers_of_an_explanation_are_those_of_the_code(page: Path) -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    found = [(dotted, value) for dotted, value in rows if dotted.startswith(("detectors.", "streams."))]
    assert found
    for dotted, value in found:
        module, _, constant = dotted.rpartition(".")
        assert getattr(import_module(module), constant) == ast.literal_eval(value), dotted


@pytest.mark.parametrize("page", EXPLAINED, ids=name)
def test_an_explanation_says_what_it_is_for_and_when_it_is_wrong(page: Path) -> None:
    assert {"when-it-is-wrong", "numbers-in-the-code"} <= anchors(page)


def test_the_index_lists_every_page() -> None:
    listed = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / "README.md")}
    assert [name(page) for page in DOCS.rglob("*.md") if page not in listed and page.name != "README.md"] == [], "list them in docs/README.md"
