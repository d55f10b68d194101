"""Time on a real Kafka: what happens while nobody can be heard is heard afterwards, at its own time."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from live_worker import Deployment, Feed, WorkerProcess, wait_until
from recorded_traffic import event, recording, write
from test_worker_live import assert_same_end, scanned

from streams.broker import EmbeddedKafka
from streams.cut import ShardOf
from streams.placing import place
from streams.replay_sender import Sender
from streams.stages import build_decoder

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("embedded_kafka_at_hand")]
SEED = 7
IDLE_AFTER_MS = 1_000
FLOOD = 600
PAUSE_S = 4.0
FEW_ROWS = 2_400
PARTS = 24


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker that these tests may stop."""
    with EmbeddedKafka(tmp_path_factory.mktemp("own-kafka")) as broker:
        yield broker


def now_ms() -> float:
    return time.time() * 1_000


def votes(rng: random.Random, poll: str, begin_ms: float, end_ms: float, per_s: float) -> list[tuple[float, bytes]]:
    """Return times and lines of votes of people who vote once."""
    at_ms, lines = begin_ms, []
    while (at_ms := at_ms + rng.expovariate(per_s) * 1_000) < end_ms:
        lines.append((at_ms, event(rng, poll, at_ms, f"u{rng.getrandbits(40):x}")))
    return lines


def send(deployment: Deployment, timed: Sequence[tuple[float, bytes]]) -> None:
    lines = [line for _, line in sorted(timed)]
    decoder = build_decoder(deployment.settings)
    with Sender(deployment.settings) as sender:
        placed = place(lines, decoder.recording(lines), decoder, *sender.partitions.values())
        for kind, partition, line in zip(placed.kind.tolist(), placed.partition.tolist(), lines, strict=True):
            sender.send(kind, partition, b"key", line)
        sender.flush()


def spikes(deployment: Deployment, poll: str) -> list[dict[str, Any]]:
    """Return the first word of each case of a poll that got more votes than usual."""
    return [
        alert["data"]
        for alert in deployment.alerts().values()
        if poll in alert["data"]["poll_ids"] and alert["data"]["revision"] == 1
    ]


@pytest.fixture
def deployment(own_kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path) -> Deployment:
    # a worker that stands still is not replaced meanwhile
    more = {"POLLWATCH_INTAKE_IDLE_AFTER_MS": str(IDLE_AFTER_MS), "POLLWATCH_KAFKA_SESSION_TIMEOUT_MS": "30000"}
    return Deployment(own_kafka.bootstrap_servers, topic_prefix, tmp_path, more=more).create_topics()


def test_a_flood_that_begins_while_the_broker_is_away_and_is_sent_when_it_is_back_is_found(
    deployment: Deployment, own_kafka: EmbeddedKafka
) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        past = [line for poll in ("quiet", "flooded") for line in votes(rng, poll, now_ms() - 1_200_000, now_ms(), 3)]
        send(deployment, past)
        wait_until(lambda: worker.metrics().get("pollwatch_events_received_total") == len(past), "the past taken in")
        # so that what is sent takes no time to arrive: by what it usually takes, time in silence is behind
        send(deployment, votes(rng, "new", now_ms() - 300, now_ms(), 500))
        # by the brokers' answers alone
        wait_until(lambda: worker.metrics()["pollwatch_watermark_lag_seconds{stage=polls}"] < 3, "time passes in silence")
        late = worker.metrics()["pollwatch_events_late_total"]
        own_kafka.stop()
        began_ms = now_ms()
        wait_until(lambda: now_ms() - began_ms > PAUSE_S * 1_000, "away for so long")
        flood = votes(rng, "flooded", began_ms, began_ms + PAUSE_S * 1_000, FLOOD / PAUSE_S)
        own_kafka.start()
        send(deployment, flood)
        wait_until(lambda: spikes(deployment, "flooded"), "the flood found")
        (found,) = spikes(deployment, "flooded")
        assert began_ms <= found["opened_ms"] <= began_ms + PAUSE_S * 1_000
        assert worker.metrics()["pollwatch_events_late_total"] == late
        assert spikes(deployment, "quiet") == []
        worker.stop()


def test_partitions_of_a_backlog_come_through_event_time_together_and_its_anomalies_are_found_when_they_happened(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Read in turns, the partitions with half as many votes an hour would be an hour ahead, and too many rows would wait."""
    more = {"POLLWATCH_INTAKE_MAX_BATCH_RECORDS": "200", "POLLWATCH_POLLS_MAX_WAITING_ROWS": str(FEW_ROWS)}
    deployment = Deployment(kafka, topic_prefix, tmp_path, more=more).create_topics()
    lines = uneven(deployment, recording(SEED, polls=16, minutes=45, flood=900))
    path = write(tmp_path / "backlog.jsonl", lines)
    expected = scanned(path, tmp_path / "out", Deployment("127.0.0.1:1", "", tmp_path).settings, lines)
    assert len(expected.ending.cases()) >= 2, "nothing to find"
    feed = Feed(deployment, lines)
    for part in range(1, PARTS + 1):
        # as they came while nobody worked: what is later in one partition is later in all
        feed.send(part / PARTS)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        deployment.wait_until_settled(worker)
        assert worker.metrics()["pollwatch_state_evictions_total{store=waiting_rows}"] == 0
        worker.stop()
    assert_same_end(deployment, expected)


def uneven(deployment: Deployment, lines: list[bytes]) -> list[bytes]:
    """Return lines of one shard, of which the first partition has twice as many as each other one, so long that few fit a fetch."""
    decoder, partitions = build_decoder(deployment.settings), deployment.partitions
    partition = place(lines, decoder.recording(lines), decoder, partitions, partitions).partition.tolist()
    rng = random.Random(SEED)
    kept = [line for line, at in zip(lines, partition, strict=True) if at == 0 or rng.random() < 0.5]
    names = [name for n in range(200) if ShardOf(partitions)([name := f"p-{n}"])[0] == 0]
    moved = [re.sub(rb'"poll-([0-9]+)"', lambda found: b'"%s"' % names[int(found[1])].encode(), line) for line in kept]
    return [line[:-1] + b',"unknown":"%s"}' % (b"x" * 8_000) if line.startswith(b'{"type"') else line for line in moved]
