"""Workers on a real Kafka that are sent back, and what they say then."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from live_worker import Deployment, Feed, WorkerProcess, wait_until
from recorded_traffic import recording, write

from benchmarks.ending import differences, of_scan, of_topics
from config import TopicRole
from streams.kafka_client import kafka_python
from streams.reprocess import Offsets, reprocess
from streams.reprocess_plan import ReprocessError, from_offsets, from_start, from_time
from streams.scan import scan
from streams.topics import admin_client

pytestmark = pytest.mark.broker
SEED = 20231105
LINES = recording(SEED, polls=6, minutes=15, flood=600)
ALL = Offsets(lambda places, _: from_start(places))
STATE_OF_NOTHING = 5
"""Snapshots of four shards and the cases."""


@pytest.fixture
def deployment(kafka: str, topic_prefix: str, tmp_path: Path) -> Deployment:
    return Deployment(kafka, topic_prefix, tmp_path).create_topics()


def send_back(deployment: Deployment, asked: Offsets = ALL, dry_run: bool = False) -> str:
    said: list[str] = []
    asyncio.run(reprocess(deployment.settings, asked, dry_run, said.append))
    return "\n".join(said)


def run_a_worker(deployment: Deployment) -> None:
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        deployment.wait_until_settled(worker)
        worker.stop()


def test_from_the_start_the_same_is_said_again_under_the_same_ids_even_if_killed_in_between(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(deployment, LINES)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        feed.send(1)
        with pytest.raises(ReprocessError, match=f"group {deployment.group} has members: .* at 127.0.0.1: stop them first"):
            send_back(deployment)
        deployment.wait_until_settled(worker)
        worker.stop()
    expected = deployment.ending()
    assert len(expected.alerts) > 3
    assert "Nothing was changed" in send_back(deployment, dry_run=True)
    assert deployment.lag() == {}, "a dry run set an offset"

    with monkeypatch.context() as patched:
        patched.setattr("streams.reprocess._write_empty_state", killed)
        with pytest.raises(KeyboardInterrupt):
            send_back(deployment)
    assert_no_worker_begins(deployment)
    assert "All that ever came is read" in send_back(deployment)
    read_before = sum(len(deployment.records(role)) for role in (TopicRole.VOTES, TopicRole.REPLIES))
    assert sum(deployment.lag().values()) == read_before, "all of the inputs is to be read, and nothing else"

    run_a_worker(deployment)
    found = deployment.ending()
    assert differences(expected, found) == []
    assert found.repeats >= len(expected.alerts), "it was not done again"
    assert deployment.lag() == {}


def assert_no_worker_begins(deployment: Deployment) -> None:
    assert manifests(deployment) == []
    with WorkerProcess(deployment) as worker:
        wait_until(lambda: worker.exit_code is not None, "the worker gives up")
        assert worker.exit_code != 0
        assert "run pollwatch reprocess" in worker.log()
    wait_until(lambda: not members(deployment), "the group empty")


def test_from_a_time_only_what_came_later_is_counted(deployment: Deployment, tmp_path: Path) -> None:
    feed = Feed(deployment, LINES)
    feed.send(0.5)
    half_ms = max(record.timestamp for role in (TopicRole.VOTES, TopicRole.REPLIES) for record in deployment.records(role))
    wait_until(lambda: time.time() * 1000 > half_ms + 1, "a later millisecond")
    feed.send(1)
    run_a_worker(deployment)
    whole = deployment.estimates()

    said = send_back(deployment, Offsets(from_time, half_ms + 1))
    assert "Earlier votes are no longer counted" in said
    run_a_worker(deployment)

    path = write(tmp_path / "second.jsonl", LINES[round(len(LINES) * 0.5) :])
    scan([path], deployment.settings, tmp_path / "out", False, lambda _: None)
    later = of_scan(tmp_path / "out").estimates
    found = of_topics(deployment).estimates
    assert len(later) > 1
    assert {poll: found[poll]["options"] for poll in later} == {poll: later[poll]["options"] for poll in later}
    assert sum(each["votes"] for each in found.values()) < sum(each["votes"] for each in whole.values())
    assert deployment.lag() == {}


def test_offsets_are_set_as_asked_and_the_others_stay(deployment: Deployment) -> None:
    Feed(deployment, LINES).send(0.3)
    send_back(deployment, Offsets(lambda places, _: from_offsets(places, {place.name: place.end for place in places})))
    before = deployment.committed(TopicRole.VOTES), deployment.committed(TopicRole.REPLIES)
    name = f"{deployment.topic(TopicRole.VOTES)}/1"
    send_back(deployment, Offsets(lambda places, _: from_offsets(places, {name: 40})))
    lag = deployment.lag()
    assert set(lag) == {name}
    assert deployment.committed(TopicRole.VOTES) == before[0] - lag[name]
    assert deployment.committed(TopicRole.REPLIES) == before[1]
    assert len(manifests(deployment)) == STATE_OF_NOTHING


def test_with_other_partitions_than_the_topics_have_nothing_is_changed(deployment: Deployment, tmp_path: Path) -> None:
    others = Deployment(deployment.bootstrap, deployment.prefix, tmp_path, partitions=deployment.partitions + 1)
    with pytest.raises(ReprocessError, match="must be what the topics were made with"):
        send_back(others)
    assert manifests(deployment) == []
    assert deployment.committed(TopicRole.VOTES) == 0


async def killed(*_: object) -> None:
    raise KeyboardInterrupt


def manifests(deployment: Deployment) -> list[bytes]:
    """Return the keys of the manifests that a compaction would keep."""
    live = {record.key: record.value for record in deployment.records(TopicRole.STATE)}
    return [key for key, value in live.items() if value is not None and key.endswith(b"/manifest")]


def members(deployment: Deployment) -> list[str]:
    with admin_client(kafka_python(deployment.settings.kafka)) as admin:
        return admin.describe_groups([deployment.group])[deployment.group]["members"]  # type: ignore[no-any-return]
