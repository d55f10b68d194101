"""Which input partitions wait while a backlog is worked off, so that all of them come through event time together. Pure.

A worker reads its partitions in turns, so one with few votes an hour would be days ahead of one with many, and all its rows
would wait in memory. Only partitions of one worker are aligned: workers know nothing of each other's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from detectors.watermark import UNKNOWN_MS

LEAD_MS = 30_000
"""So far ahead, in event time, a partition may be of one that lags."""
_ANSWERED_WITHIN_MS = 10_000

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one partition has come: in event time and on the brokers' clock; how many records are known to wait in it, and
    how long ago its broker last answered (None: never)."""

    passed_ms: int
    arrived_ms: int
    unread: int
    answered_ago_ms: int | None


def too_far_ahead(reached: Mapping[Key, Reached], lagging: int) -> dict[Key, Key]:
    """Return the partitions that are to wait, each with one that it waits for: one in which more than `lagging` records wait.

    Whoever waits is ahead in event time and has later records: where a sender's clock is hours behind, its partition is not
    waited for by those that are as far in what came. A partition whose broker does not answer is waited for by nobody.
    """
    names = [name for name, at in reached.items() if UNKNOWN_MS not in (at.passed_ms, at.arrived_ms)]
    slow = [name for name in names if reached[name].unread > lagging and _answers(reached[name])]
    if not slow:
        return {}
    passed, arrived = _columns(reached, names)
    slow_passed, slow_arrived = _columns(reached, slow)
    waits = (passed[:, None] > slow_passed + LEAD_MS) & (arrived[:, None] > slow_arrived)
    return {names[row]: slow[int(np.argmax(waits[row]))] for row in np.flatnonzero(waits.any(axis=1))}


def _answers(at: Reached) -> bool:
    return at.answered_ago_ms is not None and at.answered_ago_ms <= _ANSWERED_WITHIN_MS


def _columns(reached: Mapping[Key, Reached], names: list[Key]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([reached[n].passed_ms for n in names]), np.array([reached[n].arrived_ms for n in names])
