"""When finer work is shed: decided from how far behind the worker is, and nothing else. Knows no clock and no Kafka.

Who is behind after a stop, a takeover or an outage catches up by itself, and must look at all of it: its anomalies are to be
found. So work is shed only when the worker was further behind than `shed_after_ms` for as long as that, and came no nearer
in the meantime. It is taken up again when less than half of it is left.
"""

from __future__ import annotations

_SILENCE_MS = 10_000
"""After so long without a word nothing is known of the time between: who was stopped, or could not write, was not too slow."""


class Overload:
    """The rule; `shed_after_ms` 0 never sheds. State: five numbers."""

    def __init__(self, shed_after_ms: int) -> None:
        self._shed_after_ms = shed_after_ms
        self._began_ms: int | None = None
        self._seen_ms = 0
        self._least_ms = [0, 0]
        self.sheds = False

    def begin(self) -> None:
        """Forget how it was: other partitions are to be worked on now. What is shed stays so until it is told otherwise."""
        self._began_ms = None

    def see(self, now_ms: int, behind_ms: int) -> bool:
        """Take how far behind the worker is now, about once a second while it works; return whether work is shed."""
        if behind_ms < self._shed_after_ms / 2:
            self.sheds = False
        if not self._shed_after_ms or behind_ms <= self._shed_after_ms:
            self._began_ms = None
        elif self._began_ms is None or now_ms - self._seen_ms > _SILENCE_MS:
            self._begin_at(now_ms, behind_ms)
        else:
            self._compare(now_ms - self._began_ms, now_ms, behind_ms)
        self._seen_ms = now_ms
        return self.sheds

    def _begin_at(self, now_ms: int, behind_ms: int) -> None:
        self._began_ms, self._least_ms = now_ms, [behind_ms, behind_ms]

    def _compare(self, since_ms: int, now_ms: int, behind_ms: int) -> None:
        """Compare the least of the first half of the time with the least of the second: single moments differ by chance."""
        early, late = self._least_ms
        if 2 * since_ms < self._shed_after_ms:
            self._least_ms = [min(early, behind_ms), 1 << 62]
        else:
            self._least_ms = [early, min(late, behind_ms)]
        if since_ms >= self._shed_after_ms:
            self.sheds = self.sheds or self._least_ms[1] >= early
            self._begin_at(now_ms, behind_ms)
