"""The votes of the last frame or two, one by one. It knows series and times, not what they mean.

State: 32 bytes a vote, for 64 s of votes: 10 MB at 5,000 votes a second.
"""

from __future__ import annotations

import numpy as np

from detectors.columns import Int64s, int64s
from detectors.shape.halves import SERIES_MS
from detectors.shape.params import SLOTS
from detectors.watcher import Ballots


class RecentRows:
    """First votes that came in time, ordered by time."""

    def __init__(self) -> None:
        self._parts: list[Int64s] = []

    def add(self, ballots: Ballots, from_ms: int) -> None:
        """Take the rows of a call from `from_ms` on; revotes, replies and late rows say nothing of rhythm."""
        timely = ballots.first & (ballots.option >= 0) & (ballots.ts_ms == ballots.effective_ms)
        timely &= ballots.effective_ms >= from_ms
        if timely.any():
            columns = (ballots.effective_ms, ballots.poll, ballots.option, ballots.arrived_ms)
            self._parts.append(np.array([column[timely] for column in columns], np.int64))

    def first_ms(self) -> int | None:
        """Return the time of the first row; None when there is none."""
        return int(self._parts[0][0, 0]) if self._parts else None

    def most_polls(self) -> int:
        """Return one more than the highest poll number."""
        rows = self._rows()
        return int(rows[1].max()) + 1 if rows.size else 0

    def keys(self, base_ms: int, until_ms: int) -> Int64s:
        """Return the keys (`detectors.shape.halves`) of all series in [base_ms, until_ms), sorted."""
        ms, poll, option, _ = self._between(base_ms, until_ms)
        named = option < SLOTS - 1
        whole = poll * SLOTS * SERIES_MS + (ms - base_ms)
        return np.sort(np.concatenate([whole, whole[named] + (option[named] + 1) * SERIES_MS]))

    def times(self, series: int, from_ms: int, until_ms: int) -> Int64s:
        """Return when votes of a series came in [from_ms, until_ms)."""
        ms, poll, option, _ = self._between(from_ms, until_ms)
        slot = series % SLOTS
        chosen: Int64s = ms[(poll == series // SLOTS) & ((option == slot - 1) | (slot == 0))]
        return chosen

    def arrived_ms(self, poll: int, until_ms: int) -> int:
        """Return when the broker took the last of a poll's votes before `until_ms`; 0 when there is none."""
        _, polls, _, arrived_ms = self._between(0, until_ms)
        return int(arrived_ms[polls == poll].max(initial=0))

    def drop(self, before_ms: int) -> None:
        """Let go of rows before this time."""
        if self._parts and self._parts[0][0, 0] < before_ms:
            rows = self._rows()
            kept = rows[:, np.searchsorted(rows[0], before_ms) :]
            self._parts = [kept.copy()] if kept.size else []

    def drop_all(self) -> None:
        """Let go of all rows."""
        self._parts = []

    def forget(self, polls: Int64s) -> None:
        """Let go of the rows of these polls."""
        rows = self._rows()
        kept = rows[:, ~np.isin(rows[1], polls)]
        self._parts = [kept] if kept.size else []

    def snapshot(self) -> bytes:
        """Return the rows as bytes, column after column."""
        return self._rows().tobytes()

    def restore(self, state: bytes) -> None:
        """Take over what `snapshot` returned."""
        self._parts = [np.frombuffer(state, np.int64).reshape(4, -1).copy()] if state else []

    def _rows(self) -> Int64s:
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts, axis=1)]
        return self._parts[0] if self._parts else int64s([[]] * 4)

    def _between(self, from_ms: int, until_ms: int) -> Int64s:
        rows = self._rows()
        low, high = np.searchsorted(rows[0], [from_ms, until_ms])
        between: Int64s = rows[:, low:high]
        return between
