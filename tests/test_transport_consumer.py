"""Faust's own consumer, conductor, queues and rebalance callbacks over a scripted log: nothing lost, nothing early, in order.

The log stands in for the aiokafka thread only, so that thousands of orders of deliver, ack, seek, pause and rebalance can be
tried; the same claims on a real Kafka are in test_transport_live.py.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import hypothesis.strategies as st
from faust.types import TP
from hypothesis import HealthCheck, given, settings
from scripted_log import TPS, World, nothing

from streams.transport import Gate

Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["append"] * 2 + ["fetch"] * 3 + ["take"] * 4 + ["ack"] * 3)
        | st.sampled_from(["commit", "seek", "rebalance", "lose", "pause", "resume", "gate", "hold"])
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
        case "hold":
            world.consumer.hold([tp] if n % 2 else [])
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


def test_a_partition_that_is_held_is_not_fetched_and_goes_on_where_it_was() -> None:
    async def scenario() -> None:
        world = World()
        await world.assign()
        world.consumer.hold([TPS[0]])
        for tp in TPS:
            world.thread.append(tp, 10, hole=0)
        await world.fetch()
        assert world.thread.position == {TPS[0]: 0, TPS[1]: 10}
        world.consumer.hold([])
        await world.fetch()
        assert world.thread.position == {TPS[0]: 10, TPS[1]: 10}
        world.consumer.hold(TPS)
        await world.rebalance(TPS, 0)
        await world.fetch()
        assert world.thread.position[TPS[0]] == 10, "what was read again is held, although nobody knows of that any more"

    run(scenario)


def test_partitions_that_leave_while_they_are_being_restored_are_not_handed_to_the_revoke_hooks() -> None:
    async def scenario() -> None:
        world: Any = World()
        revoked: list[frozenset[TP]] = []
        restoring, block = asyncio.Event(), asyncio.Event()

        async def restore(_tps: frozenset[TP]) -> None:
            restoring.set()
            await block.wait()

        async def last_snapshot(tps: frozenset[TP]) -> None:
            revoked.append(tps)

        world.app.transport.on_assign(restore)
        world.app.transport.on_revoke(last_snapshot)
        assigning = asyncio.create_task(world.assign())
        await restoring.wait()
        await world.consumer.on_partitions_revoked(set(TPS))
        assigning.cancel()
        assert revoked == []
        block.set()
        await world.assign()
        await world.rebalance(TPS, 0)
        assert revoked == [frozenset(TPS)]

    run(scenario)
