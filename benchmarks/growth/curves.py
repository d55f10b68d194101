"""What grows in each curve, and the points that are measured. Knows no process and no Kafka."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace

from benchmarks.live_traffic import LiveTraffic
from benchmarks.recording import Recording, Traffic

VOTES = 1_000_000
_PAD = b',"note":"'


class Curve(enum.StrEnum):
    """What grows."""

    POLLS = "active polls"
    ACCOUNTS = "active accounts"
    PARTITIONS = "partitions"
    BYTES = "bytes a record"
    WORKERS = "workers"
    DELAY_POLLS = "active polls, in real time"
    DELAY_VOTES = "votes a second, in real time"


@dataclass(frozen=True, slots=True)
class Point:
    """One run: `x` is the size of what grows; `more_bytes` are added to each record, in a field nobody asked for."""

    curve: Curve
    x: int
    traffic: Traffic = field(default_factory=Traffic)
    partitions: int = 8
    workers: int = 1
    more_bytes: int = 0
    live: LiveTraffic | None = None


def points(curve: Curve, votes: int = VOTES) -> list[Point]:
    """Return the points of a curve, from small to large, each with so many votes."""
    base = Traffic(votes=votes)
    live = LiveTraffic(votes_per_s=20_000, warm_up_s=20, seconds=40)
    match curve:
        case Curve.POLLS:
            return [Point(curve, n, replace(base, polls=n)) for n in (10, 100, 1_000, 10_000, 100_000)]
        case Curve.ACCOUNTS:
            return [Point(curve, n, replace(base, accounts=n)) for n in (10_000, 100_000, 1_000_000)]
        case Curve.PARTITIONS:
            return [Point(curve, n, base, partitions=n) for n in (1, 4, 16, 64)]
        case Curve.BYTES:
            return [Point(curve, 250 + more, base, more_bytes=more) for more in (0, 250, 750, 1_750)]
        case Curve.WORKERS:
            return [Point(curve, n, base, workers=n) for n in (1, 2)]
        case Curve.DELAY_POLLS:
            return [Point(curve, n, live=replace(live, polls=n)) for n in (10, 100, 1_000, 10_000)]
        case Curve.DELAY_VOTES:
            return [Point(curve, n, live=replace(live, votes_per_s=n)) for n in (5_000, 10_000, 20_000, 40_000)]


def padded(recording: Recording, more_bytes: int) -> Recording:
    """Return the recording with records that are so many bytes longer."""
    if not more_bytes:
        return recording
    note = _PAD + b"x" * (more_bytes - len(_PAD) - 1) + b'"}'  # takes the place of the last bracket
    return replace(recording, people=[person[:-1] + note for person in recording.people])
