"""How far event time has come in one source, as a shard adds up what the source states.

It is the highest time stated, except for a source that says only what is long past: records of last week that are sent into it
again, or senders whose clocks were set back. Its time passes as in a silent source, by what elapses on the brokers' clock, and
its rows are late. Clocks that were set back a little are waited for. The brokers' times are those of the source's own
statements, in order of offsets: how fast they are read, and how they were cut into batches, changes nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from detectors.columns import Int64s
from detectors.watermark import ARRIVAL_GRID_MS, UNKNOWN_MS, Steps

_NOT = 0
"""No broker's time: nothing was heard yet, or the last statement raised the source's time."""


@dataclass(slots=True)
class SourceTime:
    """Four numbers: the time that has passed, the brokers' time of the newest statement, and since when (on the brokers'
    clock), and from which event time on, the source has said only what is long past."""

    passed_ms: int = UNKNOWN_MS
    newest_ms: int = _NOT
    since_ms: int = _NOT
    from_ms: int = UNKNOWN_MS

    def add(self, steps: Steps, idle_after_ms: int, max_behind_ms: int) -> Int64s:
        """Take statements; return how far time had come before them and after each of them.

        More than `max_behind_ms` is long past; who says nothing else for `idle_after_ms` is as good as silent.
        """
        passed = np.maximum.accumulate(np.concatenate([[self.passed_ms], steps.ms]))
        newest = np.maximum.accumulate(np.concatenate([[self.newest_ms], steps.arrived_ms]))
        rises = passed[1:] > passed[:-1]
        if ((steps.ms < passed[:-1] - max_behind_ms) & (newest[1:] > newest[:-1])).any():
            limits = idle_after_ms, max_behind_ms
            return np.array([self.passed_ms, *(self._one(*step, *limits) for step in _pairs(steps))], np.int64)
        self.passed_ms, self.newest_ms = int(passed[-1]), int(newest[-1])
        self.since_ms = _NOT if rises.any() else self.since_ms
        return passed

    def _one(self, ms: int, arrived_ms: int, idle_after_ms: int, max_behind_ms: int) -> int:
        if ms > self.passed_ms:
            self.passed_ms, self.since_ms = ms, _NOT
        elif ms < self.passed_ms - max_behind_ms and arrived_ms > self.newest_ms and self.passed_ms != UNKNOWN_MS:
            if self.since_ms == _NOT:
                # what lies between it and the statement before was silence, unless nobody could send for long
                silent_ms = min(max(0, arrived_ms - self.newest_ms - ARRIVAL_GRID_MS), idle_after_ms)
                self.since_ms, self.from_ms = arrived_ms, self.passed_ms + silent_ms
            elif arrived_ms - self.since_ms >= idle_after_ms:
                self.passed_ms = max(self.passed_ms, self.from_ms + arrived_ms - self.since_ms)
        self.newest_ms = max(self.newest_ms, arrived_ms)
        return self.passed_ms

    def snapshot(self) -> dict[str, int]:
        """Return the state as plain data."""
        return asdict(self)


def _pairs(steps: Steps) -> list[tuple[int, int]]:
    return list(zip(steps.ms.tolist(), steps.arrived_ms.tolist(), strict=True))
