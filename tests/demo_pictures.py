"""What the demo knows at a moment, made by hand."""

from __future__ import annotations

from pathlib import Path

from streams.alert_line import AlertData, ReadAlert
from streams.demo.picture import Picture
from streams.demo.plot import Plot, Surge

START_MS = 1_700_000_000_000


def alert(verdict: str, poll_id: str, after_ms: int) -> ReadAlert:
    at_ms = START_MS + after_ms
    data = AlertData("c" * 16, 1, [poll_id], verdict, "warning", 1.5, at_ms, at_ms, "Votes rose.")
    return ReadAlert("c:1", "pollwatch.alert.opened.v1", "2023-11-14T22:13:20.000Z", data)


def picture(*surges: Surge) -> Picture:
    return Picture(Plot(Path("story.jsonl"), 10, START_MS, surges), "http://127.0.0.1/metrics")
