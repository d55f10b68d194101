"""How fast `pollwatch scan` is past its start-up, on a recording repeated until it has two million events."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from lab.story import story
from streams.recording import LINES_PER_CHUNK, chunks

WORLD = Path(__file__).resolve().parents[2] / "shared" / "data" / "world" / "recording.jsonl.gz"
_IDS = ("event_id", "poll_id", "account_id")
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class ScanRun:
    """One scan: `seconds` by its own clock, which starts after the imports; CPU and memory of the whole process."""

    events: int
    seconds: float
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    cases: int

    @property
    def events_per_s(self) -> float:
        """Events a second past start-up."""
        return self.events / self.seconds


def repeat(recording: Path, events: int, out: Path) -> int:
    """Write the recording so often that it has `events` lines or more; return how many it has.

    Copies follow each other in time, a minute or two apart; each has event, poll and account ids of its own.
    """
    lines = [line for part in chunks(recording, LINES_PER_CHUNK) for line in part]
    decoded: list[dict[str, Any]] = [msgspec.json.decode(line) for line in lines]
    times = [event["ts"] for event in decoded]
    span_ms = (max(times) - min(times)) // _MINUTE_MS * _MINUTE_MS + 2 * _MINUTE_MS
    copies = math.ceil(events / len(lines))
    with out.open("wb") as file:
        for copy in range(copies):
            file.writelines(_copy(decoded, copy, copy * span_ms))
    return copies * len(lines)


def _copy(events: list[dict[str, Any]], copy: int, shift_ms: int) -> Iterator[bytes]:
    for event in events:
        own = {name: f"{event[name]}-{copy}" for name in _IDS} | {"ts": event["ts"] + shift_ms}
        yield msgspec.json.encode(event | own) + b"\n"


def scan(recording: Path, out: Path) -> ScanRun:
    """Run `pollwatch scan` once. Raises RuntimeError when it fails."""
    begin_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "streams", "scan", str(recording), "--out", str(out)], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"scan of {recording} failed")
    summary = json.loads((out / "summary.json").read_text())
    return ScanRun(
        summary["events"], summary["seconds"], time.monotonic() - begin_s, used.ru_utime + used.ru_stime,
        used.ru_maxrss * 1024, summary["cases"],
    )  # fmt: skip


def median_run(runs: list[ScanRun]) -> ScanRun:
    """Return the run of median speed."""
    speed = statistics.median_low([run.events_per_s for run in runs])
    return next(run for run in runs if run.events_per_s == speed)


def write_story(out: Path) -> Path:
    """Write the demo's story as a recording, for where there is no other."""
    with out.open("wb") as file:
        file.writelines(msgspec.json.encode(event) + b"\n" for event in story(seed=7, start_ms=1_664_812_800_000).events)
    return out
