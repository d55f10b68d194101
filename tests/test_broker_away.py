"""The brokers go away: the worker waits and goes on, and it can be stopped meanwhile."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_worker import Deployment, Feed, WorkerProcess, wait_until
from recorded_traffic import recording, write

from benchmarks.ending import differences, of_scan
from config import TopicRole
from streams.broker import EmbeddedKafka
from streams.scan import scan

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("embedded_kafka_at_hand")]
SEED = 20221003
AWAY_S = 8.0
"""Longer than the group waits for a member that it does not hear."""
STOPS_WITHIN_S = 40.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka(tmp_path / "kafka") as broker:
        yield broker


def test_while_the_brokers_are_away_a_worker_waits_and_can_be_stopped_and_afterwards_nothing_is_missing(
    broker: EmbeddedKafka, tmp_path: Path
) -> None:
    lines = recording(SEED, polls=6, minutes=15, flood=600)
    deployment = Deployment(broker.bootstrap_servers, "", tmp_path).create_topics()
    scan([write(tmp_path / "story.jsonl.gz", lines)], deployment.settings, tmp_path / "out", False, lambda _: None)
    feed = Feed(deployment, lines)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        feed.send(0.5)
        wait_until(lambda: deployment.committed(TopicRole.EXCHANGE), "a snapshot")
        broker.stop()
        gone_s = time.monotonic()
        wait_until(lambda: worker.runs() and time.monotonic() - gone_s > AWAY_S, "away for a while")
        assert worker.get("/healthz")[0] == 200, "a restart would not help"
        broker.start()
        wait_until(worker.is_ready, "ready again")
        feed.send(0.9)
        wait_until(lambda: worker.runs() and not deployment.lag(), "all of it worked on")
        broker.stop()
        worker.send(signal.SIGTERM)
        wait_until(lambda: worker.exit_code is not None, "it stops without them", STOPS_WITHIN_S)
    broker.start()
    feed.send(1)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        deployment.wait_until_settled(worker)
        worker.stop()
    assert differences(of_scan(tmp_path / "out"), deployment.ending()) == []
