"""A worker whose state is gone, or can't be gone on from, says so and what to do; it never begins anew without a word."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from live_worker import Deployment, Feed, WorkerProcess, wait_until
from recorded_traffic import recording

from benchmarks import group_offsets
from config import TopicRole
from streams.bounds import Bounds, LostState, check_restored

SEED = 20221003


@pytest.mark.parametrize(
    ("snapshot_offset", "found", "says"),
    [
        (None, Bounds(0, 10, 7), "x/0 was worked on up to 7, and no snapshot of that is left"),
        (6, Bounds(7, 10, 7), "x/0 begins at 7 by now, the newest snapshot ends at 6"),
        (11, Bounds(0, 10, 10), r"x/0 ends at 10, before the newest snapshot \(11\): it was made anew"),
    ],
)
def test_a_state_that_does_not_fit_its_partition_is_refused_with_what_to_do(
    snapshot_offset: int | None, found: Bounds, says: str
) -> None:
    with pytest.raises(LostState, match=says + ": run pollwatch reprocess"):
        check_restored("x/0", snapshot_offset, found)


@pytest.mark.parametrize(
    ("snapshot_offset", "found"),
    [
        (None, Bounds(0, 10, None)),
        (None, Bounds(0, 0, 0)),
        (7, Bounds(7, 10, 7)),
        (10, Bounds(0, 10, 8)),
        (5, Bounds(0, 10, 9)),  # the newest was damaged: the one before it does as well
    ],
)
def test_a_state_that_fits_its_partition_is_gone_on_from(snapshot_offset: int | None, found: Bounds) -> None:
    check_restored("x/0", snapshot_offset, found)


def refuses(deployment: Deployment, why: str) -> None:
    """Fail unless a worker ends by itself with this reason and the way out in its last line."""
    with WorkerProcess(deployment) as worker:
        wait_until(lambda: worker.exit_code is not None, "it ends")
        assert worker.exit_code == 1
        last = worker.log().strip().splitlines()[-1]
        assert why in last
        assert "pollwatch reprocess" in last


async def lose_before(deployment: Deployment, role: TopicRole, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(deployment.topic(role), 0): RecordsToDelete(before_offset=offset)})
    await admin.close()


async def lose_the_first_blocks(deployment: Deployment) -> None:
    """Write more blocks than any snapshot knows, and keep only the last of them."""
    exchange = deployment.topic(TopicRole.EXCHANGE)
    async with AIOKafkaProducer(bootstrap_servers=deployment.bootstrap) as producer:
        last = [await producer.send_and_wait(exchange, b"x", b"k", 0) for _ in range(3)][-1]
    await lose_before(deployment, TopicRole.EXCHANGE, last.offset)


async def lose_the_snapshots(deployment: Deployment, keys: set[tuple[int, bytes]]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=deployment.bootstrap) as producer:
        for partition, key in keys:
            await producer.send(deployment.topic(TopicRole.STATE), None, key, partition)


@pytest.mark.broker
def test_a_worker_refuses_snapshots_of_other_windows_or_that_the_exchange_no_longer_reaches_and_to_begin_anew_without(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    deployment = Deployment(kafka, topic_prefix, tmp_path).create_topics()
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        Feed(deployment, recording(SEED, polls=6, minutes=15, flood=600)).send(0.5)
        exchange = deployment.topic(TopicRole.EXCHANGE)
        wait_until(lambda: group_offsets.offsets(kafka, deployment.group, [exchange])[f"{exchange}/0"][0], "a snapshot of the first shard")
        worker.kill()
    other = Deployment(kafka, topic_prefix, tmp_path, more={"POLLWATCH_RATE_WINDOW_MS": "300000"})
    refuses(other, "rate.window_ms = 60000, not 300000")
    asyncio.run(lose_the_first_blocks(deployment))
    refuses(deployment, f"{deployment.topic(TopicRole.EXCHANGE)}/0 begins at")
    keys = {(record.partition, record.key) for record in deployment.records(TopicRole.STATE)}
    asyncio.run(lose_the_snapshots(deployment, keys))
    refuses(deployment, "no snapshot of that is left")


@pytest.mark.broker
def test_a_worker_whose_input_was_deleted_before_it_was_read_says_so_and_does_not_go_on_as_if_nothing_were_missing(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    deployment = Deployment(kafka, topic_prefix, tmp_path).create_topics()
    feed = Feed(deployment, recording(SEED, polls=6, minutes=15, flood=600))
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        feed.send(0.5)
        deployment.wait_until_settled(worker)
        worker.stop()
    votes = deployment.topic(TopicRole.VOTES)
    committed, _ = group_offsets.offsets(deployment.bootstrap, deployment.group, [votes])[f"{votes}/0"]
    feed.send(1.0)
    asyncio.run(lose_before(deployment, TopicRole.VOTES, committed + 5))
    refuses(deployment, "never reached this shard, their topic no longer held them")
