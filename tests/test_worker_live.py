"""The worker on a real Kafka against a scan of the same recording: whatever happens on the way, they end alike."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from live_worker import PATIENCE_S, Deployment, Feed, WorkerProcess, wait_until
from recorded_traffic import recording, write

from benchmarks.ending import Ending, differences, of_scan
from config import Settings, TopicRole
from lab.worlds import SCENARIOS, world
from streams.replay import AS_FAST_AS_POSSIBLE, replay
from streams.scan import Summary, scan

pytestmark = pytest.mark.broker
SEED = 20221003
WORLD = Path(__file__).resolve().parents[2] / "shared" / "data" / "world" / "recording.jsonl.gz"


@dataclass(frozen=True)
class Scanned:
    """What a scan found."""

    lines: list[bytes]
    path: Path
    ending: Ending
    summary: Summary


def scanned(path: Path, out: Path, settings: Settings, lines: list[bytes]) -> Scanned:
    summary = scan([path], settings, out, False, lambda _: None)
    return Scanned(lines, path, of_scan(out), summary)


@pytest.fixture
def deployment(kafka: str, topic_prefix: str, tmp_path: Path) -> Deployment:
    return Deployment(kafka, topic_prefix, tmp_path).create_topics()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    """Scan the recording once; how a deployment names its topics decides nothing."""
    return told(tmp_path_factory.mktemp("story"), recording(SEED))


@pytest.fixture(scope="module")
def short_story(tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    """Return a story for what takes one record at a time."""
    return told(tmp_path_factory.mktemp("short-story"), recording(SEED, polls=6, minutes=15, flood=600))


def told(folder: Path, lines: list[bytes]) -> Scanned:
    print(f"seed {SEED}, {len(lines)} lines")
    settings = Deployment("127.0.0.1:1", "", folder).settings
    found = scanned(write(folder / "story.jsonl.gz", lines), folder / "out", settings, lines)
    assert len(found.ending.cases()) >= 2, "the floods opened no case"
    summary = found.summary
    assert min(summary.duplicates, summary.late, summary.rejected, summary.replies) > 10, "nothing to go wrong in it"
    return found


def assert_same_end(deployment: Deployment, expected: Scanned) -> None:
    """Fail unless the topics say in the end what the scan said."""
    assert differences(expected.ending, deployment.ending()) == []


def assert_all_is_committed(deployment: Deployment) -> None:
    assert deployment.lag() == {}, "after a clean stop the committed offset is the end"


def test_stream_and_scan_of_one_recording_end_alike_and_a_restart_adds_nothing(
    deployment: Deployment, story: Scanned
) -> None:
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        replay(story.path, deployment.settings, AS_FAST_AS_POSSIBLE, False, lambda *_: None)
        deployment.wait_until_settled(worker)
        assert_what_operators_see(worker, story)
        worker.stop()
    assert_same_end(deployment, story)
    assert_all_is_committed(deployment)
    said = len(deployment.records(TopicRole.ALERTS))
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        wait_until(lambda: "12 partitions, 5 of them with state" in worker.log(), "state restored")
        worker.stop()
    assert_same_end(deployment, story)
    assert len(deployment.records(TopicRole.ALERTS)) == said


def assert_what_operators_see(worker: WorkerProcess, story: Scanned) -> None:
    assert worker.get("/healthz")[0] == 200
    page = worker.get("/metrics")[1]
    seen, summary = worker.metrics(), story.summary
    assert seen["pollwatch_events_received_total"] == summary.events
    assert seen["pollwatch_events_refused_total"] == seen["pollwatch_dead_letters_total"] == summary.rejected
    assert seen["pollwatch_events_duplicate_total"] == summary.duplicates
    assert seen["pollwatch_events_late_total"] == summary.late
    assert seen["pollwatch_revotes_total"] > 500
    opened = [alert for alert in story.ending.alerts.values() if alert["type"].endswith("opened.v1")]
    assert seen["pollwatch_event_to_alert_seconds_count"] == len(opened)
    assert 0 < seen["pollwatch_event_to_alert_seconds_sum"] < PATIENCE_S * len(opened)
    assert seen["pollwatch_cases_opened_total"] == summary.cases
    assert seen["pollwatch_alerts_emitted_total"] >= len(story.ending.alerts)
    assert seen["pollwatch_snapshots_total"] >= 4
    assert seen["pollwatch_sink_failures_total"] == 0
    assert not re.search(r"poll-\d|\bu\d+\b|\bf\d+\b", page), "an id in a label"


def test_two_workers_tell_the_crowds_and_scripts_of_a_world_apart_as_a_scan_does(
    deployment: Deployment, tmp_path: Path
) -> None:
    lines = [json.dumps(event, ensure_ascii=False).encode() for event in world(SCENARIOS["small"], SEED).events]
    path = write(tmp_path / "world.jsonl.gz", lines)
    expected = scanned(path, tmp_path / "out", deployment.settings, lines)
    verdicts = {alert["data"]["verdict"] for alert in expected.ending.alerts.values()}
    assert verdicts >= {"coordinated", "organic"}, "nothing to tell apart"
    assert len(expected.ending.items) > 3, "nobody is named: this test says less than it should"
    with WorkerProcess(deployment) as one, WorkerProcess(deployment) as other:
        one.wait_until_ready()
        other.wait_until_ready()
        replay(path, deployment.settings, AS_FAST_AS_POSSIBLE, False, lambda *_: None)
        deployment.wait_until_settled(one, other)
        one.stop()
        other.stop()
    assert_same_end(deployment, expected)


@pytest.mark.skipif(not WORLD.exists(), reason="the shared recording is not here")
def test_stream_and_scan_of_the_shared_recording_end_alike(deployment: Deployment, tmp_path: Path) -> None:
    expected = scanned(WORLD, tmp_path / "out", deployment.settings, [])
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        replay(WORLD, deployment.settings, AS_FAST_AS_POSSIBLE, False, lambda *_: None)
        deployment.wait_until_settled(worker)
        worker.stop()
    assert_same_end(deployment, expected)


def test_stock_kafka_gives_the_same_detections(deployment: Deployment, short_story: Scanned) -> None:
    with WorkerProcess(deployment, stock=True) as worker:
        worker.wait_until_ready()
        Feed(deployment, short_story.lines).send(1)
        deployment.wait_until_settled(worker)
        worker.stop()
    assert_same_end(deployment, short_story)


def test_a_worker_killed_in_the_middle_is_followed_by_one_that_ends_alike(deployment: Deployment, story: Scanned) -> None:
    feed = Feed(deployment, story.lines)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        feed.send(0.5)
        wait_until(lambda: deployment.committed(TopicRole.EXCHANGE), "a snapshot, which alone lets the exchange commit")
        wait_until(lambda: deployment.records(TopicRole.ALERTS), "an alert")
        feed.send(0.75)
        wait_until(lambda: worker.metrics()["pollwatch_events_received_total"] > 0.6 * len(story.lines), "more taken in")
        worker.kill()
    assert deployment.lag(), "it had settled everything: nothing was lost that could be missed"
    feed.send(1)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        deployment.wait_until_settled(worker)
        worker.stop()
    assert_same_end(deployment, story)
    assert_all_is_committed(deployment)


def test_before_its_first_snapshot_a_worker_commits_nothing_it_would_need_again(
    kafka: str, topic_prefix: str, tmp_path: Path, story: Scanned
) -> None:
    seldom = {"POLLWATCH_WORKER_SNAPSHOT_EVERY_MS": "3600000"}
    deployment = Deployment(kafka, topic_prefix, tmp_path, more=seldom).create_topics()
    feed = Feed(deployment, story.lines)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        feed.send(0.6)
        wait_until(lambda: deployment.records(TopicRole.ALERTS), "an alert")
        wait_until(lambda: deployment.committed(TopicRole.VOTES), "a commit of what needs no snapshot")
        worker.kill()
    assert deployment.committed(TopicRole.EXCHANGE) == deployment.committed(TopicRole.FINDINGS) == 0
    feed.send(1)
    with WorkerProcess(deployment) as worker:
        worker.wait_until_ready()
        ends = len(deployment.records(TopicRole.VOTES))
        wait_until(lambda: worker.runs() and deployment.committed(TopicRole.VOTES) == ends, "all votes taken in")
        wait_until(lambda: worker.metrics().get("pollwatch_consumer_lag_records") == 0, "all worked on")
        assert deployment.committed(TopicRole.EXCHANGE) == 0
        worker.stop()
    assert_same_end(deployment, story)
    assert_all_is_committed(deployment)


def test_of_two_workers_one_may_leave_in_the_middle(deployment: Deployment, story: Scanned) -> None:
    feed = Feed(deployment, story.lines)
    with WorkerProcess(deployment) as one, WorkerProcess(deployment) as other:
        both = (one, other)
        wait_until(lambda: all("pollwatch_consumer_lag_records" in w.metrics() for w in both), "partitions for both")
        feed.send(0.5)
        wait_until(lambda: deployment.records(TopicRole.ALERTS), "an alert")
        one.stop()
        feed.send(1)
        deployment.wait_until_settled(other)
        other.stop()
    assert_same_end(deployment, story)
    assert_all_is_committed(deployment)
