"""The reference pages: as the code is now, and complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config import Settings, TopicRole
from config.load import CONVENTIONAL
from detectors.cases.decision import NotTaken
from streams.__main__ import command_line
from streams.decode_record import Refusal
from streams.reference.pages import pages
from streams.reference.schema_page import ROOTS, field_meanings
from streams.reference.settings_page import accepted, default_settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = pages()


@pytest.mark.parametrize("page", PAGES)
def test_a_reference_page_is_what_the_code_says(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == PAGES[page], "run `make docs`"


def test_every_setting_is_there_with_its_default_and_what_it_accepts() -> None:
    page = PAGES["docs/reference/settings.md"]
    for section, keys in Settings().dump().items():
        assert f"## [{section}]" in page
        for key in keys:
            row = re.search(rf"^\| `{section}\.{key}` \| `(.+?)` \| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
            assert row, f"{section}.{key}"
            assert row[1] == default_settings()[f"{section}.{key}"].value
            assert accepted(section, key) not in ("", "a whole number", "a number"), f"{section}.{key}: without a range"
    assert [name for name in CONVENTIONAL if name not in page] == []


def test_every_command_is_there_with_all_its_arguments() -> None:
    page = PAGES["docs/reference/commands.md"]
    for name, parser in command_line().items():
        section = page.split(f"## `pollwatch {name}`")[1].split("\n## ")[0]
        for action in parser._actions:
            if "--help" not in action.option_strings:
                assert str(action.metavar or action.option_strings[-1]) in section, name
                assert action.help
                assert action.help in section, name


def test_every_topic_is_there_with_who_writes_and_reads_it() -> None:
    page = PAGES["docs/reference/topics.md"]
    for role in TopicRole:
        assert page.count(f"| `{Settings().topics.name(role)}` |") >= 6, role
    assert "| `pollwatch.alerts` | WORKER | READER" in page


def test_every_field_has_a_type_and_a_meaning() -> None:
    page = PAGES["docs/reference/schema.md"]
    rows = re.findall(r"^\| `(.+?)` \| (.+) \| (.+) \|$", page, re.MULTILINE)
    assert len(rows) > 70
    unsaid = [name for name, *cells in rows if "–" in cells]
    assert unsaid == [], "say what these fields mean: a docstring below each in its class"
    assert [role for role, root in ROOTS if f"## {root.__name__}" not in page] == []
    assert [reason for reason in (*Refusal, *NotTaken) if f"| `{reason.value}` |" not in page] == []


def test_a_field_without_a_word_would_be_seen() -> None:
    class Unsaid:
        field: int

    assert field_meanings(Unsaid) == {}
