"""`pollwatch erase` while a worker runs on a real Kafka: afterwards the account is looked for everywhere, and not found."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer
from live_worker import Deployment, Feed, WorkerProcess

from config import TopicRole
from lab.worlds import Scenario, world
from streams.cluster import input_sources
from streams.decode import hash_strings
from streams.erase import EraseError, erase
from streams.hash_key import hash_key
from streams.kafka_client import aiokafka, kafka_python
from streams.shards import STATE_NAME
from streams.snapshots import SnapshotStore
from streams.stages import build_cases, build_shard, meaning_of_state, shards
from streams.wire import decode_report

pytestmark = pytest.mark.broker
SEED = 2
SCENARIO = Scenario(120, 26, {}, {"swarm": 1, "ring": 1})
MIDDLE = 0.8
INTERNAL = (TopicRole.EXCHANGE, TopicRole.FINDINGS)
SENT = (TopicRole.VOTES, TopicRole.REPLIES)


class Wanted:
    """An account that is looked for: by its id, and by its hash as columns and messages hold it."""

    def __init__(self, deployment: Deployment, account_id: str) -> None:
        number = int(hash_strings([account_id], hash_key(deployment.settings.intake))[0])
        self.account_id = account_id
        self._marks = {
            "id": account_id.encode(),
            "hash": number.to_bytes(8, "little"),
            "hash in a message": msgspec.msgpack.encode(number),
            "hash in words": str(number).encode(),
        }

    def marks_in(self, held: bytes) -> list[str]:
        return [name for name, mark in self._marks.items() if mark in held]


def plain(record: Any, role: TopicRole) -> bytes:
    """Return a record's bytes, and what is packed in them."""
    value: bytes = record.value or b""
    if role is TopicRole.FINDINGS and value[:1] == b"\x03":
        return msgspec.msgpack.encode(decode_report(value))
    return b"\n".join([record.key or b"", value, *(header or b"" for _, header in record.headers)])


def states(deployment: Deployment) -> Iterator[tuple[str, Any, Any]]:
    """Yield each snapshot's name and state, and what a restart makes of it."""
    settings, sources = deployment.settings, list(input_sources(deployment.settings).values())
    topic, cases = settings.topics.name(TopicRole.STATE), shards(settings)
    for number in range(cases + 1):
        stage = STATE_NAME if number < cases else "cases"
        outbox: Any = None  # nothing is written
        store = SnapshotStore(outbox, aiokafka(settings.kafka), topic, stage, number, meaning_of_state(settings))
        snapshot = asyncio.run(store.read())
        if snapshot is not None:
            machine = build_shard(number, settings, sources) if number < cases else build_cases(settings, "live")
            machine.restore(snapshot.state)
            yield f"{stage}/{number}", snapshot.state, machine


def manifests(deployment: Deployment) -> int:
    """Return how many snapshots the state topic holds that are not removed."""
    live: dict[tuple[int, bytes], None] = {}
    for record in deployment.records(TopicRole.STATE):
        if record.value is None:
            live.pop((record.partition, record.key), None)
        else:
            live[record.partition, record.key] = None
    return sum(key.endswith(b"manifest") for _, key in live)


def places(deployment: Deployment, worker: WorkerProcess) -> dict[str, bytes]:
    """Return what is held everywhere, the input topics and what was sent to moderators before left out."""
    held: dict[str, bytes] = {"log": worker.log().encode(), "metrics": worker.get("/metrics")[1].encode()}
    for role in (*INTERNAL, TopicRole.ALERTS, TopicRole.INTEGRITY, TopicRole.DEAD_LETTER):
        held[role] = b"\n".join(plain(record, role) for record in deployment.records(role))
    for name, state, machine in states(deployment):
        held[f"snapshot {name}"] = msgspec.msgpack.encode(state)
        held[f"memory {name}"] = pickle.dumps(machine)
    return held


def found(held: dict[str, bytes], *wanted: Wanted) -> set[str]:
    """Return where accounts stand, as "hash in exchange"."""
    return {f"{mark} in {place}" for one in wanted for place, it in held.items() for mark in one.marks_in(it)}


def last_items(deployment: Deployment) -> dict[str, list[dict[str, Any]]]:
    """Return the parts of the last revision of each case's items."""
    last: dict[str, list[dict[str, Any]]] = {}
    for item in deployment.items().values():
        parts = last.setdefault(item["case_id"], [])
        if parts and parts[0]["revision"] < item["revision"]:
            parts.clear()
        if not parts or parts[0]["revision"] == item["revision"]:
            parts.append(item)
    return last


def named(deployment: Deployment, reason: str) -> set[str]:
    items = [item for parts in last_items(deployment).values() for item in parts]
    return {one["account_id"] for item in items for one in item["accounts"] if reason in one["reasons"]}


def told(deployment: Deployment) -> set[str]:
    """Return whom the last revisions name or clear."""
    items = [item for parts in last_items(deployment).values() for item in parts]
    accounts = {one["account_id"] for item in items for one in item["accounts"]}
    return accounts | {account_id for item in items for account_id in item["cleared"]}


def disputed(deployment: Deployment, account_id: str) -> None:
    """Decide on an account, so that decisions name it too."""
    parts = next(parts for parts in last_items(deployment).values() for item in parts if account_id in str(item["accounts"]))
    about = {"case_id": parts[0]["case_id"], "decision": "disputed", "by": "anna", "ts": 1, "account_ids": [account_id]}
    with KafkaProducer(**kafka_python(deployment.settings.kafka)) as producer:
        producer.send(deployment.topic(TopicRole.VERDICTS), key=b"k", value=msgspec.json.encode(about))
        producer.flush()


def counts(lines: Sequence[bytes]) -> dict[str, dict[str, int]]:
    """Count the last vote of each account in each poll."""
    votes: dict[tuple[str, str], tuple[int, str]] = {}
    for event in map(json.loads, lines):
        if event["type"] == "vote":
            key = event["poll_id"], event["account_id"]
            votes[key] = max(votes.get(key, (0, "")), (event["ts"], event["option"]))
    polls: dict[str, dict[str, int]] = {}
    for (poll_id, _), (_, option) in votes.items():
        options = polls.setdefault(poll_id, {})
        options[option] = options.get(option, 0) + 1
    return polls


@pytest.fixture
def deployment(kafka: str, topic_prefix: str, tmp_path: Path) -> Deployment:
    return Deployment(kafka, topic_prefix, tmp_path).create_topics()


def test_an_erased_account_is_found_nowhere_and_what_was_counted_stays_counted(deployment: Deployment) -> None:
    print(f"seed {SEED}")
    made = world(SCENARIO, SEED)
    acting = made.labels["accounts"]
    # a third of the people is enough to hide among
    events = [event for n, event in enumerate(made.events) if event["account_id"] in acting or n % 3 == 0]
    lines = [msgspec.json.encode(event) for event in events]
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        feed = Feed(deployment, lines)
        feed.send(MIDDLE)
        deployment.wait_until_settled(worker)
        copied, met = (sorted(named(deployment, reason)) for reason in ("copied_text", "lockstep"))
        copier, meeter = Wanted(deployment, copied[0]), Wanted(deployment, met[0])
        there = found(places(deployment, worker), copier)
        assert {"id in exchange", "hash in exchange", "id in findings", "id in snapshot cases/4", "id in memory cases/4"} <= there
        assert {"id in snapshot polls/3", "hash in snapshot polls/3", "hash in memory polls/3"} <= there
        disputed(deployment, copier.account_id)
        deployment.wait_until_settled(worker)
        said: list[str] = []
        erase(deployment.settings, copier.account_id, 60.0, said.append)
        assert found(places(deployment, worker), copier) == set(), "\n".join(said)
        assert manifests(deployment) == shards(deployment.settings) + 1, "older snapshots are removed"
        assert copier.account_id not in told(deployment)
        assert set(copied[1:]) <= named(deployment, "copied_text"), "the others are still named"

        feed.leave_out([copier.account_id])
        feed.send(1)
        deployment.wait_until_settled(worker)
        assert {"id in snapshot cases/4", "hash in snapshot polls/3"} <= found(places(deployment, worker), meeter)
        erase(deployment.settings, meeter.account_id, 60.0, said.append)
        assert found(places(deployment, worker), copier, meeter) == set()
        assert told(deployment).isdisjoint([copier.account_id, meeter.account_id])
        assert not [line for line in said if copier.account_id in line or meeter.account_id in line]
        worker.stop()
    assert {poll_id: of["options"] for poll_id, of in deployment.estimates().items()} == counts(feed.lines)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        assert "with state" in worker.log(), "what was deleted is not needed"
        assert found(places(deployment, worker), copier, meeter) == set()
        worker.stop()
    inputs = b"\n".join(record.value or b"" for role in SENT for record in deployment.records(role))
    assert all(account.marks_in(inputs) for account in (copier, meeter)), "the inputs keep what was sent"


def test_without_a_worker_it_says_what_is_missing(deployment: Deployment) -> None:
    with pytest.raises(EraseError, match=r"not within 1 s: .*exchange/0 at 0 of 1.*see that workers of group .* run"):
        erase(deployment.settings, "somebody", 1.0, lambda _: None)
    with pytest.raises(EraseError, match="1 to 128 characters"):
        erase(deployment.settings, "x" * 129, 1.0, lambda _: None)
