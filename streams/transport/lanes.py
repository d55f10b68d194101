"""Runs of one partition are handled one after another; a partition whose handler hangs holds up no other.

A handler hangs when a topic it writes to takes nothing: then its partition is set aside, and no longer fetched, until it is
through. Must not know what handlers do.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from faust.types import TP, AppT, EventT

from streams.transport.batch import Batch, BatchMessage, batch_of
from streams.transport.consumer import Consumer
from streams.transport.outputs import HANDLED, Outputs

Handler = Callable[[Batch], Awaitable[None]]

SET_ASIDE_AFTER_S = 5.0
"""Far longer than any run takes that does not wait for somebody."""

logger = logging.getLogger(__name__)


class Lanes:
    """What one agent is at: a task for each partition that has work, and the runs that wait behind it.

    Besides those set aside, partitions are worked on at once while there are fewer than `at_once_records` in their runs: with 1, one at
    a time. A partition set aside has at most what was in the agent's queue already, and one fetch.
    """

    def __init__(self, app: AppT, handle: Handler, at_once_records: int = 1) -> None:
        self._app: Any = app
        self._handle = handle
        self._at_once_records = at_once_records
        self._waiting: dict[TP, deque[tuple[Any, Batch]]] = {}
        self._tasks: dict[TP, asyncio.Task[None]] = {}
        self._records: dict[TP, int] = {}
        self._aside: set[TP] = set()
        self._moved = asyncio.Event()

    async def put(self, event: EventT[Any]) -> None:
        """Work on a run, or put it behind the others of its partition; wait until there is room for another."""
        tp, batch = event.message.tp, batch_of(event)
        self._waiting.setdefault(tp, deque()).append((event.message, batch))
        self._records[tp] = self._records.get(tp, 0) + len(batch.records)
        if tp not in self._tasks:
            self._tasks[tp] = asyncio.create_task(self._work(tp))
        while self._at_work() >= self._at_once_records:
            self._moved.clear()
            await self._moved.wait()

    def _at_work(self) -> int:
        return sum(records for tp, records in self._records.items() if tp not in self._aside)

    def cancel(self) -> None:
        """End all work; what was not through stays unacked."""
        for task in self._tasks.values():
            task.cancel()

    async def _work(self, tp: TP) -> None:
        try:
            while self._waiting[tp]:
                message, batch = self._waiting[tp].popleft()
                hanging = asyncio.get_running_loop().call_later(SET_ASIDE_AFTER_S, self._set_aside, tp)
                try:
                    await self._one(message, batch)
                finally:
                    hanging.cancel()
                    self._records[tp] -= len(batch.records)
                    self._moved.set()
        finally:
            self._aside.discard(tp)
            del self._tasks[tp], self._waiting[tp], self._records[tp]
            if isinstance(self._app.consumer, Consumer):
                self._app.consumer.take_back(tp)

    def _set_aside(self, tp: TP) -> None:
        self._aside.add(tp)
        self._moved.set()
        if isinstance(self._app.consumer, Consumer):
            logger.warning("%s/%d is set aside: what it causes can't be written", tp.topic, tp.partition)
            self._app.consumer.set_aside(tp, self._tasks[tp])

    async def _one(self, message: Any, batch: Batch) -> None:
        outputs = Outputs(message.tp)
        consumer = self._app.consumer
        if isinstance(consumer, Consumer) and not consumer.ledger.holds(message.tp, message):
            message.ack(consumer)  # void since a seek: it will be delivered again
            return
        token = HANDLED.set(outputs)
        try:
            await self._handle(batch)
        except Exception as error:  # noqa: BLE001  whatever it was, it is raised by `run`
            await self._app.crash(error)
            await asyncio.Event().wait()  # never on to the next run; stopping the app cancels this
        finally:
            HANDLED.reset(token)
        if isinstance(message, BatchMessage):
            message.handled = True
        outputs.when_acknowledged(partial(message.ack, consumer))
