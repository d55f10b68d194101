"""Where the clocks on the wall are put back an hour, nothing of what is found, written or drawn changes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from recorded_traffic import START_MS, recording, write

from config import Settings
from streams.rebase import rebased
from streams.stages import build_decoder

ROOT = Path(__file__).resolve().parent.parent
CHANGE_MS = 1_667_091_600_000
"""2022-10-30 01:00 UTC: in Berlin, three in the morning becomes two."""
# as POSIX spells them, so that no table of time zones is needed
ZONES = {"Berlin": "CET-1CEST,M3.5.0,M10.5.0/3", "New York": "EST5EDT,M3.2.0,M11.1.0"}
WRITTEN = ["alerts.jsonl", "moderation.jsonl", "integrity.jsonl", "scores.csv", "dead-letter.jsonl"]


def scanned(path: Path, out: Path, zone: str) -> Path:
    command = [sys.executable, "-m", "streams", "scan", str(path), "--out", str(out), "--scores"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "TZ": zone}, check=True, capture_output=True)
    return out


def page(out: Path) -> list[str]:
    """Return the report without what it says of how long the scan took and what it needed."""
    return [re.sub(r"[0-9.]+ s, [0-9]+ MB", "", line) for line in (out / "report.html").read_text().splitlines()]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Scan one recording, whose floods are right before and right after the change, in three time zones."""
    folder = tmp_path_factory.mktemp("night")
    decoder = build_decoder(Settings())
    lines = recording(7, polls=4, minutes=40, flood=500)
    moved = rebased(lines, decoder.recording(lines), decoder, CHANGE_MS - 20 * 60_000 - START_MS)
    path = write(folder / "night.jsonl", moved)
    return {name: scanned(path, folder / name, zone) for name, zone in {"UTC": "UTC0", **ZONES}.items()}


@pytest.mark.parametrize("zone", ZONES)
def test_a_recording_that_crosses_the_change_gives_the_same_files_in_every_time_zone(found: dict[str, Path], zone: str) -> None:
    assert (found["UTC"] / "alerts.jsonl").read_bytes().count(b"\n") > 2, "nothing was found"
    for name in WRITTEN:
        assert (found[zone] / name).read_bytes() == (found["UTC"] / name).read_bytes(), name


@pytest.mark.parametrize("zone", ZONES)
def test_the_report_tells_the_times_of_the_recording_and_not_of_the_reader(found: dict[str, Path], zone: str) -> None:
    assert page(found[zone]) == page(found["UTC"])


def test_the_zones_above_do_change_what_the_operating_system_says_of_that_hour() -> None:
    """So that the tests above say something."""
    ask = f"import time; print(*(time.localtime({CHANGE_MS} / 1000 + s).tm_hour for s in (-1, 0)))"
    told = {
        name: subprocess.run([sys.executable, "-c", ask], env={**os.environ, "TZ": zone}, check=True, capture_output=True).stdout
        for name, zone in {"UTC": "UTC0", **ZONES}.items()
    }
    assert told == {"UTC": b"0 1\n", "Berlin": b"2 2\n", "New York": b"20 21\n"}
