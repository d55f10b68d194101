"""A topic that refuses records, on a real Kafka: what it was to hold waits, loudly, and nothing is committed past it."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from live_worker import Deployment, Feed, WorkerProcess, wait_until
from recorded_traffic import recording, write

from benchmarks.ending import Ending, differences, of_scan
from config import TopicRole
from streams.decode import Kind
from streams.kafka_client import kafka_python
from streams.replay_sender import Sender
from streams.scan import scan
from streams.topics import admin_client

pytestmark = pytest.mark.broker
SEED = 20221003
STOPS_WITHIN_S = 40.0


@pytest.fixture
def deployment(kafka: str, topic_prefix: str, tmp_path: Path) -> Deployment:
    return Deployment(kafka, topic_prefix, tmp_path).create_topics()


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    print(f"seed {SEED}")
    return recording(SEED, polls=6, minutes=15, flood=600)


@pytest.fixture(scope="module")
def undisturbed(lines: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Ending:
    folder = tmp_path_factory.mktemp("undisturbed")
    settings = Deployment("127.0.0.1:1", "", folder).settings
    scan([write(folder / "story.jsonl.gz", lines)], settings, folder / "out", False, lambda _: None)
    found = of_scan(folder / "out")
    assert len(found.cases()) >= 2
    assert found.dead_letters > 10
    return found


@contextmanager
def refusing(deployment: Deployment, role: TopicRole) -> Iterator[None]:
    """Have a topic refuse everything as too large; afterwards it takes records again."""
    _alter(deployment, role, max_message_bytes=60)
    try:
        yield
    finally:
        _alter(deployment, role, max_message_bytes=20_000_000)


def _alter(deployment: Deployment, role: TopicRole, max_message_bytes: int) -> None:
    changed = {"max.message.bytes": str(max_message_bytes)}
    with admin_client(kafka_python(deployment.settings.kafka)) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, deployment.topic(role), configs=changed)])


def failures(worker: WorkerProcess, sink: str) -> float:
    return worker.metrics().get(f"pollwatch_sink_failures_total{{sink={sink}}}", 0.0)


def waits_for_s(worker: WorkerProcess, sink: str) -> float:
    return worker.metrics().get(f"pollwatch_sink_waiting_seconds{{sink={sink}}}", 0.0)


@pytest.mark.parametrize(
    ("role", "sink", "stopped"),
    [
        (TopicRole.ALERTS, "alerts", TopicRole.FINDINGS),
        (TopicRole.EXCHANGE, "exchange", TopicRole.VOTES),
        (TopicRole.STATE, "state", TopicRole.EXCHANGE),
    ],
)
def test_a_topic_that_refuses_is_tried_again_until_it_takes_everything_and_the_end_is_as_ever(
    deployment: Deployment, lines: list[bytes], undisturbed: Ending, role: TopicRole, sink: str, stopped: TopicRole
) -> None:
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        with refusing(deployment, role):
            Feed(deployment, lines).send(1)
            wait_until(lambda: failures(worker, sink) >= 3 and waits_for_s(worker, sink) > 1, f"{sink} refused")
            assert deployment.records(role) == []
            assert re.search(rf"{re.escape(deployment.topic(role))}/\d takes no record, tried 1 times", worker.log())
            assert worker.get("/healthz")[0] == 200, "a restart would not help"
            if role is not TopicRole.EXCHANGE:
                ends = len(lines)
                wait_until(lambda: _taken_in(deployment) >= ends, "intake goes on, and commits")
            assert deployment.lag().keys() & {f"{deployment.topic(stopped)}/0"}, "what it caused is not committed"
        deployment.wait_until_settled(worker)
        assert waits_for_s(worker, sink) < 1
        worker.stop()
    assert differences(undisturbed, deployment.ending()) == []


def _taken_in(deployment: Deployment) -> int:
    return deployment.committed(TopicRole.VOTES) + deployment.committed(TopicRole.REPLIES)


def test_a_dead_letter_topic_that_refuses_holds_back_only_the_partitions_with_bad_records(
    deployment: Deployment, lines: list[bytes], undisturbed: Ending
) -> None:
    """One partition of the votes gets bad records enough to fill what may be on its way."""
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        with refusing(deployment, TopicRole.DEAD_LETTER):
            with Sender(deployment.settings) as sender:
                for number in range(3_000):
                    sender.send(Kind.VOTE, 1, b"key", b"{" + b"x" * 500 + b"%d" % number)
                sender.flush()
            wait_until(lambda: failures(worker, "dead_letter") >= 2, "dead letters refused")
            good = [line for line in lines if b'"type": "vote"' in line and b"poll_id" in line][:900]
            with Sender(deployment.settings) as sender:
                for partition in (0, 2):
                    for line in good:
                        sender.send(Kind.VOTE, partition, b"key", line)
                sender.flush()
            others = {f"{deployment.topic(TopicRole.VOTES)}/{number}" for number in (0, 2)}
            wait_until(lambda: not deployment.lag().keys() & others, "the other partitions are committed to their end")
            lag = deployment.lag()[f"{deployment.topic(TopicRole.VOTES)}/1"]
            assert lag == 3_000, "nothing of the partition is committed before its dead letters are written"
        wait_until(lambda: len({r.value for r in deployment.records(TopicRole.DEAD_LETTER)}) == 3_000, "all dead letters")
        wait_until(lambda: not deployment.lag().keys() & {f"{deployment.topic(TopicRole.VOTES)}/1"}, "then it is committed")
        worker.stop()


def test_a_worker_stops_in_time_while_a_topic_refuses_and_its_successor_says_what_was_missing(
    deployment: Deployment, lines: list[bytes], undisturbed: Ending
) -> None:
    with refusing(deployment, TopicRole.ALERTS), WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        Feed(deployment, lines).send(1)
        wait_until(lambda: failures(worker, "alerts") >= 2, "alerts refused")
        worker.send(signal.SIGTERM)
        wait_until(lambda: worker.exit_code is not None, "it ends", STOPS_WITHIN_S)
        assert deployment.lag().keys() >= {f"{deployment.topic(TopicRole.FINDINGS)}/0"}
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        deployment.wait_until_settled(worker)
        worker.stop()
    assert differences(undisturbed, deployment.ending()) == []
