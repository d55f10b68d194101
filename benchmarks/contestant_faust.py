"""Contestant (a): Faust and River as their documentation shows them, one event at a time. Run as a process.

One agent, JSON decoded by Faust, and for each poll the votes of every ten seconds, by option, scored and learned by
River's GaussianScorer when the window is over, with a smoothed mean beside it; an alert goes to a topic. Left out,
in its favour: duplicates, late votes, revotes, votes by account, estimates, snapshots, statistics of options.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import Any

import faust
from river import anomaly, stats

from benchmarks.processes import say
from config import Settings, TopicRole, load
from streams.kafka_client import faust as faust_arguments

WINDOW_MS = 10_000
ABNORMAL = 0.9999


class PollStatistics:
    """What is known of one poll."""

    def __init__(self) -> None:
        self.window = -1
        self.votes: Counter[str] = Counter()
        self.mean = stats.EWMean(fading_factor=0.1)
        self.scorer = anomaly.GaussianScorer(grace_period=10)  # type: ignore[no-untyped-call]

    def observe(self, vote: dict[str, Any]) -> dict[str, Any] | None:
        """Count a vote; return an alert when it ends a window that was abnormal."""
        window = vote["ts"] // WINDOW_MS
        alert = None
        if window > self.window:
            if self.window >= 0:
                alert = self._close(vote["poll_id"])
            self.window = window
            self.votes.clear()
        self.votes[vote["option"]] += 1
        return alert

    def _close(self, poll_id: str) -> dict[str, Any] | None:
        votes = sum(self.votes.values())
        score = self.scorer.score_one(None, votes)  # type: ignore[no-untyped-call]
        expected = self.mean.get()
        self.scorer.learn_one(None, votes)  # type: ignore[no-untyped-call]
        self.mean.update(votes)
        if score < ABNORMAL:
            return None
        return {"poll_id": poll_id, "window": self.window, "votes": votes, "expected": expected, "score": score}


def build(settings: Settings, wanted: int) -> faust.App:
    """Return the app, which says when it was assigned its partitions and when it has counted `wanted` votes."""
    app = faust.App(
        settings.kafka.group_id,
        **faust_arguments(settings.kafka, "kafka"),
        value_serializer="json",
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
    )
    alerts = app.topic(settings.topics.name(TopicRole.ALERTS))
    polls: dict[str, PollStatistics] = {}

    async def count(votes: Any) -> None:
        seen = 0
        async for vote in votes:
            if vote is None:  # a control record, which is for Pollwatch
                continue
            poll = polls.get(vote["poll_id"])
            if poll is None:
                poll = polls[vote["poll_id"]] = PollStatistics()
            alert = poll.observe(vote)
            if alert is not None:
                await alerts.send(key=alert["poll_id"], value=alert)
            seen += 1
            if seen == wanted:
                say("done", votes=seen)

    async def assigned(*_: Any, **__: Any) -> None:
        say("assigned")

    app.agent(app.topic(settings.topics.name(TopicRole.VOTES)), name="count")(count)
    app.on_partitions_assigned.connect(assigned, weak=False)
    return app


if __name__ == "__main__":
    faust.Worker(build(load(None, os.environ), int(sys.argv[1])), loglevel="WARNING", quiet=True).execute_from_commandline()
