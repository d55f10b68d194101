"""Faust's own consumer, conductor, queues and rebalance callbacks over a scripted log: nothing lost, nothing early, in order.

The log stands in for the aiokafka thread only, so that thousands of orders of deliver, ack, seek, pause and rebalance can be
tried; the same claims on a real Kafka are in test_transport_live.py.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import faust
import hypothesis.strategies as st
from faust.types import TP
from hypothesis import HealthCheck, given, settings

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
                found[tp].extend((_parsed(offset) for offset in chosen), len(chosen) + 1)
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


Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["append"] * 2 + ["fetch"] * 3 + ["take"] * 4 + ["ack"] * 3)
        | st.sampled_from(["commit", "seek", "rebalance", "lose", "pause", "resume", "gate"])
        | st.sampled_from(["stop_in_fetch", "seek_in_fetch", "rebalance_in_fetch", "pause_in_fetch"]),
        st.integers(0, 30),
        st.integers(0, 3),
    ),
    max_size=60,
)


async def play(world: World, script: list[Step]) -> None:
    for tp in TPS:
        world.thread.append(tp, 30, hole=0)
    await world.assign()
    for what, n, m in script:
        await perform(world, what, n, TPS[m % 2])
        world.check()


async def perform(world: World, what: str, n: int, tp: TP) -> None:
    pause, resume = partial(world.pause, tp), partial(world.resume, tp)
    before = [nothing] * (n % 4)
    match what:
        case "append":
            world.thread.append(tp, n, hole=n % 3)
        case "fetch":
            await world.fetch()
        case "take":
            world.take()
        case "ack":
            world.ack(n)
        case "commit":
            await world.consumer.commit()
        case "gate":
            world.consumer.open_gate(tp, n)
        case "pause":
            await pause()
        case "resume":
            await resume()
        case "pause_in_fetch":
            await world.fetch([*before, pause, resume])
        case "seek":
            await world.seek_back(tp, n)
        case "seek_in_fetch":
            await world.fetch([*before, partial(world.seek_back, tp, n)])
        case "rebalance":
            await world.rebalance(TPS, n)
        case "rebalance_in_fetch":
            await world.fetch([*before, partial(world.rebalance, TPS, n)])
        case "lose":
            await world.rebalance([tp], n)
        case "stop_in_fetch":
            world.thread.during_fetch = world.consumer.stop_flow
            await world.fetch()
            world.thread.during_fetch = lambda: None
            world.consumer.resume_flow()


async def finish(world: World) -> None:
    """Process all that is left, on all partitions."""
    await world.rebalance(TPS, 0)
    for _ in range(200):
        await world.fetch()
        while not world.queue.empty():
            world.take()
        world.take()
        while world.begun:
            world.ack(0)
        await world.consumer.commit()
        world.check()
        if all(world.consumer.progress(tp).caught_up for tp in TPS):
            return
    raise AssertionError("never caught up")


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=steps)
def test_any_order_of_events_commits_only_what_was_processed_and_loses_nothing(script: list[Step]) -> None:
    async def scenario() -> None:
        world = World()
        await play(world, script)
        await finish(world)
        assert world.thread.committed == world.thread.end

    run(scenario)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=steps)
def test_a_gated_topic_is_never_committed_past_its_gate(script: list[Step]) -> None:
    async def scenario() -> None:
        world = World(Gate.GUARDED)
        await play(world, script)
        allowed = {
            tp: max([n for what, n, m in script if what == "gate" and TPS[m % 2] == tp], default=0)
            for tp in TPS
        }
        await finish(world)
        assert all(offset <= allowed[tp] for tp, offset in world.thread.committed.items())

    run(scenario)
