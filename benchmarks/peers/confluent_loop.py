"""confluent-kafka's `consume` in a loop: librdkafka fetches in threads of its own. Run as a process."""

from __future__ import annotations

import msgspec
from confluent_kafka import Consumer, Producer

from benchmarks.peers.task import Course, Task
from benchmarks.peers.work import decode_vote, new

_AT_ONCE = 10_000


def run(task: Task) -> None:
    """Read until all votes are done."""
    consumer = Consumer(
        {"bootstrap.servers": task.servers, "group.id": task.group, "auto.offset.reset": "earliest"}
    )
    producer = Producer({"bootstrap.servers": task.servers})
    course, work = Course(task.votes), new(task.work)
    consumer.subscribe([task.votes_topic])
    done = False
    while not done:
        messages = consumer.consume(_AT_ONCE, timeout=0.1)
        values = [value for message in messages if (value := message.value()) is not None]
        if not values:
            continue
        course.begin()
        for value in values:
            vote = decode_vote(value)
            alert = work.observe(vote)
            if alert is not None:
                producer.produce(task.alerts_topic, msgspec.json.encode(alert), vote.poll_id)
        done = course.done(len(values))
    producer.flush()
    input()  # our memory and CPU are being read
    consumer.close()


if __name__ == "__main__":
    run(Task.given())
