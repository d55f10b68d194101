"""What a bystander sees of topics: all records of one, and how far a group has committed. Knows no worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

_LARGEST_FETCH_BYTES = 8 << 20


def offsets(bootstrap: str, group: str, topics: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return (committed, end) by `topic/partition`; committed is 0 where nothing was."""
    return asyncio.run(_offsets(bootstrap, group, topics))


def lag(bootstrap: str, group: str, topics: Iterable[str]) -> dict[str, int]:
    """Return the records not yet committed of every partition that has any."""
    return {name: end - at for name, (at, end) in offsets(bootstrap, group, topics).items() if end != at}


def records(bootstrap: str, topic: str) -> list[Any]:
    """Return all records of a topic, in order within each partition."""
    return asyncio.run(_records(bootstrap, topic))


async def _offsets(bootstrap: str, group: str, topics: Iterable[str]) -> dict[str, tuple[int, int]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        known = await consumer._client.fetch_all_metadata()
        tps = [TopicPartition(topic, n) for topic in topics for n in known.partitions_for_topic(topic) or ()]
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        return {f"{tp.topic}/{tp.partition}": (await consumer.committed(tp) or 0, ends[tp]) for tp in tps}
    finally:
        await consumer.stop()


async def _records(bootstrap: str, topic: str) -> list[Any]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, max_partition_fetch_bytes=_LARGEST_FETCH_BYTES
    )
    await consumer.start()
    try:
        known = await consumer._client.fetch_all_metadata()
        tps = [TopicPartition(topic, n) for n in known.partitions_for_topic(topic) or ()]
        consumer.assign(tps)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(tps)
        found = []
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for part in (await consumer.getmany(timeout_ms=1_000)).values():
                found += part
        return found
    finally:
        await consumer.stop()
