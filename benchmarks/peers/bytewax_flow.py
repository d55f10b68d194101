"""A bytewax dataflow with a state for each poll, in its engine of Rust. Run as a process."""

from __future__ import annotations

from typing import Any

import bytewax.operators as op
import msgspec
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.run import cli_main

from benchmarks.peers.task import Course, Task
from benchmarks.peers.work import Poll, Vote, decode_vote


def flow_of(task: Task) -> Dataflow:
    """Return the dataflow from votes to alerts."""
    course = Course(task.votes)

    def decoded(message: Any) -> Vote | None:
        if message.value is None:  # a control record, which is for Pollwatch
            return None
        course.begin()
        return decode_vote(message.value)

    def count(poll: Poll | None, vote: Vote) -> tuple[Poll, dict[str, Any] | None]:
        poll = poll or Poll()
        alert = poll.count(vote.option, vote.account_id, vote.ts)
        course.done()
        return poll, alert

    flow = Dataflow("polls")
    messages = kop.input("votes", flow, brokers=[task.servers], topics=[task.votes_topic], batch_size=10_000)
    votes = op.filter_map("decode", messages.oks, decoded)
    alerts = op.stateful_map("count", op.key_on("by poll", votes, lambda vote: vote.poll_id), count)
    told = op.filter("abnormal", alerts, lambda keyed: keyed[1] is not None)
    lines = op.map("encode", told, lambda keyed: KafkaSinkMessage(keyed[0].encode(), msgspec.json.encode(keyed[1])))
    kop.output("alerts", lines, brokers=[task.servers], topic=task.alerts_topic)
    return flow


if __name__ == "__main__":
    cli_main(flow_of(Task.given()))
