"""Contestant (c): aiokafka's `getmany` and nothing else, the limit of this client. Run as a process."""

from __future__ import annotations

import asyncio
import os
import sys

from aiokafka import AIOKafkaConsumer

from benchmarks.processes import say
from config import Settings, TopicRole, load
from streams.kafka_client import aiokafka


async def consume(settings: Settings, wanted: int) -> None:
    """Read until `wanted` votes were handed over."""
    consumer = AIOKafkaConsumer(
        settings.topics.name(TopicRole.VOTES),
        **aiokafka(settings.kafka),
        group_id=settings.kafka.group_id,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        while not consumer.assignment():
            await asyncio.sleep(0.01)
        say("assigned")
        seen = 0
        while seen < wanted:
            runs = await consumer.getmany(timeout_ms=1000, max_records=20_000)
            seen += sum(map(len, runs.values()))
        say("done", votes=seen)
        await asyncio.sleep(60)  # our memory and CPU are being read
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(consume(load(None, os.environ), int(sys.argv[1])))
