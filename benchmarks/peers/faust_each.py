"""A Faust agent, one event at a time, JSON decoded by Faust. Run as a process."""

from __future__ import annotations

from typing import Any

import faust
import msgspec

from benchmarks.peers.faust_app import app_of
from benchmarks.peers.task import Course, Task
from benchmarks.peers.work import Vote, new


def build(task: Task) -> faust.App:
    """Return the app with its one agent."""
    app = app_of(task)
    alerts = app.topic(task.alerts_topic)
    course, work = Course(task.votes), new(task.work)

    async def count(votes: Any) -> None:
        async for vote in votes:
            if vote is None:  # a control record, which is for Pollwatch
                continue
            course.begin()
            alert = work.observe(msgspec.convert(vote, Vote))
            if alert is not None:
                await alerts.send(key=vote["poll_id"], value=alert)
            course.done()

    app.agent(app.topic(task.votes_topic), name="count")(count)
    return app


if __name__ == "__main__":
    faust.Worker(build(Task.given()), loglevel="WARNING", quiet=True).execute_from_commandline()
