"""On a real Kafka: joins and leaves under load, slow and failing handlers, signals, back-pressure."""

import asyncio
import signal
import sys
from collections import Counter
from typing import Any

import pytest
import transport_on_kafka
from faust.types import TP
from transport_on_kafka import Cluster, Worker, play, until

from streams.transport import Batch, BatchLimits, batch_topic, process

pytestmark = pytest.mark.broker


def assert_each_once(*workers: Worker, total: int) -> None:
    counts = Counter((tp, offset) for w in workers for tp, found in w.offsets.items() for offset in found)
    repeated = [where for where, count in counts.items() if count > 1]
    assert not repeated, f"handed over twice: {repeated[:5]}"
    assert len(counts) == total


def test_a_handler_that_raises_crashes_the_app_and_its_records_stay_unacked(
    kafka: str, topic_prefix: str
) -> None:
    async def scenario() -> None:
        cluster = Cluster(kafka, topic_prefix + "votes")
        await cluster.create(1)
        await cluster.produce(1_000, partitions=[0])

        async def fails_in_the_middle(batch: Batch) -> None:
            if batch.last_offset >= 500:
                raise ZeroDivisionError("a bug in a detector")

        worker = Worker(cluster, topic_prefix, limits=BatchLimits(100))
        worker.before = fails_in_the_middle
        async with worker:
            assert worker.task is not None
            with pytest.raises(ZeroDivisionError, match="a bug in a detector"):
                await asyncio.wait_for(worker.task, 20)
        assert len(worker.values) == 500
        committed, _ = await cluster.offsets(topic_prefix)
        assert (committed[0] or 0) <= 500
        async with Worker(cluster, topic_prefix) as repaired:
            await until(lambda: repaired.values[-1:] == [b"999"], "the rest is read")
        assert repaired.offsets[TP(cluster.topic, 0)][0] == (committed[0] or 0)

    play(scenario)


def test_workers_that_join_and_leave_under_load_hand_over_without_loss_or_repeat(
    kafka: str, topic_prefix: str
) -> None:
    async def scenario() -> None:
        cluster = Cluster(kafka, topic_prefix + "votes")
        await cluster.create(4)
        first, second, third = (Worker(cluster, topic_prefix, limits=BatchLimits(50)) for _ in range(3))

        async def slowly(batch: Batch) -> None:
            await asyncio.sleep(0.01)

        for worker in (first, second, third):
            worker.before = slowly
        async with first:
            load = asyncio.create_task(cluster.produce(60_000, partitions=[0, 1, 2, 3]))
            await until(lambda: len(first.values) > 1_000, "the first one works")
            async with second:
                await until(lambda: len(second.values) > 1_000, "the second one took some over")
                await first.stop()
                async with third:
                    await until(lambda: len(third.values) > 1_000, "the third one took some over")
                    await load
                    await until(
                        lambda: sum(len(w.values) for w in (first, second, third)) >= 60_000, "all is read"
                    )
        assert_each_once(first, second, third, total=60_000)
        committed, ends = await cluster.offsets(topic_prefix)
        assert committed == ends

    play(scenario)


def test_a_worker_without_partitions_takes_over_when_the_other_leaves(kafka: str, topic_prefix: str) -> None:
    async def scenario() -> None:
        cluster = Cluster(kafka, topic_prefix + "votes")
        await cluster.create(1)
        await cluster.produce(10, partitions=[0])
        async with Worker(cluster, topic_prefix) as a, Worker(cluster, topic_prefix) as b:
            await until(lambda: len(a.values) + len(b.values) == 10, "one of them reads")
            await until(
                lambda: bool(a.app.consumer_generation_id == b.app.consumer_generation_id > 0), "one group"
            )
            busy = a if a.app.consumer.ledger.partitions else b
            await busy.stop()
            await cluster.produce(10, partitions=[0])
            await until(lambda: len(a.values) + len(b.values) == 20, "the idle one reads on")
        assert_each_once(a, b, total=20)

    play(scenario)


def test_a_slow_handler_finishes_its_batch_before_its_partition_is_given_up(
    kafka: str, topic_prefix: str
) -> None:
    async def scenario() -> None:
        cluster = Cluster(kafka, topic_prefix + "votes")
        await cluster.create(2)
        await cluster.produce(400, partitions=[0, 1])
        slow, other = (Worker(cluster, topic_prefix, limits=BatchLimits(100)) for _ in range(2))
        release = asyncio.Event()

        async def waits(batch: Batch) -> None:
            await release.wait()

        slow.before = waits
        async with slow:
            await until(
                lambda: bool(slow.app._consumer and slow.app.consumer.unacked), "the slow one has begun"
            )
            async with other:
                await until(lambda: bool(slow.app.rebalancing), "the other one joins")
                assert not other.values
                release.set()
                await until(lambda: len(slow.values) + len(other.values) >= 400, "all is read")
        assert slow.values
        assert other.values
        assert_each_once(slow, other, total=400)

    play(scenario)


def test_sigterm_under_load_exits_cleanly_and_commits_exactly_what_was_handled(
    kafka: str, topic_prefix: str
) -> None:
    async def scenario() -> None:
        cluster = Cluster(kafka, topic_prefix + "votes")
        await cluster.create(2)
        await cluster.produce(40_000, partitions=[0, 1])
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            transport_on_kafka.__file__,
            kafka,
            cluster.topic,
            topic_prefix,
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None
        lines = [await asyncio.wait_for(child.stdout.readline(), 20) for _ in range(5)]
        child.send_signal(signal.SIGTERM)
        lines += (await asyncio.wait_for(child.stdout.read(), 20)).splitlines()
        assert await child.wait() == 0
        handled = {0: 0, 1: 0}
        for line in lines:
            partition, first, after = map(int, line.split())
            assert first == handled[partition]
            handled[partition] = after
        assert 0 < sum(handled.values()) < 40_000, "it was to be stopped in the middle"
        committed, _ = await cluster.offsets(topic_prefix)
        assert {p: offset or 0 for p, offset in committed.items()} == handled

    play(scenario)


def test_a_topic_with_a_stuck_agent_does_not_hold_another_topic_back(kafka: str, topic_prefix: str) -> None:
    async def scenario() -> None:
        stuck, free = (Cluster(kafka, topic_prefix + name) for name in ("stuck", "free"))
        for cluster in (stuck, free):
            await cluster.create(1)
            await cluster.produce(3_000, partitions=[0])
        worker = Worker(stuck, topic_prefix, limits=BatchLimits(10), queue_batches=8)
        release, read = asyncio.Event(), 0

        @worker.app.agent(batch_topic(worker.app, free.topic, limits=BatchLimits(10), queue_batches=8))  # type: ignore[untyped-decorator]
        async def other(stream: Any) -> None:
            async def count(batch: Batch) -> None:
                nonlocal read
                read += len(batch.records)

            await process(worker.app, stream, count)

        async def waits(batch: Batch) -> None:
            await release.wait()

        worker.before = waits
        async with worker:
            await until(lambda: read == 3_000, "the free topic is read")
            release.set()
            await until(lambda: len(worker.values) == 3_000, "the other one follows")

    play(scenario)


def test_a_worker_without_partitions_is_told_so_and_takes_over_when_the_other_one_leaves(kafka: str, topic_prefix: str) -> None:
    async def scenario() -> None:
        cluster = Cluster(kafka, topic_prefix + "votes")
        await cluster.create(1)
        workers = [Worker(cluster, topic_prefix) for _ in range(2)]
        told: list[list[int]] = [[], []]
        for worker, sizes in zip(workers, told, strict=True):

            async def note(tps: frozenset[TP], sizes: list[int] = sizes) -> None:
                sizes.append(len(tps))

            worker.app.transport.on_assign(note)
        async with workers[0], workers[1]:
            await until(lambda: sorted(sizes[-1:] for sizes in told) == [[0], [1]], "one of them has the partition")
            owner, spare = (workers if told[0][-1] else workers[::-1])
            await owner.stop()
            await cluster.produce(100, partitions=[0])
            await until(lambda: len(spare.values) == 100, "the spare one took over")

    play(scenario)
