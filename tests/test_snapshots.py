"""Snapshots on a real Kafka: the newest whole one is read, whatever else lies in the topic; and what lies before a place."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import OffsetAndMetadata

from streams.look_back import Past, look_back
from streams.snapshot_pack import CHUNK_BYTES
from streams.snapshots import FORMAT, Snapshot, SnapshotStore, UnreadableSnapshot

pytestmark = pytest.mark.broker

NUMBER = 1
MEANING: dict[str, int | str] = {"rate.window_ms": 60_000}
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

    def store(self, stage: str = "polls", meaning: dict[str, int | str] = MEANING) -> SnapshotStore:
        outbox: Any = Plain(self.producer)
        return SnapshotStore(outbox, {"bootstrap_servers": self.bootstrap}, self.topic, stage, NUMBER, meaning)

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

    async def offsets(self) -> set[int]:
        """Return the offsets of the snapshots of which anything would be kept."""
        return {int(key.split("/")[2]) for key in await self.keys()}

    async def key_of(self, offset: int, chunk: str) -> str:
        """Return the key of a chunk of the one snapshot at an offset."""
        (key,) = [key for key in await self.keys() if key.startswith(f"polls/1/{offset}/") and key.endswith(f"/{chunk}")]
        return key


def on_shelf(kafka: str, topic: str, scenario: Callable[[Shelf], Awaitable[None]]) -> None:
    async def play() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        await admin.create_topics([NewTopic(topic, NUMBER + 1, 1)])
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=kafka, max_request_size=2 << 20) as producer:
            await scenario(Shelf(kafka, topic, producer))

    asyncio.run(play())


def test_a_snapshot_in_many_chunks_is_read_as_it_was_written(kafka: str, topic_prefix: str) -> None:
    async def scenario(shelf: Shelf) -> None:
        assert await shelf.store().read() is None
        size = await shelf.store().write(Snapshot(9, deepcopy(BIG)))
        assert size > 3 * CHUNK_BYTES
        assert {key.rsplit("/", 1)[1] for key in await shelf.keys()} == {"0", "1", "2", "3", "manifest"}
        assert await shelf.store().read() == Snapshot(9, BIG)

    on_shelf(kafka, topic_prefix + "state", scenario)


def test_two_complete_snapshots_stay_and_the_older_ones_go_whoever_wrote_them(kafka: str, topic_prefix: str) -> None:
    async def scenario(shelf: Shelf) -> None:
        store = shelf.store()
        for offset in (3, 4, 5):
            await store.write(Snapshot(offset, {"at": offset}))
        assert await shelf.offsets() == {4, 5}
        successor = shelf.store()
        assert await successor.read() == Snapshot(5, {"at": 5})
        await successor.write(Snapshot(6, {"at": 6}))
        assert await shelf.offsets() == {5, 6}
        await successor.write(Snapshot(7, {"at": 7}))
        assert await shelf.offsets() == {6, 7}

    on_shelf(kafka, topic_prefix + "state", scenario)


def test_a_snapshot_that_is_to_stand_alone_drops_all_before_it(kafka: str, topic_prefix: str) -> None:
    async def scenario(shelf: Shelf) -> None:
        store = shelf.store()
        for offset in (10, 20, 30):
            await store.write(Snapshot(offset, deepcopy(BIG)))
        await shelf.store().write(Snapshot(15, deepcopy(BIG)))  # by a worker that was thought dead
        await store.write(Snapshot(40, {"votes": {"yes": 8}}), alone=True)
        assert await shelf.offsets() == {40}
        await store.write(Snapshot(50, deepcopy(BIG)))
        assert await shelf.offsets() == {40, 50}

    on_shelf(kafka, topic_prefix + "state", scenario)


def test_a_worker_that_was_thought_dead_and_its_successor_may_write_the_same_snapshot_at_once(
    kafka: str, topic_prefix: str
) -> None:
    async def scenario(shelf: Shelf) -> None:
        paused, successor = shelf.store(), shelf.store()
        other = {"noise": random.Random(2).randbytes(2 * CHUNK_BYTES), "votes": {"yes": 7}}
        await asyncio.gather(paused.write(Snapshot(9, deepcopy(BIG))), successor.write(Snapshot(9, deepcopy(other))))
        found = await shelf.store().read()
        assert found in (Snapshot(9, BIG), Snapshot(9, other)), "chunks of two writers were mixed"

    on_shelf(kafka, topic_prefix + "state", scenario)


def test_a_worker_that_was_thought_dead_drops_nothing_of_its_successor(kafka: str, topic_prefix: str) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.store().write(Snapshot(5, {"at": 5}))
        paused, successor = shelf.store(), shelf.store()
        await paused.read()
        await successor.read()
        await successor.write(Snapshot(8, {"at": 8}))
        for offset in (6, 7, 9):
            await paused.write(Snapshot(offset, {"at": offset}))
        assert {8, 9} <= await shelf.offsets()
        assert await shelf.store().read() == Snapshot(9, {"at": 9})

    on_shelf(kafka, topic_prefix + "state", scenario)


@pytest.mark.parametrize("chunks_sent", [0, 1, 2])
def test_a_snapshot_whose_writer_died_in_the_middle_costs_nothing_and_is_cleared_away_later(
    kafka: str, topic_prefix: str, chunks_sent: int
) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.store().write(Snapshot(5, {"at": 5}))
        for chunk in range(chunks_sent):
            await shelf.put(f"polls/1/9/dead0000/{chunk}", b"half")
        successor = shelf.store()
        assert await successor.read() == Snapshot(5, {"at": 5})
        for offset in (7, 10):
            await successor.write(Snapshot(offset, {"at": offset}))
        assert await shelf.offsets() == {7, 10}

    on_shelf(kafka, topic_prefix + "state", scenario)


@pytest.mark.parametrize("broken", ["no manifest", "a chunk is missing", "a chunk is another one"])
def test_a_snapshot_that_is_not_whole_is_passed_over(
    kafka: str, topic_prefix: str, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.store().write(Snapshot(5, {"good": True}))
        later = shelf.store()
        await later.write(Snapshot(9, deepcopy(BIG)))
        lost = {"no manifest": "manifest", "a chunk is missing": "1", "a chunk is another one": "2"}[broken]
        await shelf.put(await shelf.key_of(9, lost), b"x" * CHUNK_BYTES if "another" in broken else None)
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


@pytest.mark.parametrize("key", ["polls/1/9/manifest", "polls/1/9/beef0000/manifest"])
@pytest.mark.parametrize("other", [FORMAT - 1, FORMAT + 1])
def test_a_snapshot_of_another_version_is_refused_with_what_to_do(
    kafka: str, topic_prefix: str, other: int, key: str
) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.store().write(Snapshot(5, {"old": True}))
        await shelf.put(key, msgspec.json.encode({"format": other, "chunks": 1, "bytes": 1, "digest": "", "new": 1}))
        with pytest.raises(UnreadableSnapshot, match=rf"polls/1 at offset 9 has format {other}, not {FORMAT}: run the version"):
            await shelf.store().read()

    on_shelf(kafka, topic_prefix + "state", scenario)


def test_a_snapshot_written_under_settings_that_change_its_meaning_is_refused_with_their_name(
    kafka: str, topic_prefix: str
) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.store().write(Snapshot(5, {"at": 5}))
        changed = shelf.store(meaning=MEANING | {"rate.window_ms": 300_000})
        with pytest.raises(UnreadableSnapshot, match=r"rate\.window_ms = 60000, not 300000: set it back, or run"):
            await changed.read()

    on_shelf(kafka, topic_prefix + "state", scenario)


def test_keys_that_nobody_of_ours_wrote_are_passed_over(kafka: str, topic_prefix: str) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.store().write(Snapshot(5, {"at": 5}))
        for key in ("polls/1", "polls/1/", "polls/1/x/0", "polls/1/9/a/b/0", "polls/1/-3/a/manifest", "\x00", "polls/11/9/a/0"):
            await shelf.put(key, b"?")
        assert await shelf.store().read() == Snapshot(5, {"at": 5})

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
        assert list(past.records.values) == [b"%d" % offset for offset in offsets]
        assert (past.begin, past.waiting) == (begin, waiting)

    on_shelf(kafka, topic_prefix + "in", scenario)
