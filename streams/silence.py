"""What the silence of a source is worth: how much time passed in it on the brokers' clock. Knows no client and no topic.

Times named `now` are this process's monotonic clock, whose zero is anywhere; the brokers' clock is known from what they stamp.
"""

from __future__ import annotations

from detectors.watermark import UNKNOWN_MS
from streams.transport.listening import Listened


class BrokersClock:
    """What the brokers' clock says at least, from the last record they have acknowledged."""

    def __init__(self) -> None:
        self._ahead_ms: int | None = None

    def saw(self, stamped_ms: int, now_ms: int) -> None:
        """Note that a record was stamped, a moment ago."""
        self._ahead_ms = stamped_ms - now_ms

    def now_ms(self, now_ms: int) -> int | None:
        """Return what the brokers' clock says at `now_ms`, None where that is not known."""
        return None if self._ahead_ms is None else now_ms + self._ahead_ms

    def since(self, stamped_ms: int, now_ms: int) -> int:
        """Return how long ago, at `now_ms`, the brokers' clock said `stamped_ms`; 0 where that is not known."""
        return 0 if self._ahead_ms is None else max(0, now_ms + self._ahead_ms - stamped_ms)


class SourceSilence:
    """When one source last said something, and when it last said what time it is."""

    def __init__(self, now_ms: int) -> None:
        self._heard_ms = self._stated_ms = now_ms

    def heard(self, now_ms: int, stated: bool) -> None:
        """Note that records came, and whether they said what time it is."""
        self._heard_ms = now_ms
        if stated:
            self._stated_ms = now_ms

    def elapsed_ms(
        self, listened: Listened | None, idle_after_ms: int, last_arrived_ms: int, brokers: BrokersClock
    ) -> int | None:
        """Return how much time has passed since the last record came, if it is known that none came since; else None.

        None, too, before it said nothing of the time for `idle_after_ms`, in all of which the brokers were asked.
        """
        if listened is None or listened.until_ms - max(self._stated_ms, listened.since_ms) < idle_after_ms:
            return None
        if listened.until_ms < self._heard_ms:
            return None
        # whoever begins to read, or has worked off what waited, was not there when the last record came
        there_ms = 0 if last_arrived_ms == UNKNOWN_MS else brokers.since(last_arrived_ms, listened.until_ms)
        return max(listened.until_ms - self._heard_ms, there_ms)
