"""The benchmark measures what it says: small runs on a real Kafka, and the sums done by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest

from benchmarks.cluster import cluster, create_topics
from benchmarks.latency import latencies
from benchmarks.load import load
from benchmarks.memory import measure
from benchmarks.overload import Sample, median_speed, sample
from benchmarks.promises import Verdict, judge_memory
from benchmarks.recording import Traffic, encode_replies, encode_votes, record
from benchmarks.runs import POLLWATCH
from benchmarks.scan_speed import repeat
from benchmarks.throughput import FAUST, GETMANY, Race
from benchmarks.weights import weigh
from streams.metric_labels import EventType, Stage
from streams.metrics import Metrics

SMALL = Traffic(votes=4_000, replies=20, polls=10, accounts=3_000, minutes=20)


@pytest.mark.broker
def test_all_three_contestants_work_through_the_recording(
    kafka: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka)
    recording = record(SMALL)
    with cluster(partitions=2) as where:
        create_topics(where.settings("load"))
        assert load(recording, where.settings("load"), None).records == 4_020
        runs = Race(where, recording, 1_000, tmp_path).rounds(1, lambda run: None)
    assert [(run.contestant, run.votes) for run in runs] == [(FAUST, 1_000), (POLLWATCH, 4_000), (GETMANY, 4_000)]
    assert all(run.usage.seconds > 0 and run.peak_rss_bytes > 10**7 for run in runs)
    # so few votes are less than a tick of the clock to the last one
    assert all(run.usage.process_cpu_s > 0 for run in runs[:2])


@pytest.mark.broker
def test_a_worker_is_weighed_part_by_part_and_another_one_stands_in_for_it(
    kafka: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka)
    recording = record(SMALL)
    with cluster(partitions=2) as where:
        create_topics(where.settings("load"))
        load(recording, where.settings("load"), None)
        found = measure(where, recording, tmp_path)
    weights = found.weights
    assert (found.votes, found.replies, found.polls) == (4_000, 20, 10)
    assert weights.entries["voters"] == 2 * recording.standing_votes()
    assert weights.parts["shards of polls: tally"] > 36 * recording.standing_votes()
    assert sum(weights.parts.values()) < weights.rss <= weights.peak_rss
    assert weights.snapshot_bytes > 30 * recording.standing_votes()
    assert found.restored_peak_bytes > found.empty_rss_bytes / 2 > 10**7
    assert [verdict.reached for verdict in judge_memory(found)] == [False, True, True]


def test_what_is_held_is_weighed_once_with_all_that_it_refers_to() -> None:
    column = np.zeros(1_000_000, np.uint8)
    seen: set[int] = set()
    assert 10**6 < weigh({"whole": column, "part": column[10:]}, seen) < 10**6 + 2_000
    assert weigh([column], seen) < 200
    assert 10**6 < weigh(np.frombuffer(bytes(10**6), np.int64), set()) < 10**6 + 500


def test_equal_traffic_is_an_equal_recording_of_valid_votes() -> None:
    recording = record(SMALL)
    lines = [line for _, part in encode_votes(recording) for line in part]
    assert lines == [line for _, part in encode_votes(record(SMALL)) for line in part]
    votes = [json.loads(line) for line in lines]
    assert len({vote["event_id"] for vote in votes}) == 4_000
    replies = [json.loads(line) for line in encode_replies(recording)]
    assert encode_replies(recording) == encode_replies(record(SMALL))
    assert sum(reply["text"] == "No." for reply in replies) == 13
    assert len({reply["text"] for reply in replies}) == 8
    assert len({(vote["poll_id"], vote["account_id"]) for vote in votes}) == recording.standing_votes() < 4_000


def test_latency_counts_from_the_last_vote_before_the_alert_and_at_most_from_the_first_of_its_tick() -> None:
    votes = {"poll-10000": [(700, 705), (1_010, 1_015), (1_200, 1_210), (1_300, 1_305)]}
    alerts = [(2_500, {"poll_ids": ["poll-10000"], "revision": 1, "updated_ms": 1_250})]
    assert latencies(alerts, votes, 0, 250) == ([1.29], [1.485])
    assert latencies(alerts, votes, 1_251, 250) == ([], [])


@pytest.mark.parametrize(("found", "at_most", "reached"), [(12, False, True), (11.9, False, False), (11.9, True, True)])
def test_a_promise_is_kept_or_it_is_not(found: float, at_most: bool, reached: bool) -> None:
    assert Verdict("it", found, 12, 15, at_most).reached is reached


def test_a_promise_without_a_measurement_is_not_kept() -> None:
    assert not Verdict("it", float("nan"), 2, 2, at_most=True).reached
    assert not Verdict("it", float("nan"), 2, 2).reached


def test_a_repeated_recording_has_other_ids_and_later_times_in_each_copy(tmp_path: Path) -> None:
    event = {"event_id": "e", "poll_id": "p", "account_id": "a", "ts": 60_000}
    (tmp_path / "one.jsonl").write_text(json.dumps(event) + "\n")
    assert repeat(tmp_path / "one.jsonl", 3, tmp_path / "many.jsonl") == 3
    copies = [json.loads(line) for line in (tmp_path / "many.jsonl").read_text().splitlines()]
    assert [copy["event_id"] for copy in copies] == ["e-0", "e-1", "e-2"]
    assert [copy["ts"] for copy in copies] == [60_000, 180_000, 300_000]


def test_how_a_worker_stands_under_load_is_read_from_its_metrics() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.events_received.labels(EventType.VOTE).inc(7)
    metrics.behind.labels(Stage.INTAKE).set(2.5)
    metrics.behind.labels(Stage.POLLS).set(0.5)
    metrics.shedding.set(1)
    metrics.events_unwatched.inc(3)
    page = generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    assert sample(page, 4.0, 99) == Sample(4.0, 7, 2.5, 0.5, 99, True, 3)


def test_the_speed_of_a_worker_is_that_of_seconds_in_which_votes_wait() -> None:
    def at(at_s: float, votes: float, behind_s: float, sheds: bool) -> Sample:
        return Sample(at_s, votes, behind_s, 0.0, 1, sheds, 0)

    samples = [at(1, 0, 0, False), at(2, 9, 5, False), at(3, 19, 6, False), at(4, 29, 6, True), at(6, 69, 7, True), at(7, 169, 7, True)]
    assert (median_speed(samples, False, 99), median_speed(samples, True, 6.5)) == (10, 20)
