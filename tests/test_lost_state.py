"""A worker whose state is gone, or can't be gone on from, says so and what to do; it never begins anew without a word."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from live_worker import Deployment, Feed, WorkerProcess, wait_until
from recorded_traffic import recording

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


@pytest.fixture
def deployment(kafka: str, topic_prefix: str, tmp_path: Path) -> Deployment:
    return Deployment(kafka, topic_prefix, tmp_path).create_topics()


def killed_in_the_middle(deployment: Deployment) -> Feed:
    """Have a worker take snapshots and go on for a while, then kill it; return what would send the rest."""
    feed = Feed(deployment, recording(SEED, polls=6, minutes=15, flood=600))
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        feed.send(0.5)
        wait_until(lambda: deployment.committed(TopicRole.EXCHANGE), "a snapshot")
        worker.kill()
    return feed


def refuses(deployment: Deployment, why: str) -> None:
    """Fail unless a worker ends by itself with this reason and the way out in its last line."""
    with WorkerProcess(deployment) as worker:
        wait_until(lambda: worker.exit_code is not None, "it ends")
        assert worker.exit_code == 1
        last = worker.log().strip().splitlines()[-1]
        assert why in last
        assert "pollwatch reprocess" in last
        assert worker.get("/readyz")[0] == 0


@pytest.mark.broker
def test_a_worker_whose_exchange_no_longer_reaches_back_to_its_snapshot_refuses_to_go_on(deployment: Deployment) -> None:
    feed = killed_in_the_middle(deployment)
    feed.send(0.6)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        wait_until(lambda: not deployment.lag(), "more blocks")
        worker.kill()
    exchange, at = deployment.topic(TopicRole.EXCHANGE), TopicPartition(deployment.topic(TopicRole.EXCHANGE), 0)

    async def lose() -> None:
        # more blocks than the snapshot knows, and then only the last of them are kept
        async with AIOKafkaProducer(bootstrap_servers=deployment.bootstrap) as producer:
            last = [await producer.send_and_wait(exchange, b"x", b"k", 0) for _ in range(3)][-1]
        admin = AIOKafkaAdminClient(bootstrap_servers=deployment.bootstrap)
        await admin.start()
        await admin.delete_records({at: RecordsToDelete(before_offset=last.offset)})
        await admin.close()

    asyncio.run(lose())
    refuses(deployment, f"{exchange}/0 begins at")


@pytest.mark.broker
def test_a_worker_whose_snapshots_are_gone_refuses_to_begin_anew(deployment: Deployment) -> None:
    killed_in_the_middle(deployment)
    keys = {(record.partition, record.key) for record in deployment.records(TopicRole.STATE)}

    async def lose() -> None:
        async with AIOKafkaProducer(bootstrap_servers=deployment.bootstrap) as producer:
            for partition, key in keys:
                await producer.send(deployment.topic(TopicRole.STATE), None, key, partition)

    asyncio.run(lose())
    refuses(deployment, "no snapshot of that is left")


@pytest.mark.broker
def test_a_worker_with_other_windows_refuses_the_snapshots_of_before(deployment: Deployment, tmp_path: Path) -> None:
    killed_in_the_middle(deployment)
    other = Deployment(deployment.bootstrap, deployment.prefix, tmp_path, more={"POLLWATCH_RATE_WINDOW_MS": "300000"})
    refuses(other, "rate.window_ms = 60000, not 300000")
