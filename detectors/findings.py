"""What a shard says to the cases: findings, and how the votes of its polls stand. Plain data that travels as it is."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["vote_spike", "slow_drip", "rate_shape", "composition", "account_cluster", "copied_replies"]
Phase = Literal["opened", "update", "calm"]

PUBLISHED_DIGITS = 6


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """What one detector saw in one poll; all times are event time, `arrived_ms` is the broker's and measures latency.

    `observed` and `expected` are votes in [start_ms, end_ms). `tally` is the poll's votes by option at `at_ms`.
    `option` is None where the whole poll is meant.
    """

    at_ms: int
    poll_id: str
    option: str | None
    detector: str
    kind: Kind
    phase: Phase
    score: float
    p_value: float
    observed: float
    expected: float
    start_ms: int
    end_ms: int
    tally: dict[str, int]
    arrived_ms: int


class Standings(msgspec.Struct, frozen=True, array_like=True):
    """Votes of the options whose count changed, as they stand now (not the change): entry i is one option of a poll.

    `updated_ms` is when the poll's votes last changed (event time).
    """

    poll_ids: list[str]
    options: list[str]
    votes: list[int]
    updated_ms: list[int]


class Retired(msgspec.Struct, frozen=True, array_like=True):
    """A poll that left memory at `at_ms` (event time), with its last votes by option."""

    at_ms: int
    poll_id: str
    votes: dict[str, int]


class Report(msgspec.Struct, frozen=True, array_like=True):
    """All that one shard has to say about event time [from_ms, to_ms); reports of a shard follow on each other.

    `retired` are polls that left memory; `standings` speaks of the time after that.
    """

    shard: int
    from_ms: int
    to_ms: int
    findings: list[Finding]
    standings: Standings
    retired: list[Retired]
    ended: bool


def rounded(value: float) -> float:
    """Return `value` to the digits that are published, so that the last bits of a sum can't change an alert."""
    return float(f"{value:.{PUBLISHED_DIGITS}g}")
