"""Decisions beside a running worker on a real Kafka: they take effect within seconds, outlive a crash, and nothing sent there does harm."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from live_worker import Deployment, Feed, WorkerProcess, wait_until

from config import TopicRole
from lab.worlds import Scenario, world
from streams.__main__ import main
from streams.kafka_client import kafka_python

pytestmark = pytest.mark.broker
SEED = 3
SOON_S = 10.0
"""From a decision to its effect; a second or two on a machine that does nothing else."""


@pytest.fixture
def deployment(kafka: str, topic_prefix: str, tmp_path: Path) -> Deployment:
    return Deployment(kafka, topic_prefix, tmp_path).create_topics()


def send(deployment: Deployment, *values: bytes | None) -> None:
    """Put records into the topic of decisions, as anybody may who is allowed to write there."""
    with KafkaProducer(**kafka_python(deployment.settings.kafka)) as producer:
        for value in values:
            producer.send(deployment.topic(TopicRole.VERDICTS), key=b"k", value=value)
        producer.flush()


def decide(deployment: Deployment, case_id: str, decision: str, by: str) -> None:
    said = {"case_id": case_id, "decision": decision, "by": by, "ts": round(time.time() * 1000), "note": "seen on television"}
    send(deployment, json.dumps(said).encode())


def last_of(deployment: Deployment, case_id: str) -> dict[str, Any]:
    """Return the last revision of a case."""
    return max((one for one in deployment.alerts().values() if one["data"]["case_id"] == case_id), key=lambda one: one["data"]["revision"])


def named(deployment: Deployment, case_id: str) -> int:
    """Return how many accounts the last revision of a case's items names."""
    items = [one for one in deployment.items().values() if one["case_id"] == case_id]
    newest = max(one["revision"] for one in items)
    return sum(len(one["accounts"]) for one in items if one["revision"] == newest)


def nonsense(case_id: str) -> list[bytes | None]:
    """Return records that are no decisions, or decisions on nothing."""
    rng = random.Random(SEED)
    good = {"case_id": "0" * 16, "decision": "false_positive", "by": "x", "ts": 1, "note": "n", "account_ids": ["a"]}
    broken = [json.dumps(good | {rng.choice(list(good)): rng.choice([None, -1, [], {}, "", "\x00" * 9_999, 1e300])}).encode() for _ in range(60)]
    cut = [json.dumps(good).encode()[: rng.randrange(1, 90)] for _ in range(30)]
    noise = [rng.randbytes(rng.randrange(1, 200)) for _ in range(30)]
    strangers = json.dumps(good | {"case_id": case_id, "account_ids": ["nobody"]}).encode()
    return [*broken, *cut, *noise, strangers, b"[" * 100_000, None]


def test_a_false_positive_takes_effect_within_seconds_and_outlives_a_crash(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    print(f"seed {SEED}")
    lines = [json.dumps(event).encode() for event in world(Scenario(12, 4, {}, {"flood": 1}), SEED).events]
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        Feed(deployment, lines).send(1)
        deployment.wait_until_settled(worker)
        case_id = next(one["data"]["case_id"] for one in deployment.alerts().values() if one["data"]["verdict"] == "coordinated")
        before = last_of(deployment, case_id)["data"]
        poll_id = before["poll_ids"][0]
        assert named(deployment, case_id) > 1_000
        assert deployment.estimates()[poll_id]["suspect_votes"] > 1_000

        began_s = time.monotonic()
        decide(deployment, case_id, "false_positive", "anna")
        wait_until(lambda: last_of(deployment, case_id)["type"].endswith("retracted.v1"), "the case retracted")
        wait_until(lambda: deployment.estimates()[poll_id]["suspect_votes"] == 0, "its votes no longer suspect")
        assert time.monotonic() - began_s < SOON_S
        assert named(deployment, case_id) == 0
        worker.kill()

    said = deployment.alerts()
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        bad = nonsense(case_id)
        send(deployment, *bad)
        deployment.wait_until_settled(worker)
        assert deployment.alerts() == said, "nothing new is said, and nothing otherwise"
        assert worker.metrics()["pollwatch_decisions_total{decision=refused}"] == len(bad)
        assert len(deployment.records(TopicRole.DEAD_LETTER)) == len(bad)

        decide(deployment, case_id, "confirmed", "ben")
        wait_until(lambda: last_of(deployment, case_id)["data"]["verdict"] == "coordinated", "the case given back")
        after = last_of(deployment, case_id)["data"]
        assert (after["polls"], after["review"]["by"], after["review"]["count"]) == (before["polls"], "ben", 2)
        assert named(deployment, case_id) > 1_000
        worker.stop()

    for name, value in deployment.environ.items():
        monkeypatch.setenv(name, value)
    assert main(["explain", case_id]) == 0
    text = capsys.readouterr().out
    assert "anna false_positive: seen on television" in text
    assert text.count("\nHistory\n") == 1
    assert main(["explain", case_id, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["news"] for one in told["steps"]][-2:] == ["retracted", "opened"]
    assert len(told["decisions"]) == 3, "those two, and the one that named a stranger"
    assert main(["explain", "f" * 16]) == 1
    assert capsys.readouterr().err.startswith("pollwatch: ExplainError: no alert of case ffffffffffffffff is left")
