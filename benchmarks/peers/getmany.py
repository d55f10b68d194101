"""aiokafka's `getmany` and nothing else, the limit of this client. Run as a process."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer

from benchmarks.peers.task import Course, Task

_AT_ONCE = 20_000


async def run(task: Task) -> None:
    """Read until all votes were handed over."""
    consumer = AIOKafkaConsumer(
        task.votes_topic, bootstrap_servers=task.servers, group_id=task.group, auto_offset_reset="earliest"
    )
    course, done = Course(task.votes), False
    async with consumer:
        while not done:
            runs = await consumer.getmany(timeout_ms=1000, max_records=_AT_ONCE)
            course.begin()
            done = course.done(sum(map(len, runs.values())))
        await asyncio.sleep(60)  # our memory and CPU are being read


if __name__ == "__main__":
    asyncio.run(run(Task.given()))
