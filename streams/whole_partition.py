"""Reads a partition from its beginning to where it ends now, without a group. Must not know what its records mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

_PATIENCE_MS = 10_000


async def read_whole(connection: Mapping[str, Any], tp: TopicPartition, take: Callable[[Any], None]) -> None:
    """Call `take` with each record of a partition, in order, up to the end it had when this was called."""
    consumer = AIOKafkaConsumer(**connection, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        await consumer.seek_to_beginning(tp)
        while await consumer.position(tp) < end:
            for record in (await consumer.getmany(tp, timeout_ms=_PATIENCE_MS)).get(tp, []):
                take(record)
    finally:
        await consumer.stop()
