"""A canary on a real Kafka: a worker that floods its own poll tells how soon it found that, and says nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_worker import Deployment, WorkerProcess, wait_until

from config import TopicRole
from streams.canary import FLOOD_VOTES

pytestmark = pytest.mark.broker
OFTEN = {
    "POLLWATCH_CANARY_EVERY_MS": "4000",
    "POLLWATCH_RATE_CALM_MS": "1000",
    "POLLWATCH_RATE_WINDOW_MS": "1000",
    "POLLWATCH_RATE_QUIET_MS": "60000",
    "POLLWATCH_INTAKE_IDLE_AFTER_MS": "500",
}


def test_a_worker_floods_its_canary_on_schedule_and_tells_how_soon_that_is_found(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    key = tmp_path / "hash-key"
    key.write_bytes(b"0123456789abcdef")
    more = {**OFTEN, "POLLWATCH_INTAKE_HASH_KEY_FILE": str(key)}
    deployment = Deployment(kafka, topic_prefix, tmp_path, more=more).create_topics()
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        wait_until(lambda: worker.metrics().get("pollwatch_canary_floods_total{outcome=found}"), "a flood found")
        shown, page = worker.metrics(), worker.get("/metrics")[1]
        worker.stop()
    found = shown["pollwatch_canary_floods_total{outcome=found}"]
    assert shown["pollwatch_canary_floods_total{outcome=missed}"] == 0
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
