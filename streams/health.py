"""Is this worker alive and ready? The decisions are pure; `Health` holds what the worker last said. Opens no socket."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

STALL_AFTER_MS = 30_000
"""Longer than a rebalance or a snapshot takes, much shorter than an alert may be late unnoticed."""

_MOST_NAMED = 3


def monotonic_ms() -> int:
    """The clock of this file: milliseconds from any start, never set back."""
    return time.monotonic_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes, or no with the reason in one sentence."""

    ok: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How an assigned partition stands: the next offset to process, and how many records wait there.

    `waiting` is None while the brokers cannot be asked. `held` says why the partition is left alone on purpose.
    """

    processed: int | None
    waiting: int | None
    held: str = ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A standing, and since when nothing moves in it although it should: now, for one that moves or has nothing to do."""

    standing: Standing
    since_ms: int


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the worker said last. Times by `monotonic_ms`; `seen` by name of the assigned partitions."""

    heard_ms: int
    seen: Mapping[str, _Seen] = field(default_factory=dict)
    assigned: bool = False
    recovered: bool = False


def alive(pulse: Pulse, now_ms: int, stall_after_ms: int) -> Answer:
    """Whether a restart would not help: the loop speaks, and in each partition what waits is being worked on.

    A partition counts only once assigned and recovered, only while its lag is known, and not while it is held on purpose:
    a slow recovery, an unreachable broker or a topic that takes nothing is not cured by restarting, and restarting would
    start the recovery over again.
    """
    silent_ms = now_ms - pulse.heard_ms
    if silent_ms > stall_after_ms:
        return Answer(False, f"the worker has said nothing for {silent_ms} ms")
    stuck = {name: seen for name, seen in pulse.seen.items() if now_ms - seen.since_ms > stall_after_ms}
    if ready(pulse).ok and stuck:
        named = [f"{name} ({seen.standing.waiting} records wait)" for name, seen in sorted(stuck.items())]
        longest_ms = now_ms - min(seen.since_ms for seen in stuck.values())
        return Answer(False, f"nothing was processed for {longest_ms} ms in {_listed(named)}")
    return Answer(True, "alive")


def ready(pulse: Pulse) -> Answer:
    """Whether partitions were assigned (possibly none, to a spare worker) and their state is restored."""
    if not pulse.assigned:
        return Answer(False, "waiting for the assignment of partitions")
    if not pulse.recovered:
        return Answer(False, "restoring state")
    held = [f"{name} waits: {seen.standing.held}" for name, seen in sorted(pulse.seen.items()) if seen.standing.held]
    return Answer(True, f"ready; {_listed(held)}" if held else "ready")


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


class Health:
    """What the worker tells about itself. Call `watch` every second or so: it is also the sign of life of its loop.

    One thread writes and others read: each call replaces one frozen value. `now_ms` is always `monotonic_ms()`.
    """

    def __init__(self, now_ms: int, stall_after_ms: int = STALL_AFTER_MS) -> None:
        self._stall_after_ms = stall_after_ms
        self._pulse = Pulse(heard_ms=now_ms)

    def watch(self, standings: Mapping[str, Standing], now_ms: int) -> None:
        """Every assigned partition stands like this now."""
        before = self._pulse.seen
        seen = {name: _seen(before.get(name), standing, now_ms) for name, standing in standings.items()}
        self._pulse = replace(self._pulse, heard_ms=now_ms, seen=seen)

    def assigned(self, now_ms: int) -> None:
        """Partitions were assigned; their state is still to be restored."""
        self._pulse = Pulse(heard_ms=now_ms, assigned=True)

    def recovered(self, now_ms: int) -> None:
        """The state of all assigned partitions is restored; the wait for records begins now."""
        self._pulse = Pulse(heard_ms=now_ms, assigned=True, recovered=True)

    def revoked(self, now_ms: int) -> None:
        """Partitions were taken away: a rebalance is going on, or the worker stops."""
        self._pulse = Pulse(heard_ms=now_ms)

    def alive(self, now_ms: int) -> Answer:
        """Answer of /healthz."""
        return alive(self._pulse, now_ms, self._stall_after_ms)

    def ready(self) -> Answer:
        """Answer of /readyz."""
        return ready(self._pulse)


def _seen(before: _Seen | None, standing: Standing, now_ms: int) -> _Seen:
    was_due = before is not None and before.standing.waiting and not before.standing.held
    is_due = standing.waiting and not standing.held
    if before is None or not (was_due and is_due) or standing.processed != before.standing.processed:
        return _Seen(standing, now_ms)
    return _Seen(standing, before.since_ms)
