"""The last words of the demo: what was found, the counts, and what to try next, as text for any terminal or file."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from shlex import quote

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from streams.demo.meters import Latency
from streams.demo.outcome import Fate, Outcome
from streams.demo.picture import Picture
from streams.terminal import visible

_INDENT = 8
_MARKS = {
    Fate.TOLD_SCRIPT: ("✓", "green"),
    Fate.TOLD_CROWD: ("✓", "green"),
    Fate.UNDECIDED: ("–", "dim"),
    Fate.NO_PAST: ("–", "dim"),
    Fate.MISSED: ("✗", "bold red"),
    Fate.ACCUSED: ("✗", "bold red"),
}


def clock(story_ms: int) -> str:
    """Return a time of the story.

    >>> clock(72_000)
    '1:12'
    """
    return f"{story_ms // 60_000}:{story_ms // 1000 % 60:02d}"


def closing_words(picture: Picture, found: list[Outcome]) -> RenderableType:
    """Return the summary."""
    told = [part for outcome in found for part in _told(outcome)]
    latency = Text(_latency(picture.meters.latency))
    return Group(_headline("What the story did, and what was found"), *told, _counts(picture), latency)


def _headline(words: str) -> Text:
    return Text(f"\n{words}\n", style="bold")


def _told(outcome: Outcome) -> list[RenderableType]:
    what = Text.assemble(_MARKS[outcome.fate], f" {clock(outcome.surge.at_ms)}  {outcome.surge.sentence}")
    return [what, *(Padding(Text(line), (0, 0, 0, _INDENT), expand=False) for line in _answer(outcome)), Text()]


def _answer(outcome: Outcome) -> list[str]:
    if outcome.alert is None:
        return [f"{outcome.fate.value}."]
    data = outcome.alert.data
    said = f"Case {visible(data.case_id, 40)}, first word of it {outcome.after_ms / 1000:.1f} s after it began: "
    lines = [f"{said}{outcome.fate.value} (verdict: {visible(data.verdict, 20)}).", visible(data.summary, 400)]
    if outcome.last is not None and outcome.last is not outcome.alert:
        lines.append(f"At the end: {visible(outcome.last.data.summary, 400)}")
    return lines


def _counts(picture: Picture) -> Text:
    meters = picture.meters
    counts = {
        "sent": picture.sent,
        "received": meters.received,
        "duplicates": meters.duplicates,
        "late": meters.late,
        "refused": meters.refused,
    }
    return Text("   ".join(f"{name} {count:,}" for name, count in counts.items()))


def _latency(latency: Latency) -> str:
    if not latency.alerts:
        return "from event to alert: no alert was measured"
    p50, p99 = (_bound(latency, share) for share in (0.5, 0.99))
    alerts = "1 alert" if latency.alerts == 1 else f"{latency.alerts} alerts"
    return f"from event to alert: p50 {p50}, p99 {p99} ({alerts} measured)"


def _bound(latency: Latency, share: float) -> str:
    edge_s = latency.at_most_s(share)
    return f"at most {edge_s:g} s" if isfinite(edge_s) else f"more than {latency.buckets[-2][0]:g} s"


def next_commands(pollwatch: str, kept: Path | None) -> RenderableType:
    """Return what to type next, each command on a line of its own, to be copied; `pollwatch` is how to call it."""
    file = quote(str(kept)) if kept else "story.jsonl"
    lines = [
        *([] if kept else [("once more, faster, keeping the recording", f"{pollwatch} demo --speed 10 --keep story.jsonl")]),
        ("the same without Kafka; then open found/report.html", f"{pollwatch} scan {file} --out found"),
        ("an Apache Kafka to play with, while this runs", f"{pollwatch} broker --port 9092"),
        ("in other terminals, since it is a single broker", "export POLLWATCH_TOPICS_REPLICATION=1"),
        ("the worker", f"{pollwatch} topics && {pollwatch} worker"),
        ("the console, at http://127.0.0.1:9096/", f"{pollwatch} console"),
        ("alerts as they come", f"{pollwatch} tail"),
        ("a recording, as if it happened now", f"{pollwatch} replay {file} --rebase"),
    ]
    parts = [Text.assemble((f"  # {why}\n", "dim"), f"  {command}") for why, command in lines]
    return Group(_headline("Next"), *parts)
