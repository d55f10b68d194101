"""Faust's own consumer, conductor, queues and rebalance callbacks over a log in memory that stands in for the aiokafka thread."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import faust
from faust.types import TP

from streams.transport import BatchLimits, Gate, batch_topic, settings_for_faust
from streams.transport.fetch import Fetched
from streams.transport.records import Records

TPS = [TP("votes", 0), TP("votes", 1)]


class ScriptedThread:
    """What ConsumerThread offers the consumer, over a log in memory. Committed is None until the first commit."""

    def __init__(self) -> None:
        self.log: dict[TP, list[int]] = {tp: [] for tp in TPS}
        self.end = dict.fromkeys(TPS, 0)
        self.position = dict.fromkeys(TPS, 0)
        self.committed: dict[TP, int] = {}
        self.assigned = set(TPS)
        self.fetch_records = 10
        self.during_fetch: Callable[[], None] = lambda: None

    def append(self, tp: TP, count: int, hole: int) -> None:
        first = self.end[tp] + hole
        self.log[tp] += range(first, first + count)
        self.end[tp] = first + count

    async def fetch(self, tps: set[TP], timeout_s: float) -> Fetched:
        found = {}
        for tp in tps:
            chosen = [offset for offset in self.log[tp] if offset >= self.position[tp]][: self.fetch_records]
            if chosen:
                found[tp] = Records(tp.topic, tp.partition)
                found[tp].extend(_parsed(offset) for offset in chosen)
            at_end = not chosen or chosen[-1] == self.log[tp][-1]
            self.position[tp] = self.end[tp] if at_end else chosen[-1] + 1
        self.during_fetch()
        return Fetched(found, {tp: self.position[tp] for tp in tps}, {tp: self.end[tp] for tp in tps})

    async def give_back(self, points: Mapping[TP, int]) -> None:
        self.position.update(points)

    async def seek_wait(self, points: Mapping[TP, int]) -> None:
        self.position.update(points)

    async def resume_at(self, points: Mapping[TP, int]) -> Mapping[TP, int | None]:
        for tp in self.assigned:
            self.position[tp] = points.get(tp, self.committed.get(tp, 0))
        return {tp: self.committed.get(tp) for tp in self.assigned}

    async def commit(self, offsets: Mapping[TP, int]) -> bool:
        self.committed.update(offsets)
        return True

    def assignment(self) -> set[TP]:
        return set(self.assigned)


def _parsed(offset: int) -> Any:
    return SimpleNamespace(offset=offset, timestamp=offset, key=None, value=b"%d" % offset, headers=())


async def nothing() -> None:
    """Let a delivery go ahead undisturbed."""


class World:
    """An app that was never started, its consumer on the scripted log, and an agent that acks in any order."""

    def __init__(self, gate: Gate = Gate.NONE, **overrides: Any) -> None:
        conf = settings_for_faust() | overrides
        self.app = faust.App("test", broker="pollwatch://127.0.0.1:1", **conf)
        self.channel = batch_topic(self.app, "votes", limits=BatchLimits(4), gate=gate, queue_batches=6)
        self.stream = cast(Any, self.channel.stream())
        self.queue = self.stream.channel.queue
        self.consumer = cast(Any, self.app.consumer)
        self.consumer._thread.thread_loop.close()
        self.thread = ScriptedThread()
        self.consumer._thread = self.thread
        conductor: Any = self.app.topics
        conductor._topics.add(self.stream.channel)
        conductor._acking_topics.add("votes")
        conductor._subscription_done = None  # nobody subscribes here
        self.begun: list[Any] = []
        self.processed: dict[TP, set[int]] = {tp: set() for tp in TPS}
        self.next_taken = dict.fromkeys(TPS, 0)

    async def assign(self, tps: Iterable[TP] = TPS) -> None:
        self.app.consumer_generation_id += 1
        self.thread.assigned = set(tps)
        await self.consumer.on_partitions_assigned(set(tps), self.app.consumer_generation_id)
        flowing = self.consumer.flow_active or self.app.flow_control.is_active()
        assert not flowing, "batches may reach an agent before positions are set"
        self.consumer.resume_partitions(set(tps))
        await self.consumer.perform_seek()
        self.app.flow_control.resume()
        self.consumer.resume_flow()
        self.next_taken = dict(self.thread.position)

    async def fetch(self, interruptions: Iterable[Callable[[], Awaitable[None]]] = ()) -> None:
        """Do what the drain loop does for one fetch, with something else happening before each delivery."""
        between = iter(interruptions)
        async for _tp, message in self.consumer.getmany(timeout=0.0):
            await next(between, nothing)()
            await self.consumer.wait_first(self.consumer.callback(message), self.consumer.suspend_flow.wait())

    async def seek_back(self, tp: TP, offset: int) -> None:
        if tp in self.thread.assigned:
            # Past what is not done yet it would be an order to lose records.
            undone = [message.first_offset for message in self.begun if message.tp == tp]
            back = min([offset, self.next_taken[tp], *undone])
            await self.consumer.seek_wait({tp: back})
            self.next_taken[tp] = back

    async def pause(self, tp: TP) -> None:
        self.consumer.pause_partitions({tp})

    async def resume(self, tp: TP) -> None:
        if tp in self.thread.assigned:
            self.consumer.resume_partitions({tp})

    def take(self) -> None:
        """Start on the next batch, as an agent would; it must continue exactly where the last one ended."""
        if self.queue.empty():
            self.queue.maybe_endorse_pressure_drop()  # as get() does before it waits
            return
        message: Any = self.queue.get_nowait().message
        if not self.consumer.ledger.holds(message.tp, message):
            return
        tp = message.tp
        wanted = [offset for offset in self.thread.log[tp] if offset >= self.next_taken[tp]]
        assert list(message.value.offsets) == wanted[: len(message.value)], f"{tp}: records lost or repeated"
        self.next_taken[tp] = message.offset + 1
        message.tracked = True
        self.consumer.track_message(message)
        self.begun.append(message)

    def ack(self, index: int) -> None:
        if self.begun:
            message = self.begun.pop(index % len(self.begun))
            if self.consumer.ledger.holds(message.tp, message):
                self.processed[message.tp].update(message.value.offsets)
            message.ack(self.consumer)

    async def rebalance(self, tps: Iterable[TP], order: int) -> None:
        revoked = asyncio.create_task(self.consumer.on_partitions_revoked(set(self.thread.assigned)))
        for _ in range(50):
            await asyncio.sleep(0)
        while self.begun:
            assert not revoked.done(), "partitions were given up while batches were in flight"
            self.ack(order)
            await asyncio.sleep(0)
        await asyncio.wait_for(revoked, 5)
        assert not self.consumer.ledger.partitions
        await self.assign(tps)

    def check(self) -> None:
        assert not self.app.crashed, self.app.crash_reason
        for tp, committed in self.thread.committed.items():
            early = {offset for offset in self.thread.log[tp] if offset < committed} - self.processed[tp]
            assert not early, f"{tp}: committed {committed} before {sorted(early)[:5]} were processed"
