"""The last words of the demo: what was found, the counts, and what to try next, as text for any terminal or file."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from streams.demo.meters import Latency
from streams.demo.outcome import Outcome
from streams.demo.picture import Picture
from streams.terminal import visible

_INSUFFICIENT = (
    "“insufficient”: this version sees that votes surged, not yet who sent them. Telling a crowd from a script takes "
    "evidence that comes later: who voted, from where, and with whom."
)


def clock(story_ms: int) -> str:
    """Return a time of the story.

    >>> clock(72_000)
    '1:12'
    """
    return f"{story_ms // 60_000}:{story_ms // 1000 % 60:02d}"


def closing_words(picture: Picture, found: list[Outcome]) -> Text:
    """Return the summary."""
    text = Text("\nWhat the story did, and what was found\n\n", style="bold")
    for outcome in found:
        text.append_text(_told(outcome))
    text.append(f"{_INSUFFICIENT}\n\n", style="not bold")
    text.append_text(_counts(picture))
    return text


def _told(outcome: Outcome) -> Text:
    mark = ("✓", "green") if outcome.alert else ("–", "dim") if outcome.found else ("✗", "bold red")
    return Text.assemble(
        ("", "not bold"),
        mark,
        (f" {clock(outcome.surge.at_ms)}  {outcome.surge.sentence}\n", "not bold"),
        (f"        {_answer(outcome)}\n\n", "not bold"),
    )


def _answer(outcome: Outcome) -> str:
    alert = outcome.alert
    if alert is None:
        return (
            "no case: the poll begins with it, so it has no past to be compared with"
            if outcome.surge.is_opening
            else "MISSED: no case was opened"
        )
    said = "opened" if alert.news == "opened" else "was open already; it said again"
    case = f"case {visible(alert.data.case_id, 40)} {said} {outcome.after_ms / 1000:.1f} s after that"
    return f"{case}, verdict {visible(alert.data.verdict, 20)}.\n        {visible(alert.data.summary, 400)}"


def _counts(picture: Picture) -> Text:
    meters = picture.meters
    counts = {
        "sent": picture.sent,
        "received": meters.received,
        "duplicates": meters.duplicates,
        "late": meters.late,
        "refused": meters.refused,
    }
    told = "   ".join(f"{name} {count:,}" for name, count in counts.items())
    return Text(f"{told}\n{_latency(meters.latency)}\n", style="not bold")


def _latency(latency: Latency) -> str:
    if not latency.alerts:
        return "from event to alert: no alert was measured"
    p50_s, p99_s = latency.at_most_s(0.5), latency.at_most_s(0.99)
    return f"from event to alert: p50 at most {p50_s:g} s, p99 at most {p99_s:g} s ({latency.alerts} alerts measured)"


def next_commands(kept: Path | None) -> Text:
    """Return what to type next."""
    file = str(kept) if kept else "story.jsonl"
    lines = [
        *([] if kept else [("pollwatch demo --speed 10 --keep story.jsonl", "the same faster, and the recording stays")]),
        (f"pollwatch scan {file} --out found", "the same detectors without Kafka; open found/report.html"),
        ("pollwatch broker --port 9092", "an Apache Kafka to play with; in further terminals:"),
        ("export POLLWATCH_TOPICS_REPLICATION=1", "it is one broker"),
        ("pollwatch topics && pollwatch worker", ""),
        ("pollwatch tail", "alerts as they come"),
        (f"pollwatch replay {file} --rebase", "a recording, as if it happened now"),
    ]
    width = max(len(command) for command, _ in lines) + 2
    text = Text("\nNext\n\n", style="bold")
    for command, why in lines:
        text.append(f"  {command:{width}}", style="not bold")
        text.append(f"{why}\n", style="not bold dim")
    return text
