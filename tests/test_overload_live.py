"""A worker on a real Kafka that is sent more than it can work through."""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from pathlib import Path

import pytest
from live_worker import Deployment, WorkerProcess, wait_until

from streams.control import closing
from streams.replay_sender import Sender

pytestmark = pytest.mark.broker
HISTORY_S = 900
SLOT_S = 0.02
SLOW = {
    "POLLWATCH_INTAKE_MAX_BATCH_RECORDS": "8",
    "POLLWATCH_INTAKE_IDLE_AFTER_MS": "500",
    "POLLWATCH_OVERLOAD_SHED_AFTER_MS": "1000",
}
"""A worker that takes in eight records at a time can do a thousand or two a second."""


class Flood:
    """A poll with a quiet quarter of an hour that is suddenly sent more and more votes, until it is told to stop."""

    def __init__(self, deployment: Deployment) -> None:
        self._sender = Sender(deployment.settings)
        self._window_ms = deployment.settings.rate.window_ms
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent = 0

    def begin(self) -> None:
        now_ms = round(time.time() * 1000)
        for at_ms in range(now_ms - HISTORY_S * 1000, now_ms, 2_000):
            self._vote(at_ms)
        self._sender.flush()
        self._thread.start()

    def end(self) -> None:
        """Stop; say that nothing more comes."""
        self._stop.set()
        self._thread.join()
        self._sender.control(closing(round(time.time() * 1000), self._window_ms))
        self._sender.__exit__(None, None, None)

    def _run(self) -> None:
        # by half more each second, so that it is too much for every machine
        for slot in itertools.count():
            if self._stop.wait(SLOT_S):
                return
            now_ms = round(time.time() * 1000)
            for _ in range(round(40 * 1.5 ** (slot * SLOT_S))):
                self._vote(now_ms)

    def _vote(self, at_ms: int) -> None:
        self.sent += 1
        event = {"event_id": f"e{self.sent}", "poll_id": "p", "account_id": f"a{self.sent}", "option": "yes", "ts": at_ms}
        self._sender.send(0, 0, b"key", json.dumps(event).encode())


def test_who_is_sent_more_than_it_can_do_counts_it_all_and_says_what_it_did_not_look_at(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    deployment = Deployment(kafka, topic_prefix, tmp_path, partitions=1, more=SLOW).create_topics()
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        flood = Flood(deployment)
        flood.begin()
        try:
            wait_until(lambda: worker.metrics()["pollwatch_shedding"] == 1, "finer work shed")
            assert worker.metrics()["pollwatch_behind_seconds{stage=intake}"] > 0.5
        finally:
            flood.end()
        deployment.wait_until_settled(worker)
        wait_until(lambda: worker.metrics()["pollwatch_shedding"] == 0, "everything looked at again")
        assert 0 < worker.metrics()["pollwatch_events_unwatched_total"] <= flood.sent
        worker.stop()
    assert re.search("s behind and no nearer: .*\n(.*\n)*.* s behind: who votes is looked at again", worker.log())
    assert deployment.estimates()["p"]["votes"] == flood.sent, "nothing is lost"
    last = max(deployment.alerts().values(), key=lambda alert: int(alert["data"]["revision"]))["data"]
    assert last["verdict"] == "insufficient"
    assert re.search(r"Who voted was not looked at between .* UTC: the workers could not keep up\.$", last["summary"])
    assert [one["detector"] for one in last["evidence"]].count("overload") == 1
