"""On a real Kafka: where reading begins, what is committed, and what stock `kafka://` would have read."""

import asyncio
from functools import partial

import pytest
from aiokafka import AIOKafkaProducer
from faust.types import TP
from transport_on_kafka import Cluster, Worker, play, until

from streams.transport import BatchLimits, Gate

pytestmark = pytest.mark.broker


def read_all(worker: Worker, count: int) -> bool:
    return len(worker.values) == count


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

        async def restore(assigned: frozenset[TP]) -> None:
            await asyncio.sleep(0.2)
            assert not second.values
            for tp in assigned:
                second.app.consumer.start_at(tp, 120)

        second.app.transport.on_assign(restore)
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
