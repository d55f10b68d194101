"""A worker on a real Kafka in which something stands still, watched from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from live_worker import Deployment, Feed, WorkerProcess, wait_until
from recorded_traffic import recording

from config import TopicRole

pytestmark = pytest.mark.broker
STUCK = Path(__file__).with_name("stuck_worker.py")
STALL_MS = 3_000


def test_a_stuck_shard_turns_liveness_red_and_is_named_and_measured(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    deployment = Deployment(kafka, topic_prefix, tmp_path).create_topics()
    shard = f"{deployment.topic(TopicRole.EXCHANGE)}/1"
    lag, uncommitted, processed = (
        f"pollwatch_consumer_{name}{{partition=1,topic={deployment.topic(TopicRole.EXCHANGE)}}}"
        for name in ("lag_records", "uncommitted_records", "processed_offset")
    )
    with WorkerProcess(deployment, script=[str(STUCK), "1", str(STALL_MS)]) as worker:
        worker.wait_until_ready()
        assert worker.get("/healthz")[0] == 200
        Feed(deployment, recording(7)).send(0.5)
        wait_until(lambda: worker.get("/healthz")[0] == 503, "liveness red")
        reason = json.loads(worker.get("/healthz")[1])["reason"]
        assert reason.startswith("nothing was processed for ")
        assert shard in reason
        shown = worker.metrics()
        assert shown[lag] > 0
        assert shown[processed] == shown[uncommitted] == 0
        assert shown["pollwatch_brokers_answered_timestamp_seconds"] > 0
        worker.kill()
