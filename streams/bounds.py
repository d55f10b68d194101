"""Whether a partition still holds what a restored state goes on with. The rule is pure; `bounds` asks the brokers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition


class LostState(Exception):
    """What a worker would go on from is gone: going on would forget votes without a word."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Offsets of a partition: the first that is there, the next to be written, and what the group has committed."""

    first: int
    end: int
    committed: int | None


async def bounds(
    connection: dict[str, Any], group_id: str, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, Bounds]:
    """Return the bounds of each partition, without joining the group."""
    tps = list(partitions)
    consumer = AIOKafkaConsumer(**connection, group_id=group_id, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(tps)
        first, end = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        return {tp: Bounds(first[tp], end[tp], await consumer.committed(tp)) for tp in tps}
    finally:
        await consumer.stop()


def check_restored(name: str, snapshot_offset: int | None, found: Bounds) -> None:
    """Raise `LostState` unless reading can go on where the snapshot ends, or from the beginning without one."""
    if snapshot_offset is None:
        # only what a snapshot holds is ever committed here
        if found.committed:
            raise _lost(f"{name} was worked on up to {found.committed}, and no snapshot of that is left")
        return
    if snapshot_offset < found.first:
        raise _lost(f"{name} begins at {found.first} by now, the newest snapshot ends at {snapshot_offset}")
    if snapshot_offset > found.end:
        raise _lost(f"{name} ends at {found.end}, before the newest snapshot ({snapshot_offset}): it was made anew")


def unread(gap: Exception) -> LostState:
    """Return what to say of offsets that were gone before they were read, or before a shard had them."""
    return _lost(f"{gap}, their topic no longer held them (is it kept for too short a time?)")


def _lost(what: str) -> LostState:
    return LostState(f"{what}: run pollwatch reprocess to count again from the input topics")
