"""Is this worker alive and ready? The decisions are pure; `Health` holds what the worker last said. Opens no socket."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

STALL_AFTER_MS = 30_000
"""Longer than a rebalance or a snapshot takes, much shorter than an alert may be late unnoticed."""


def monotonic_ms() -> int:
    """The clock of this file: milliseconds from any start, never set back."""
    return time.monotonic_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes, or no with the reason in one sentence."""

    ok: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the worker said last. Times by `monotonic_ms`; `lag` counts records, None while the brokers cannot be asked."""

    heard_ms: int
    last_progress_ms: int
    lagging_since_ms: int
    lag: int | None = None
    assigned: bool = False
    recovered: bool = False


def alive(pulse: Pulse, now_ms: int, stall_after_ms: int) -> Answer:
    """Whether a restart would not help: the loop speaks, and whatever waits is being worked on.

    Lag counts only once assigned and recovered, and only while it is known: a slow recovery or an unreachable broker is not
    cured by restarting, and restarting would start the recovery over again.
    """
    silent_ms = now_ms - pulse.heard_ms
    if silent_ms > stall_after_ms:
        return Answer(False, f"the worker has said nothing for {silent_ms} ms")
    idle_ms = now_ms - max(pulse.last_progress_ms, pulse.lagging_since_ms)
    if ready(pulse).ok and pulse.lag and idle_ms > stall_after_ms:
        return Answer(False, f"{pulse.lag} records wait and none was processed for {idle_ms} ms")
    return Answer(True, "alive")


def ready(pulse: Pulse) -> Answer:
    """Whether partitions were assigned (possibly none, to a spare worker) and their state is restored."""
    if not pulse.assigned:
        return Answer(False, "waiting for the assignment of partitions")
    if not pulse.recovered:
        return Answer(False, "restoring state")
    return Answer(True, "ready")


class Health:
    """What the worker tells about itself. Call `set_lag` every second or so: it is also the sign of life of its loop.

    One thread writes and others read: each call replaces one frozen value. `now_ms` is always `monotonic_ms()`.
    """

    def __init__(self, now_ms: int, stall_after_ms: int = STALL_AFTER_MS) -> None:
        self._stall_after_ms = stall_after_ms
        self._pulse = Pulse(heard_ms=now_ms, last_progress_ms=now_ms, lagging_since_ms=now_ms)

    def progress(self, now_ms: int) -> None:
        """Some records were processed, or some state restored."""
        self._pulse = replace(self._pulse, heard_ms=now_ms, last_progress_ms=now_ms)

    def set_lag(self, records: int | None, now_ms: int) -> None:
        """So many records of the assigned partitions wait; None when the brokers cannot be asked."""
        since_ms = self._pulse.lagging_since_ms if self._pulse.lag else now_ms
        self._pulse = replace(self._pulse, heard_ms=now_ms, lag=records, lagging_since_ms=since_ms)

    def assigned(self, now_ms: int) -> None:
        """Partitions were assigned; their state is still to be restored."""
        self._pulse = replace(self._pulse, heard_ms=now_ms, assigned=True, recovered=False)

    def recovered(self, now_ms: int) -> None:
        """The state of all assigned partitions is restored; the wait for records begins now."""
        self._pulse = replace(self._pulse, heard_ms=now_ms, last_progress_ms=now_ms, recovered=True)

    def revoked(self, now_ms: int) -> None:
        """Partitions were taken away: a rebalance is going on, or the worker stops."""
        self._pulse = replace(self._pulse, heard_ms=now_ms, assigned=False, recovered=False)

    def alive(self, now_ms: int) -> Answer:
        """Answer of /healthz."""
        return alive(self._pulse, now_ms, self._stall_after_ms)

    def ready(self) -> Answer:
        """Answer of /readyz."""
        return ready(self._pulse)
