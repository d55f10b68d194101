"""The transport on a real Kafka: joins and leaves, slow and failing handlers, signals, holes, gates, stock `kafka://`."""

import asyncio
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Self

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faust.types import TP

from streams.transport import Batch, BatchLimits, Gate, batch_topic, process, run, settings_for_faust

pytestmark = pytest.mark.broker


class Cluster:
    """One topic on the broker, and what a bystander sees of it."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.bootstrap = bootstrap
        self.topic = topic
        self.produced = 0

    async def create(self, partitions: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(self.topic, partitions, 1)])
        await admin.close()

    async def produce(self, count: int, partitions: list[int]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap) as producer:
            for i in range(count):
                value = b"%d" % (self.produced + i)
                await producer.send(self.topic, value, b"key", partitions[i % len(partitions)])
            await producer.flush()
        self.produced += count

    async def offsets(self, group: str) -> tuple[dict[int, int | None], dict[int, int]]:
        """Return (committed, end) by partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False
        )
        await consumer.start()
        found = await consumer._client.fetch_all_metadata()
        tps = [TopicPartition(self.topic, p) for p in sorted(found.partitions_for_topic(self.topic))]
        consumer.assign(tps)
        committed = {tp.partition: await consumer.committed(tp) for tp in tps}
        ends = await consumer.end_offsets(tps)
        await consumer.stop()
        return committed, {tp.partition: end for tp, end in ends.items()}


class Worker:
    """An app with one agent that writes down what it was handed."""

    def __init__(self, cluster: Cluster, group: str, scheme: str = "pollwatch", **topic_options: Any) -> None:
        conf = settings_for_faust() | {"broker_session_timeout": 10.0}
        self.app: Any = faust.App(group, broker=f"{scheme}://{cluster.bootstrap}", **conf)
        self.offsets: dict[TP, list[int]] = defaultdict(list)
        self.values: list[bytes | None] = []
        self.before: Callable[[Batch], Awaitable[None]] = self.at_once
        self.stopping = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        topic = batch_topic(self.app, cluster.topic, **topic_options)

        @self.app.agent(topic)
        async def agent(stream: Any) -> None:
            await process(self.app, stream, self.handle)

    async def at_once(self, batch: Batch) -> None:
        pass

    async def handle(self, batch: Batch) -> None:
        await self.before(batch)
        self.offsets[batch.tp] += batch.records.offsets
        self.values += batch.records.values

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(run(self.app, self.stopping))
        return self

    async def stop(self) -> None:
        assert self.task is not None
        self.stopping.set()
        await asyncio.wait_for(self.task, 20)

    async def __aexit__(self, *_: object) -> None:
        if self.task is not None and not self.task.done():
            await self.stop()


async def until(condition: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not within {timeout_s} s: {what}"
        await asyncio.sleep(0.02)


def read_all(worker: Worker, count: int) -> bool:
    return len(worker.values) == count


def play(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))


def assert_each_once(*workers: Worker, total: int) -> None:
    counts = Counter((tp, offset) for w in workers for tp, found in w.offsets.items() for offset in found)
    repeated = [where for where, count in counts.items() if count > 1]
    assert not repeated, f"handed over twice: {repeated[:5]}"
    assert len(counts) == total


def test_after_a_clean_stop_every_partition_is_committed_at_its_end(kafka: str, topic_prefix: str) -> None:
    async def scenario() -> None:
        cluster = Cluster(kafka, topic_prefix + "votes")
        await cluster.create(4)
        await cluster.produce(2_000, partitions=[0, 1, 3])  # 2 stays empty
        async with Worker(cluster, topic_prefix, limits=BatchLimits(100)) as worker:
            await until(lambda: len(worker.values) == 2_000, "all read")
        assert all(found == sorted(found) for found in worker.offsets.values())
        committed, ends = await cluster.offsets(topic_prefix)
        assert committed == ends
        assert ends[2] == 0

    play(scenario)


def test_transactional_holes_and_aborted_records_do_not_hold_the_commit_back(
    kafka: str, topic_prefix: str
) -> None:
    async def scenario() -> None:
        cluster = Cluster(kafka, topic_prefix + "votes")
        await cluster.create(1)
        producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=topic_prefix)
        async with producer, Worker(cluster, topic_prefix, limits=BatchLimits(7)) as worker:
            for turn in range(12):
                await producer.begin_transaction()
                for _ in range(10):
                    await producer.send(cluster.topic, b"kept" if turn % 2 else b"aborted", partition=0)
                await (producer.commit_transaction() if turn % 2 else producer.abort_transaction())
            await until(lambda: len(worker.values) == 60, "the committed records are read")
            await until(lambda: worker.app.consumer.progress(TP(cluster.topic, 0)).caught_up, "at the end")
        assert set(worker.values) == {b"kept"}
        committed, ends = await cluster.offsets(topic_prefix)
        assert committed == ends == {0: 132}

    play(scenario)


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
            busy, idle = (a, b) if a.app.consumer.ledger.partitions else (b, a)
            await busy.stop()
            await cluster.produce(10, partitions=[0])
            await until(lambda: len(idle.values) >= 10, "the idle one reads on")
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
            sys.executable, __file__, kafka, cluster.topic, topic_prefix, stdout=asyncio.subprocess.PIPE
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


def test_a_gated_partition_commits_its_last_snapshot_when_it_is_given_up(
    kafka: str, topic_prefix: str
) -> None:
    async def scenario() -> None:
        cluster = Cluster(kafka, topic_prefix + "blocks")
        await cluster.create(1)
        await cluster.produce(300, partitions=[0])
        tp = TP(cluster.topic, 0)
        first = Worker(cluster, topic_prefix, limits=BatchLimits(100), gate=Gate.GUARDED)
        seen_at_revoke: list[tuple[frozenset[TP], int]] = []

        async def last_snapshot(tps: frozenset[TP]) -> None:
            seen_at_revoke.append((tps, len(first.values)))
            first.app.consumer.open_gate(tp, 250)

        first.app.transport.on_revoke(last_snapshot)
        async with first:
            await until(lambda: len(first.values) == 300, "all is read")
            await first.app.consumer.commit()
            assert (await cluster.offsets(topic_prefix))[0] == {0: None}
            first.app.consumer.open_gate(tp, 200)
            await first.app.consumer.commit()
            assert (await cluster.offsets(topic_prefix))[0] == {0: 200}
        assert seen_at_revoke == [(frozenset({tp}), 300)]
        assert (await cluster.offsets(topic_prefix))[0] == {0: 250}
        async with Worker(cluster, topic_prefix, gate=Gate.GUARDED) as second:
            await until(lambda: len(second.values) == 50, "reading resumes at the snapshot")
        assert (await cluster.offsets(topic_prefix))[0] == {0: 250}

    play(scenario)


def test_a_worker_may_start_before_the_committed_offset(kafka: str, topic_prefix: str) -> None:
    async def scenario() -> None:
        cluster = Cluster(kafka, topic_prefix + "votes")
        await cluster.create(1)
        await cluster.produce(300, partitions=[0])
        async with Worker(cluster, topic_prefix) as first:
            await until(lambda: len(first.values) == 300, "all is read")
        second = Worker(cluster, topic_prefix, limits=BatchLimits(60))

        @second.app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]
        async def restore(app: Any, assigned: set[TP], **_: Any) -> None:
            for tp in assigned:
                app.consumer.start_at(tp, 120)

        async with second:
            await until(lambda: len(second.values) == 180, "read again from 120")
            await cluster.produce(5, partitions=[0])
            await until(lambda: len(second.values) == 185, "and on")
        assert second.offsets[TP(cluster.topic, 0)] == list(range(120, 305))
        committed, ends = await cluster.offsets(topic_prefix)
        assert committed == ends

    play(scenario)


def test_stock_kafka_hands_the_same_records_to_the_same_agent(kafka: str, topic_prefix: str) -> None:
    async def scenario() -> None:
        cluster = Cluster(kafka, topic_prefix + "votes")
        await cluster.create(2)
        await cluster.produce(200, partitions=[0, 1])
        found = []
        for scheme in ("pollwatch", "kafka"):
            async with Worker(cluster, topic_prefix + scheme, scheme) as worker:
                await until(partial(read_all, worker, 200), f"all is read over {scheme}")
            found.append((worker.offsets, sorted(worker.values, key=lambda value: int(value or 0))))
        assert found[0] == found[1]

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


if __name__ == "__main__":

    async def main(bootstrap: str, topic: str, group: str) -> None:
        async def slowly(batch: Batch) -> None:
            await asyncio.sleep(0.02)
            print(batch.tp.partition, batch.first_offset, batch.next_offset, flush=True)

        worker = Worker(Cluster(bootstrap, topic), group, limits=BatchLimits(50))
        worker.before = slowly
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stopping.set)
        await run(worker.app, worker.stopping)

    asyncio.run(main(*sys.argv[1:]))
