"""Texts of strangers on every surface: one line stays one line, no terminal obeys, nothing is hidden."""

from __future__ import annotations

import io
import json
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_traffic import START_MS, write

from config import Settings
from streams.__main__ import main
from streams.alert_line import alert_line, read_alert
from streams.log_lines import VisibleLines
from streams.scan import scan

NASTY = "\x1b]0;owned\x07\x1b[2J\r\n\u202egnp.\u200b\u2066<script>=cmd()\u2028\x00"
TEXTS = st.one_of(st.text(max_size=40), st.just(NASTY), st.text("\x1b[]0;m\n\r\u202e\u200b\\ab ", max_size=40))


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    written, handler, logger = io.StringIO(), logging.StreamHandler(), logging.getLogger("hostile")
    handler.setStream(written)
    handler.setFormatter(VisibleLines())
    logger.addHandler(handler)
    logger.propagate = False
    yield written
    logger.removeHandler(handler)


def test_a_log_line_is_one_line_whatever_it_tells(lines: io.StringIO) -> None:
    logging.getLogger("hostile").warning("poll %s of %r", NASTY, NASTY)
    [line] = lines.getvalue().splitlines()
    assert line.isprintable()
    assert " WARNING hostile: poll \\x1b]0;owned\\x07" in line


def test_a_traceback_keeps_its_lines_and_shows_the_text_of_its_error(lines: io.StringIO) -> None:
    try:
        raise ValueError(NASTY)
    except ValueError:
        logging.getLogger("hostile").exception("failed")
    told = lines.getvalue().split("\n")
    assert len(told) > 4
    assert all(line.isprintable() for line in told)
    assert any("ValueError: \\x1b]0;owned" in line for line in told)


@given(TEXTS, TEXTS)
def test_no_text_makes_a_second_log_line(message: str, name: str) -> None:
    record = logging.LogRecord("streams", logging.INFO, "", 0, "%s and %r", (message, name), None)
    line = VisibleLines().format(record)
    assert line.isprintable()


def test_an_error_that_quotes_a_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "labels\x1b[2J\u202e.json").write_text("{")
    for name in ("alerts.jsonl", "moderation.jsonl", "integrity.jsonl"):
        (tmp_path / name).write_text("")
    assert main(["evaluate", str(tmp_path), str(tmp_path / "labels\x1b[2J\u202e.json")]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.rstrip("\n").isprintable()
    assert "labels\\x1b[2J\\u202e.json: no labels" in told


def flooded(poll: str, option: str, account: str) -> list[bytes]:
    """Return a recording of a poll that is flooded, whose names a stranger chose."""
    rng = random.Random(1)
    events = [(START_MS + rng.uniform(0, 1_800_000), f"a{number}") for number in range(600)]
    events += [(START_MS + 1_200_000 + rng.uniform(0, 4_000), f"{account}{number}") for number in range(900)]
    return [
        json.dumps(
            {"type": "vote", "event_id": f"e{number}", "poll_id": poll, "account_id": who, "option": option, "ts": int(at)}
        ).encode()
        for number, (at, who) in enumerate(sorted(events))
    ]


def test_alerts_on_a_poll_with_a_hostile_name_are_lines_that_obey_nobody(tmp_path: Path) -> None:
    recording = write(tmp_path / "recording.jsonl", flooded(f"p{NASTY}", f"o{NASTY}", f"f{NASTY}"))
    scan([recording], Settings(), tmp_path / "out", True, lambda _: None)
    alerts = (tmp_path / "out" / "alerts.jsonl").read_bytes().splitlines()
    assert alerts
    for line in alerts:
        told = alert_line(read_alert(line)).plain
        assert told.isprintable()
        assert json.loads(line)["subject"] == f"p{NASTY}", "machines get the id as it is"
        assert len(json.loads(line)["data"]["case_id"]) == 16
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script>=cmd()" not in page
    assert not set(NASTY) & set("\x1b\x07\u202e\u200b\u2066\u2028\x00") & set(page)
