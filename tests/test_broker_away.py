"""The brokers go away: the worker can be stopped all the same. That it goes on when they are back is in test_time_live.py."""

from __future__ import annotations

import signal
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
STOPS_WITHIN_S = 40.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka(tmp_path / "kafka") as broker:
        yield broker


def test_a_worker_can_be_stopped_while_the_brokers_are_away_and_its_successor_misses_nothing(
    broker: EmbeddedKafka, tmp_path: Path
) -> None:
    lines = recording(SEED, polls=6, minutes=15, flood=600)
    deployment = Deployment(broker.bootstrap_servers, "", tmp_path).create_topics()
    scan([write(tmp_path / "story.jsonl.gz", lines)], deployment.settings, tmp_path / "out", False, lambda _: None)
    feed = Feed(deployment, lines)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        feed.send(0.7)
        wait_until(lambda: deployment.committed(TopicRole.EXCHANGE), "a snapshot")
        broker.stop()
        assert worker.get("/healthz")[0] == 200, "a restart would not help"
        worker.send(signal.SIGTERM)
        wait_until(lambda: worker.exit_code is not None, "it stops without them", STOPS_WITHIN_S)
    broker.start()
    feed.send(1)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        deployment.wait_until_settled(worker)
        worker.stop()
    assert differences(of_scan(tmp_path / "out"), deployment.ending()) == []
