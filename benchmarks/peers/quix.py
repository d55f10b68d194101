"""Quix Streams: its windows and its state, River on windows that are over. Run as a process.

Its state belongs to a record's key, so it is given votes with the poll as key, which spares it a topic to regroup them in.
"""

from __future__ import annotations

import logging
import tempfile
from collections import defaultdict
from datetime import timedelta
from typing import Any

from quixstreams import Application, State

from benchmarks.peers.task import Course, Task
from benchmarks.peers.work import WINDOW_MS, RateScore


def run(task: Task) -> None:
    """Read until it is ended; there is no way to know that a topic is read to its end."""
    application = Application(
        task.servers, consumer_group=task.group, auto_offset_reset="earliest", loglevel="WARNING", state_dir=tempfile.mkdtemp()
    )
    course = Course(task.votes)
    scores: dict[str, RateScore] = defaultdict(RateScore)

    def account(vote: dict[str, Any], state: State) -> None:
        course.begin()
        state.set(vote["account_id"], state.get(vote["account_id"], 0) + 1)
        course.done()

    def score(window: dict[str, Any], key: bytes, timestamp: int, headers: Any) -> dict[str, Any] | None:
        del timestamp, headers
        return scores[key.decode()].close(window["value"])

    votes = application.dataframe(application.topic(task.votes_topic, value_deserializer="json", timestamp_extractor=_time))
    votes = votes.update(account, stateful=True)
    alerts = votes.tumbling_window(timedelta(milliseconds=WINDOW_MS)).count().final()
    alerts = alerts.apply(score, metadata=True).filter(lambda alert: alert is not None)
    alerts.to_topic(application.topic(task.alerts_topic, value_serializer="json"))
    application.run()


def _time(value: Any, headers: Any, timestamp_ms: int, timestamp_type: Any) -> int:
    del headers, timestamp_ms, timestamp_type
    return int(value["ts"])


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    run(Task.given())
