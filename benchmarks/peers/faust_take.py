"""A Faust agent that takes thousands of events at once, which its documentation shows for batches. Run as a process."""

from __future__ import annotations

from typing import Any

import faust
import msgspec

from benchmarks.peers.faust_app import app_of
from benchmarks.peers.task import Course, Task
from benchmarks.peers.work import Vote, new

_AT_ONCE = 5_000
_WITHIN_S = 1.0


def build(task: Task) -> faust.App:
    """Return the app with its one agent."""
    # else a batch never fills
    app = app_of(task, stream_buffer_maxsize=2 * _AT_ONCE)
    alerts = app.topic(task.alerts_topic)
    course, work = Course(task.votes), new(task.work)

    async def count(votes: Any) -> None:
        async for batch in votes.take(_AT_ONCE, within=_WITHIN_S):
            course.begin()
            told = [vote for vote in batch if vote is not None]
            for vote in told:
                alert = work.observe(msgspec.convert(vote, Vote))
                if alert is not None:
                    await alerts.send(key=vote["poll_id"], value=alert)
            course.done(len(told))

    app.agent(app.topic(task.votes_topic), name="count")(count)
    return app


if __name__ == "__main__":
    faust.Worker(build(Task.given()), loglevel="WARNING", quiet=True).execute_from_commandline()
