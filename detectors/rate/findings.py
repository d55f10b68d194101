"""What the vote-rate detector says. It must not know how the numbers came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from detectors.columns import Bools, Floats, Int32s, Int64s

RateKind: TypeAlias = Literal["vote_spike", "slow_drip"]
RatePhase: TypeAlias = Literal["opened", "update", "calm"]


@dataclass(frozen=True, slots=True)
class RateFinding:
    """What the detector has to say about one poll at one moment. Times are event time, milliseconds.

    `option` is NO_OPTION for the whole poll. `at_ms` is the end of the tick or window at which it speaks;
    [start_ms, end_ms) the span judged, `observed` and `expected` the votes in it. `p_value` is the chance of so many
    where nothing happens; `score` > 1 is beyond the budget of false alarms. `arrived_ms` measures latency only.
    """

    poll: int
    option: int
    kind: RateKind
    phase: RatePhase
    at_ms: int
    start_ms: int
    end_ms: int
    observed: float
    expected: float
    p_value: float
    score: float
    arrived_ms: int


@dataclass(frozen=True, slots=True)
class WindowScores:
    """One row for each poll in memory and each closed window since its first vote, ordered by (start_ms, poll)."""

    poll: Int32s
    start_ms: Int64s
    votes: Int64s
    expected: Floats
    score: Floats
    alarm: Bools


@dataclass(frozen=True, slots=True)
class RateStep:
    """What one advance brought: findings by (at_ms, poll), scores if asked for, polls whose state was given back
    in it (they may have come back since)."""

    findings: list[RateFinding]
    windows: WindowScores | None
    quiet: list[int]


def joined(parts: list[WindowScores]) -> WindowScores:
    """Return the rows of all parts, one part after the other."""
    if not parts:
        nothing = np.zeros(0, np.int64)
        return WindowScores(nothing.astype(np.int32), nothing, nothing, np.zeros(0), np.zeros(0), np.zeros(0, np.bool_))
    return WindowScores(*(np.concatenate([getattr(part, name) for part in parts]) for name in WindowScores.__slots__))
