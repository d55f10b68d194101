"""Snapshots on a real Kafka: the newest whole one is read, whatever else lies in the topic; and what lies before a place."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import OffsetAndMetadata

from streams.look_back import Past, look_back
from streams.snapshots import CHUNK_BYTES, FORMAT, Manifest, Snapshot, SnapshotStore, UnreadableSnapshot

pytestmark = pytest.mark.broker

NUMBER = 1
BIG = {"noise": random.Random(1).randbytes(3 * CHUNK_BYTES), "votes": {"yes": 7}}


class Plain:
    """An outbox without metrics."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(self, _sink: Any, topic: str, partition: int, key: bytes, value: bytes | None) -> Awaitable[Any]:
        return await self._producer.send(topic, value, key, partition)  # type: ignore[no-any-return]


class Shelf:
    """A state topic, a store on it, and a hand that puts other things there."""

    def __init__(self, bootstrap: str, topic: str, producer: AIOKafkaProducer) -> None:
        self.bootstrap, self.topic, self.producer = bootstrap, topic, producer

    def store(self, stage: str = "polls") -> SnapshotStore:
        outbox: Any = Plain(self.producer)
        return SnapshotStore(outbox, {"bootstrap_servers": self.bootstrap}, self.topic, stage, NUMBER, MEANING)

    async def put(self, key: str, value: bytes | None) -> None:
        await self.producer.send_and_wait(self.topic, value, key.encode(), NUMBER)

    async def keys(self) -> set[str]:
        """Return the keys that a compaction would keep."""
        live: dict[str, bytes | None] = {}
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap)
        await consumer.start()
        tp = TopicPartition(self.topic, NUMBER)
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        end = (await consumer.end_offsets([tp]))[tp]
        while await consumer.position(tp) < end:
            for record in (await consumer.getmany(tp, timeout_ms=1_000)).get(tp, []):
                live[record.key.decode()] = record.value
        await consumer.stop()
        return {key for key, value in live.items() if value is not None}


def on_shelf(kafka: str, topic: str, scenario: Callable[[Shelf], Awaitable[None]]) -> None:
    async def play() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        await admin.create_topics([NewTopic(topic, NUMBER + 1, 1)])
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=kafka, max_request_size=2 << 20) as producer:
            await scenario(Shelf(kafka, topic, producer))

    asyncio.run(play())


def test_a_snapshot_in_many_chunks_is_read_as_it_was_written_and_the_older_one_goes(
    kafka: str, topic_prefix: str
) -> None:
    async def scenario(shelf: Shelf) -> None:
        assert await shelf.store().read() is None
        store = shelf.store()
        await store.write(Snapshot(5, {"old": True}))
        size = await store.write(Snapshot(9, BIG))
        assert size > 3 * CHUNK_BYTES
        assert await shelf.keys() == {*(f"polls/1/9/{n}" for n in range(4)), "polls/1/9/manifest"}
        assert await shelf.store().read() == Snapshot(9, BIG)

    on_shelf(kafka, topic_prefix + "state", scenario)


def test_who_restores_drops_what_came_before_when_it_writes(kafka: str, topic_prefix: str) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.store().write(Snapshot(5, {"old": True}))
        successor = shelf.store()
        await successor.read()
        await successor.write(Snapshot(6, {"new": True}))
        assert await shelf.keys() == {"polls/1/6/0", "polls/1/6/manifest"}

    on_shelf(kafka, topic_prefix + "state", scenario)


@pytest.mark.parametrize("broken", ["no manifest", "a chunk is missing", "a chunk is another one"])
def test_a_snapshot_that_is_not_whole_is_passed_over(
    kafka: str, topic_prefix: str, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.store().write(Snapshot(5, {"good": True}))
        later = shelf.store()
        await later.write(Snapshot(9, BIG))
        lost = {"no manifest": "manifest", "a chunk is missing": "1", "a chunk is another one": "2"}[broken]
        await shelf.put(f"polls/1/9/{lost}", b"x" * CHUNK_BYTES if "another" in broken else None)
        with caplog.at_level(logging.WARNING):
            assert await shelf.store().read() == Snapshot(5, {"good": True})
        assert "polls/1 at offset 9" in caplog.text

    on_shelf(kafka, topic_prefix + "state", scenario)


def test_snapshots_of_other_stages_in_the_same_partition_are_not_ours(kafka: str, topic_prefix: str) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.store("cases").write(Snapshot(99, {"cases": 1}))
        await shelf.store("polls").write(Snapshot(5, {"polls": 1}))
        assert await shelf.store("polls").read() == Snapshot(5, {"polls": 1})
        assert await shelf.store("cases").read() == Snapshot(99, {"cases": 1})

    on_shelf(kafka, topic_prefix + "state", scenario)


@pytest.mark.parametrize("other", [FORMAT - 1, FORMAT + 1])
def test_a_snapshot_of_another_version_is_refused_with_what_to_do(kafka: str, topic_prefix: str, other: int) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.store().write(Snapshot(5, {"old": True}))
        await shelf.put("polls/1/9/manifest", msgspec.json.encode(Manifest(other, 1, 1, "")))
        with pytest.raises(UnreadableSnapshot, match=rf"polls/1 at offset 9 has format {other}, not {FORMAT}: run the version"):
            await shelf.store().read()

    on_shelf(kafka, topic_prefix + "state", scenario)


@pytest.mark.parametrize(
    ("committed", "offsets", "begin", "waiting"),
    [
        (None, [], 0, True),
        (60, list(range(28, 60)), 60, True),
        (10, list(range(10)), 10, True),
        (100, list(range(68, 100)), 100, False),
    ],
)
def test_looking_back_gives_the_last_records_before_the_committed_offset(
    kafka: str, topic_prefix: str, committed: int | None, offsets: list[int], begin: int, waiting: bool
) -> None:
    async def scenario(shelf: Shelf) -> None:
        for number in range(100):
            await shelf.producer.send(shelf.topic, b"%d" % number, b"k", NUMBER)
        await shelf.producer.flush()
        tp, group = TopicPartition(shelf.topic, NUMBER), topic_prefix + "group"
        if committed is not None:
            consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
            await consumer.start()
            consumer.assign([tp])
            await consumer.commit({tp: OffsetAndMetadata(committed, "")})
            await consumer.stop()
        past: Past = (await look_back({"bootstrap_servers": kafka}, group, [tp], 32))[tp]
        assert list(past.records.offsets) == offsets
        assert past.records.values == [b"%d" % offset for offset in offsets]
        assert (past.begin, past.waiting) == (begin, waiting)

    on_shelf(kafka, topic_prefix + "in", scenario)
