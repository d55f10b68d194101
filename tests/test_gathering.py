"""Partitions that are read to their end are left alone for a moment, all for the same one; others never."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from streams.transport.gathering import Gathering

GATHER_MS = 40


class Partition(SimpleNamespace):
    """What aiokafka keeps of a partition."""

    paused_for_s: float | None = None

    def pause(self) -> None:
        self._since_s = asyncio.get_running_loop().time()

    def resume(self) -> None:
        self.paused_for_s = asyncio.get_running_loop().time() - self._since_s


def partition(position: int, end: int | None) -> Any:
    return Partition(position=position, lso=end)


def test_partitions_that_are_read_to_their_end_wait_for_one_moment_and_no_fetch_outlasts_it() -> None:
    async def scenario() -> None:
        gathering, one, other = Gathering(), partition(7, 7), partition(3, 3)
        gathering.pause(one, GATHER_MS)
        await asyncio.sleep(0.001)
        gathering.pause(other, GATHER_MS)
        assert 1 <= gathering.at_most_ms(1_000) <= GATHER_MS
        async with asyncio.timeout(10):
            while one.paused_for_s is None:
                assert other.paused_for_s is None
                await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert other.paused_for_s is not None
        assert other.paused_for_s < one.paused_for_s < 10
        assert gathering.at_most_ms(1_000) == 1_000, "nobody waits any more"

    asyncio.run(scenario())


def test_a_partition_that_is_behind_or_does_not_gather_is_asked_again_at_once() -> None:
    async def scenario() -> None:
        gathering = Gathering()
        for state, gather_ms in ((partition(6, 7), GATHER_MS), (partition(7, None), GATHER_MS), (partition(7, 7), 0)):
            gathering.pause(state, gather_ms)
            assert gathering.at_most_ms(1_000) == 1_000

    asyncio.run(scenario())
