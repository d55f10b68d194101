"""What stands in a source partition just before the place where a worker begins, read without joining the group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.transport.records import Records

_PATIENCE_MS = 10_000


@dataclass(frozen=True, slots=True)
class Past:
    """The last records before `begin`, where reading goes on; `waiting` tells whether records stand there already."""

    records: Records
    begin: int
    waiting: bool


async def look_back(
    connection: dict[str, Any], group_id: str, partitions: Iterable[TopicPartition], offsets: int
) -> dict[TopicPartition, Past]:
    """Return for each partition the records in the last `offsets` offsets before the group's committed offset."""
    partitions = list(partitions)
    if not partitions:
        return {}
    consumer = AIOKafkaConsumer(**connection, group_id=group_id, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(partitions)
        first = await consumer.beginning_offsets(partitions)
        end = await consumer.end_offsets(partitions)
        past: dict[TopicPartition, Past] = {}
        for tp in partitions:
            committed = await consumer.committed(tp)
            begin = first[tp] if committed is None else max(committed, first[tp])
            records = await _read(consumer, tp, max(first[tp], begin - offsets), begin)
            past[tp] = Past(records, begin, end[tp] > begin)
        return past
    finally:
        await consumer.stop()


async def _read(consumer: Any, tp: TopicPartition, start: int, end: int) -> Records:
    records = Records(tp.topic, tp.partition)
    consumer.seek(tp, start)
    # the position moves on also where there is nothing to hand over: control batches, and records compacted away
    while await consumer.position(tp) < end:
        fetched = await consumer.getmany(tp, timeout_ms=_PATIENCE_MS, max_records=end - start)
        new = fetched.get(tp, [])
        records.extend(record for record in new if record.offset < end)
        if not new and await consumer.position(tp) < end:
            raise TimeoutError(f"{tp.topic}/{tp.partition}: offsets {start} to {end} could not be read again")
    return records
