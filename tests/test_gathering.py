"""Partitions that are read to their end are left alone for a moment, all for the same one; others never."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streams.transport.gathering import Gathering

GATHER_MS = 40


class Clock:
    """Stands where the event loop stands; its time is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.due: list[tuple[float, Callable[..., None], Any]] = []

    def time(self) -> float:
        return self.now_s

    def call_at(self, due_s: float, call: Callable[..., None], state: Any) -> None:
        self.due.append((due_s, call, state))

    def pass_to(self, now_s: float) -> None:
        self.now_s = now_s
        due, self.due = [one for one in self.due if one[0] <= now_s], [one for one in self.due if one[0] > now_s]
        for _, call, state in due:
            call(state)


class Partition:
    """What aiokafka keeps of a partition."""

    def __init__(self, position: int, end: int | None) -> None:
        self.position, self.lso, self.paused = position, end, False

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("streams.transport.gathering.asyncio.get_running_loop", lambda: clock)
    return clock


def test_partitions_that_are_read_to_their_end_wait_for_one_moment_and_no_fetch_outlasts_it(clock: Clock) -> None:
    gathering, one, other = Gathering(), Partition(7, 7), Partition(3, 3)
    clock.pass_to(1_000.005)
    gathering.pause(one, GATHER_MS)
    clock.pass_to(1_000.025)
    gathering.pause(other, GATHER_MS)
    assert 14 <= gathering.at_most_ms(1_000) <= 15
    assert gathering.at_most_ms(3) == 3
    clock.pass_to(1_000.039)
    assert one.paused
    assert other.paused
    assert gathering.at_most_ms(1_000) == 1
    clock.pass_to(1_000.041)
    assert not one.paused
    assert not other.paused
    assert gathering.at_most_ms(1_000) == 1_000, "nobody waits any more"


def test_a_partition_that_is_behind_or_does_not_gather_is_asked_again_at_once(clock: Clock) -> None:
    gathering = Gathering()
    for state, gather_ms in ((Partition(6, 7), GATHER_MS), (Partition(7, None), GATHER_MS), (Partition(7, 7), 0)):
        gathering.pause(state, gather_ms)
        assert not state.paused
        assert gathering.at_most_ms(1_000) == 1_000
    assert not clock.due
