"""How far apart the clocks of sources may be: who stays further behind than that is no longer waited for.

On the brokers' clock, every source has been read up to some moment. What half of the sources had passed `max_behind_ms`
before that moment has passed for all: a source whose own time has still not come there has clocks that are further behind.
A source that is merely read later than others is not behind: only what sources said at the same brokers' time is compared.
State: two numbers for each sixteenth of `max_behind_ms` by which one source is read ahead of another, 4,096 times at most.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

from detectors.source_time import SourceTime
from detectors.watermark import UNKNOWN_MS

_PARTS = 16
_MOST_KEPT = 4_096


class Apart:
    """What each source had passed, and at which brokers' time."""

    def __init__(self, sources: Iterable[str], max_behind_ms: int) -> None:
        self._max_behind_ms = max_behind_ms
        self._every_ms = max(1, max_behind_ms // _PARTS)
        self._at: dict[str, list[tuple[int, int]]] = {source: [] for source in sources}
        self._looked: tuple[int, list[str]] = 0, []
        self._passed_ms = UNKNOWN_MS

    def note(self, source: str, time: SourceTime) -> None:
        """Remember how far a source has come."""
        known = self._at[source]
        if not known or time.newest_ms >= known[-1][0] + self._every_ms:
            known.append((time.newest_ms, time.passed_ms))
            del known[:-_MOST_KEPT]

    def passed_ms(self, flowing: dict[str, SourceTime]) -> int:
        """Return the event time that has passed for all of these, or UNKNOWN_MS."""
        heard_ms = min([time.newest_ms for time in flowing.values()], default=0) // self._every_ms * self._every_ms
        look = heard_ms - self._max_behind_ms, list(flowing)
        # what was passed by then is settled: nobody's brokers' time goes back behind the least
        if look != self._looked:
            self._looked, self._passed_ms = look, self._passed_by_half(*look)
        return self._passed_ms

    def _passed_by_half(self, until_ms: int, sources: list[str]) -> int:
        if len(sources) < 2 or until_ms <= 0:
            return UNKNOWN_MS  # with 0, one of them never was told a broker's time
        return sorted(self._passed_by(source, until_ms) for source in sources)[len(sources) // 2]

    def _passed_by(self, source: str, until_ms: int) -> int:
        known = self._at[source]
        found = bisect_right(known, (until_ms, 1 << 62))
        if not found:
            return UNKNOWN_MS
        del known[: found - 1]
        return known[0][1]

    def snapshot(self) -> dict[str, list[tuple[int, int]]]:
        """Return the state as plain data."""
        return {source: list(known) for source, known in self._at.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned, of the sources there are."""
        self._at.update((s, [(at, ms) for at, ms in known]) for s, known in state.items() if s in self._at)
        self._looked = 0, []
