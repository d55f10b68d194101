"""Sends a group back to an earlier place in its input topics, with no state: offsets are set, snapshots are replaced by empty ones.

The order makes it safe to be killed at any moment: from the first snapshot that goes to the last that is written no worker
starts, since the group has committed what no snapshot holds, and doing it once more completes it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka import TopicPartition as AioPartition
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import CoordinatorNotAvailableError, NoError, UnknownTopicOrPartitionError
from kafka.structs import OffsetAndMetadata
from prometheus_client import CollectorRegistry

from config import Settings, TopicRole
from streams import case_stage, shards
from streams.cluster import input_sources
from streams.kafka_client import aiokafka as aiokafka_arguments
from streams.kafka_client import kafka_python
from streams.metrics import Metrics
from streams.outbox import Outbox
from streams.reprocess_plan import Move, Place, ReprocessError, consequences, table
from streams.snapshots import Snapshot, SnapshotStore
from streams.stages import build_cases, build_shard, meaning_of_state
from streams.stages import shards as count_shards
from streams.topic_table import STATE_MAX_BYTES
from streams.topics import admin_client
from streams.whole_partition import read_whole

_PATIENCE_S = 10.0
_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Offsets:
    """What an operator asked for: `plan` chooses the offsets, `at_ms` is the moment it needs them looked up for."""

    plan: Callable[[list[Place], Mapping[str, int | None]], list[Move]]
    at_ms: int | None = None


async def reprocess(settings: Settings, asked: Offsets, dry_run: bool, say: Callable[[str], None]) -> None:
    """Do it, or with `dry_run` only say what would be done. Raises ReprocessError, with nothing changed, where it can't be."""
    sources = input_sources(settings)
    with admin_client(kafka_python(settings.kafka)) as admin:
        group = _Group(admin, settings.kafka.group_id)
        members = group.members()
        if members and not dry_run:
            raise ReprocessError(
                f"group {group.name} has members: {', '.join(members)}: stop them first (one that was killed leaves after "
                "kafka.session_timeout_ms)"
            )
        inputs = [TopicPartition(*tp) for tp in sorted(sources)]
        internal = [
            *_partitions(settings.topics.name(TopicRole.EXCHANGE), count_shards(settings)),
            *_partitions(settings.topics.name(TopicRole.FINDINGS), 1),
        ]
        moves = asked.plan(group.places(inputs), group.at(inputs, asked.at_ms))
        try:
            ends = {tp: place.end for tp, place in zip(internal, group.places(internal), strict=True)}
        except UnknownTopicOrPartitionError as error:
            raise ReprocessError(f"{error}: topics.partitions must be what the topics were made with") from error
        say("\n".join(table(moves)))
        if dry_run:
            say(f"Nothing was changed. Members of group {group.name}: {', '.join(members) or 'none'}.")
            return
        group.commit(ends)
        removed = await _remove_state(settings)
        group.commit({tp: move.to for tp, move in zip(inputs, moves, strict=True)})
        await _write_empty_state(settings, list(sources.values()), ends)
    say(f"\nSnapshots: {removed:,} records removed, empty ones written. The exchange and the findings go on at their ends.")
    say("\n".join(["", *consequences(moves), "Start the workers now."]))


class _Group:
    """A consumer group without members, and the topics it reads."""

    def __init__(self, admin: KafkaAdminClient, name: str) -> None:
        self._admin = admin
        self.name = name

    def members(self) -> list[str]:
        """Return who is in the group, as people look for it: client and host."""
        found = self._described(time.monotonic() + _PATIENCE_S)
        return sorted(f"{member['client_id']} at {member['client_host'].lstrip('/')}" for member in found["members"])

    def _described(self, until_s: float) -> dict[str, Any]:
        """Ask for the group; the first of a cluster has no coordinator for a moment, nor has any when a broker fails."""
        while True:
            try:
                return self._admin.describe_groups([self.name])[self.name]  # type: ignore[no-any-return]
            except CoordinatorNotAvailableError:
                if time.monotonic() > until_s:
                    raise
                time.sleep(_PAUSE_S)

    def places(self, tps: list[TopicPartition]) -> list[Place]:
        """Return how partitions stand."""
        first, end = self._offsets(tps, OffsetSpec.EARLIEST), self._offsets(tps, OffsetSpec.LATEST)
        committed = self._admin.list_group_offsets({self.name: tps})[self.name]
        at = {tp: found.offset for tp, found in committed.items() if found.offset >= 0}
        return [Place(f"{tp.topic}/{tp.partition}", first[tp], end[tp], at.get(tp)) for tp in tps]

    def at(self, tps: list[TopicPartition], moment_ms: int | None) -> dict[str, int | None]:
        """Return the first offset that the brokers took at this moment or later, None where there is none."""
        if moment_ms is None:
            return {}
        found = self._offsets(tps, moment_ms)
        return {f"{tp.topic}/{tp.partition}": offset if offset >= 0 else None for tp, offset in found.items()}

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Set committed offsets. Raises ReprocessError when a worker has joined meanwhile, or it is not allowed."""
        wanted = {tp: OffsetAndMetadata(offset, "", None) for tp, offset in offsets.items()}
        for tp, error in self._admin.alter_group_offsets(self.name, wanted).items():
            if error is not NoError:
                raise ReprocessError(
                    f"the offset of {tp.topic}/{tp.partition} can't be set ({error.__name__}): stop all workers and do it again"
                )

    def _offsets(self, tps: list[TopicPartition], spec: int) -> dict[TopicPartition, int]:
        return {tp: found.offset for tp, found in self._admin.list_partition_offsets(dict.fromkeys(tps, spec)).items()}


def _partitions(topic: str, count: int) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in range(count)]


async def _remove_state(settings: Settings) -> int:
    """Remove every record of every snapshot; return how many there were."""
    topic = settings.topics.name(TopicRole.STATE)
    removed = 0
    async with _producer(settings) as producer:
        for number in range(count_shards(settings) + 1):
            for key in await _live_keys(settings, AioPartition(topic, number)):
                await producer.send(topic, None, key, number)
                removed += 1
    return removed


async def _live_keys(settings: Settings, tp: AioPartition) -> Iterable[bytes]:
    live: dict[bytes, None] = {}

    def note(record: Any) -> None:
        if record.value is None:
            live.pop(record.key, None)
        elif record.key is not None:
            live[record.key] = None

    await read_whole(aiokafka_arguments(settings.kafka), tp, note)
    return live


async def _write_empty_state(settings: Settings, sources: list[str], ends: Mapping[TopicPartition, int]) -> None:
    """Write snapshots of stages that have seen nothing, from which each goes on where its topic ends now."""
    exchange = settings.topics.name(TopicRole.EXCHANGE)
    async with _producer(settings) as producer:
        outbox = Outbox(lambda: _AsFaust(producer), Metrics(CollectorRegistry()), _passed_on)
        for tp, end in ends.items():
            at_exchange = tp.topic == exchange
            stage = shards.STATE_NAME if at_exchange else case_stage.STATE_NAME
            number = tp.partition if at_exchange else count_shards(settings)
            machine = build_shard(number, settings, sources) if at_exchange else build_cases(settings, settings.worker.mode.value)
            connection, topic = aiokafka_arguments(settings.kafka), settings.topics.name(TopicRole.STATE)
            store = SnapshotStore(outbox, connection, topic, stage, number, meaning_of_state(settings))
            await store.write(Snapshot(end, machine.snapshot()))


def _producer(settings: Settings) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        **aiokafka_arguments(settings.kafka), acks="all", enable_idempotence=True, max_request_size=STATE_MAX_BYTES
    )


class _AsFaust:
    """A producer that is called as Faust's is."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(
        self, topic: str, key: bytes, value: bytes | None, partition: int, timestamp: None, headers: Any
    ) -> Awaitable[Any]:
        return await self._producer.send(topic, value, key, partition, timestamp, headers)  # type: ignore[no-any-return]


def _passed_on(_error: BaseException) -> None:
    """Do nothing: whoever waits for the record is told."""
