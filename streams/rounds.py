"""Runs that are there at the same time are worked on together, in rounds: what a round costs beside its records is paid once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from streams.transport import Batch
from streams.transport.outputs import HANDLED

_JOIN_S = 0.001
"""Who was fetched at once joins one after another, within this."""

Said = TypeVar("Said")
Sent = Sequence[asyncio.Future[Any]]
Work = Callable[[Sequence[Batch]], Awaitable[tuple[Sequence[Said], Sent]]]


@dataclass(frozen=True, slots=True, eq=False)
class _Joined(Generic[Said]):
    batch: Batch
    done: asyncio.Future[tuple[Said, Sent]]


class Rounds(Generic[Said]):
    """Calls `work` with runs of one topic, of different partitions, of `most_records` together; more only where one run has more.

    `work` says something of each run, and what it has sent: each of the runs is acked when all of that is acknowledged.
    """

    def __init__(self, work: Work[Said], most_records: int) -> None:
        self._work = work
        self._most_records = most_records
        self._waiting: list[_Joined[Said]] = []
        self.working = asyncio.Lock()
        """Held in each round: whoever takes it comes between two."""

    async def join(self, batch: Batch) -> Said:
        """Have a run worked on; return what was said of it. Raises what its round raised."""
        mine: _Joined[Said] = _Joined(batch, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        try:
            await self._all_to_join()
            async with self.working:
                while not mine.done.done():
                    await self._next_round()
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)
        said, sent = await mine.done
        outputs = HANDLED.get()
        if outputs is not None:
            for one in sent:
                outputs.add(one)
        return said

    async def _all_to_join(self) -> None:
        """Wait while others join, unless there are enough for a round."""
        joined = 0
        while joined < len(self._waiting) and sum(len(one.batch.records) for one in self._waiting) < self._most_records:
            joined = len(self._waiting)
            await asyncio.sleep(_JOIN_S)

    async def _next_round(self) -> None:
        taken = self._take()
        try:
            said, sent = await self._work([one.batch for one in taken])
        except asyncio.CancelledError:
            for one in taken:
                one.done.cancel()
            raise
        except Exception as error:  # noqa: BLE001  whatever it was, each of them raises it
            for one in taken:
                one.done.set_exception(error)
            return
        for one, its in zip(taken, said, strict=True):
            if not one.done.done():
                one.done.set_result((its, sent))

    def _take(self) -> list[_Joined[Said]]:
        topic, records, taken = self._waiting[0].batch.tp.topic, 0, list[_Joined[Said]]()
        for one in self._waiting:
            records += len(one.batch.records)
            if one.batch.tp.topic == topic and (not taken or records <= self._most_records):
                taken.append(one)
        self._waiting = [one for one in self._waiting if one not in taken]
        return taken
