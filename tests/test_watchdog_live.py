"""The watchdogs of a worker on a real Kafka: where nothing stands still, and where something does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from live_worker import Deployment, WorkerProcess, wait_until

from config import TopicRole
from streams.canary import FLOOD_VOTES
from streams.stages import canary_poll, canary_shard

pytestmark = pytest.mark.broker
STUCK = Path(__file__).with_name("stuck_worker.py")
PATIENCE_MS = 3_000
OFTEN = {
    "POLLWATCH_CANARY_EVERY_MS": "4000",
    "POLLWATCH_RATE_CALM_MS": "1000",
    "POLLWATCH_RATE_WINDOW_MS": "1000",
    "POLLWATCH_RATE_QUIET_MS": "60000",
    "POLLWATCH_INTAKE_IDLE_AFTER_MS": "500",
}
_FLOODS = "pollwatch_canary_floods_total{outcome=%s}"


@pytest.fixture
def deployment(kafka: str, topic_prefix: str, tmp_path: Path) -> Deployment:
    """Return a deployment in which nobody votes but its canary."""
    key = tmp_path / "hash-key"
    key.write_bytes(b"0123456789abcdef")
    more = {**OFTEN, "POLLWATCH_INTAKE_HASH_KEY_FILE": str(key)}
    return Deployment(kafka, topic_prefix, tmp_path, more=more).create_topics()


def test_a_worker_floods_its_canary_on_schedule_and_tells_how_soon_that_is_found(deployment: Deployment) -> None:
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        wait_until(lambda: worker.metrics().get(_FLOODS % "found"), "a flood found")
        shown, page = worker.metrics(), worker.get("/metrics")[1]
        assert worker.get("/healthz")[0] == 200
        worker.stop()
    found = shown[_FLOODS % "found"]
    assert shown[_FLOODS % "missed"] == 0
    assert shown["pollwatch_canary_detection_seconds_count"] == found
    assert 0 < shown["pollwatch_canary_detection_seconds_sum"] < 20 * found
    assert shown["pollwatch_canary_found_timestamp_seconds"] > 0
    assert shown["pollwatch_events_received_total{event_type=canary}"] >= FLOOD_VOTES
    for name in (
        "events_received_total{event_type=vote}",
        "last_event_timestamp_seconds{event_type=vote}",
        "findings_total",
        "cases_opened_total",
        "cases_open",
        "alerts_emitted_total",
        "event_to_alert_seconds_count",
    ):
        assert shown[f"pollwatch_{name}"] == 0, name
    assert "canary-" not in page
    assert "pollwatch_top_poll_votes_per_second{" not in page
    for role in (TopicRole.ALERTS, TopicRole.MODERATION, TopicRole.INTEGRITY, TopicRole.DEAD_LETTER):
        assert deployment.records(role) == []


def test_what_stands_still_turns_liveness_red_by_name_and_the_canary_s_flood_is_missed(deployment: Deployment) -> None:
    poll_id = canary_poll(deployment.settings)
    assert poll_id is not None
    number = canary_shard(deployment.settings, poll_id)
    shard, lost = f"{deployment.topic(TopicRole.EXCHANGE)}/{number}", f"{deployment.topic(TopicRole.VOTES)}/1"
    with WorkerProcess(deployment, script=[str(STUCK), str(number), lost, str(PATIENCE_MS)]) as worker:
        worker.wait_until_ready()
        assert worker.get("/healthz")[0] == 200
        # until the stuck run is set aside, the other shards stand still behind it
        wait_until(lambda: named_by(worker) == {shard, lost}, "both named and nothing else")
        wait_until(lambda: worker.metrics()[_FLOODS % "missed"], "a flood missed")
        shown = worker.metrics()
        worker.kill()
    assert shown[_FLOODS % "found"] == 0
    for name in (shard, lost):
        topic, _, partition = name.rpartition("/")
        of = f"partition={partition},topic={topic}"
        assert shown[f"pollwatch_consumer_lag_records{{{of}}}"] > 0
        assert shown[f"pollwatch_consumer_processed_offset{{{of}}}"] == 0
    assert shown["pollwatch_brokers_answered_timestamp_seconds"] > 0


def named_by(worker: WorkerProcess) -> set[str]:
    """Return the partitions that the health page says to stand still."""
    assert worker.runs()
    reason = json.loads(worker.get("/healthz")[1])["reason"]
    return set(re.findall(r"(\S+/\d+) \(\d+ records wait\)", reason))
