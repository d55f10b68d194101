"""The worker on a real Kafka among records that are not votes: none stops it, each is told apart, none costs its neighbours."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from live_worker import PATIENCE_S, Deployment, WorkerProcess
from test_decode_mutations import mutated

from config import TopicRole
from streams.control import closing
from streams.decode import Kind
from streams.replay_sender import Sender
from streams.stages import build_decoder

pytestmark = pytest.mark.broker
SEED = 20221003


@pytest.fixture
def deployment(kafka: str, topic_prefix: str, tmp_path: Path) -> Deployment:
    return Deployment(kafka, topic_prefix, tmp_path).create_topics()


@dataclass(frozen=True)
class Sent:
    """A record as its sender made it."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


async def produce(bootstrap: str, topic: str, records: Sequence[Sent]) -> list[tuple[int, int]]:
    """Send records to a topic; return where each one stands, as (partition, offset)."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=4_000_000, linger_ms=20) as producer:
        await producer.client._wait_on_metadata(topic)
        partitions = sorted(producer.client.cluster.partitions_for_topic(topic))
        sent = []
        for number, record in enumerate(records):
            tp = TopicPartition(topic, partitions[number % len(partitions)])
            # the client's own `send` refuses what Kafka takes: a record with neither key nor value
            sent.append(
                await producer._message_accumulator.add_message(
                    tp, record.key, record.value, PATIENCE_S, headers=list(record.headers)
                )
            )
        done = await asyncio.gather(*sent)
    return [(metadata.partition, metadata.offset) for metadata in done]


def neighbour(number: int) -> Sent:
    fields = {"event_id": f"n{number}", "poll_id": "good", "account_id": f"a{number}", "option": "yes"}
    return Sent(json.dumps({**fields, "ts": int(time.time() * 1000)}).encode())


def hostile_records(rng: random.Random) -> list[Sent]:
    """Return 10,000 mutated votes with keys and headers of their own, tombstones of all kinds, and good neighbours."""
    bad = [
        Sent(value, *rng.choice([(None, ()), (b"\x00key\xff", ()), (b"k", (("trace", b"\x01\xff"), ("trace", b"2")))]))
        for value in mutated(rng)
    ]
    bad += [Sent(None, b"k"), Sent(None, None), Sent(b"", None), Sent(None, None, (("pollwatch-control", b"{}"),))]
    bad += [Sent(None, b"k", (("pollwatch-control", b'{"watermark_ms": %d, "end": true}' % far),)) for far in (10**20, 2**63)]
    records = [*bad, *(neighbour(number) for number in range(2_000))]
    rng.shuffle(records)
    return records


def test_ten_thousand_mutated_records_leave_the_worker_running_and_their_neighbours_counted(
    deployment: Deployment,
) -> None:
    print(f"seed {SEED}")
    records = hostile_records(random.Random(SEED))
    now_ms = np.full(len(records), int(time.time() * 1000))
    decoded = build_decoder(deployment.settings).topic([r.value for r in records], Kind.VOTE, now_ms)
    reasons = {bad.index: bad.reason.value for bad in decoded.refused}
    assert len(reasons) > 5_000
    topic = deployment.topic(TopicRole.VOTES)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        stands = asyncio.run(produce(deployment.bootstrap, topic, records))
        with Sender(deployment.settings) as sender:
            sender.control(closing(int(time.time() * 1000), 60_000))
        deployment.wait_until_settled(worker)
        assert worker.get("/healthz")[0] == 200
        seen = worker.metrics()
        worker.stop()
    letters = {place: letter for letter in deployment.records(TopicRole.DEAD_LETTER) for place in [place_of(letter)]}
    assert sorted(letters) == sorted((topic, *stands[index]) for index in reasons)
    for index, reason in reasons.items():
        assert_is_letter(letters[topic, *stands[index]], records[index], reason)
    assert deployment.estimates()["good"]["options"]["yes"] >= 2_000
    assert seen["pollwatch_dead_letters_total"] == len(reasons)
    for reason in set(reasons.values()):
        assert seen[f"pollwatch_events_refused_total{{reason={reason}}}"] == list(reasons.values()).count(reason)


def place_of(letter: Any) -> tuple[str, int, int]:
    headers = dict(letter.headers)
    topic, partition, offset = (headers[f"__connect.errors.{name}"].decode() for name in ("topic", "partition", "offset"))
    return topic, int(partition), int(offset)


def assert_is_letter(letter: Any, sent: Sent, reason: str) -> None:
    own = len(sent.headers)
    assert (letter.key, tuple(letter.headers[:own])) == (sent.key, sent.headers)
    # clients can't send a record with neither key nor value
    assert letter.value == (b"" if sent.key is None and sent.value is None else sent.value)
    added = dict(letter.headers[own:])
    assert set(added) == {
        f"__connect.errors.{name}"
        for name in ("topic", "partition", "offset", "stage", "exception.class.name", "exception.message")
    }
    assert added["__connect.errors.exception.class.name"].decode() == reason
    assert 0 < len(added["__connect.errors.exception.message"]) <= 200
