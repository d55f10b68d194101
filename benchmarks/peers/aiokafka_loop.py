"""aiokafka's `getmany` in a loop. Run as a process."""

from __future__ import annotations

import asyncio

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.peers.task import Course, Task
from benchmarks.peers.work import decode_vote, new

_AT_ONCE = 20_000


async def run(task: Task) -> None:
    """Read until all votes are done."""
    consumer = AIOKafkaConsumer(
        task.votes_topic, bootstrap_servers=task.servers, group_id=task.group, auto_offset_reset="earliest"
    )
    course, work = Course(task.votes), new(task.work)
    async with consumer, AIOKafkaProducer(bootstrap_servers=task.servers) as producer:
        done = False
        while not done:
            runs = await consumer.getmany(timeout_ms=1000, max_records=_AT_ONCE)
            values = [record.value for records in runs.values() for record in records if record.value is not None]
            if not values:
                continue
            course.begin()
            for value in values:
                vote = decode_vote(value)
                alert = work.observe(vote)
                if alert is not None:
                    await producer.send(task.alerts_topic, msgspec.json.encode(alert), vote.poll_id.encode())
            done = course.done(len(values))
        await asyncio.sleep(60)  # our memory and CPU are being read


if __name__ == "__main__":
    asyncio.run(run(Task.given()))
