"""Replay against a real Kafka: what arrives where, when, and what is said when it cannot."""

import gzip
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from config import Settings, TopicRole, with_overrides
from streams.control import Control, parse_control
from streams.decode import Kind
from streams.placing import place
from streams.recording import RecordingError
from streams.replay import AS_FAST_AS_POSSIBLE, replay
from streams.replay_sender import ReplayError
from streams.stages import build_decoder

TS = 1_664_820_000_000
PARTITIONS = {Kind.VOTE: 3, Kind.REPLY: 2}
ROLES = {Kind.VOTE: TopicRole.VOTES, Kind.REPLY: TopicRole.REPLIES}
WINDOW_MS = Settings().rate.window_ms
pytestmark = pytest.mark.broker


@dataclass(frozen=True)
class Sent:
    """One record as a consumer finds it."""

    key: bytes | None
    value: bytes | None
    control: Control | None


@pytest.fixture
def settings(kafka: str, topic_prefix: str) -> Settings:
    made = with_overrides(Settings(), kafka={"bootstrap_servers": kafka}, topics={"prefix": topic_prefix})
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    wide = {"max.message.bytes": "4000000"}
    admin.create_topics(
        [
            NewTopic(made.topics.name(ROLES[kind]), count, 1, topic_configs=wide)
            for kind, count in PARTITIONS.items()
        ]
    )
    admin.close()
    return made


def line(number: int, ts_ms: int = TS, kind: str = "vote", **more: Any) -> bytes:
    said = "option" if kind == "vote" else "text"
    fields = {
        "type": kind,
        "event_id": f"e{number}",
        "poll_id": "p",
        "account_id": f"a{number % 17}",
        "ts": ts_ms,
    }
    return json.dumps({**fields, said: "yes", **more}).encode()


def written(folder: Path, lines: list[bytes]) -> Path:
    path = folder / "recording.jsonl"
    path.write_bytes(b"\n".join(lines))
    return path


def nobody(lines: int, total: int) -> None:
    """Look away."""


def arrived(settings: Settings) -> dict[tuple[Kind, int], list[Sent]]:
    """Read both topics from their beginnings to their ends."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka.bootstrap_servers)
    found = {}
    for kind, count in PARTITIONS.items():
        for number in range(count):
            tp = TopicPartition(settings.topics.name(ROLES[kind]), number)
            found[(kind, number)] = _read(consumer, tp)
    consumer.close()
    return found


def _read(consumer: Any, tp: TopicPartition) -> list[Sent]:
    consumer.assign([tp])
    consumer.seek_to_beginning(tp)
    end, deadline = consumer.end_offsets([tp])[tp], time.monotonic() + 30
    records: list[Sent] = []
    while consumer.position(tp) < end:
        assert time.monotonic() < deadline, f"{tp} not read to {end} in time"
        for record in consumer.poll(timeout_ms=500).get(tp, []):
            records.append(Sent(record.key, record.value, parse_control(record.headers)))
    return records


def test_every_line_arrives_unchanged_in_order_where_placing_says(settings: Settings, tmp_path: Path) -> None:
    rng = random.Random(1)
    lines = [line(n, TS + 10 * n + rng.randrange(500), rng.choice(["vote", "reply"])) for n in range(3_000)]
    lines[7] = b"not json \xff"
    lines[8] = line(8).replace(b'"vote"', b'"like"')
    lines[9] = b"  " + line(9, text="\u202e") + b" "
    summary = replay(written(tmp_path, lines), settings, AS_FAST_AS_POSSIBLE, rebase=False, progress=nobody)

    decoder = build_decoder(settings)
    decoded = decoder.recording(lines)
    placed = place(lines, decoded, decoder, *PARTITIONS.values())
    for (kind, number), records in arrived(settings).items():
        here = np.flatnonzero((placed.kind == kind) & (placed.partition == number))
        between = records[1:-1]
        assert [record.value for record in between] == [lines[at] for at in here]
        assert [record.key for record in between] == [
            None if at in (7, 8) else json.loads(lines[at])["account_id"].encode() for at in here
        ]
    assert (summary.lines, summary.refused, summary.too_large) == (3_000, 2, 0)
    assert summary.replies == np.count_nonzero(placed.kind == Kind.REPLY)
    assert summary.votes + summary.replies == 3_000
    assert summary.out_of_time == 2_998, "years ago, and intake takes 30 days"


def test_a_control_record_stands_before_and_after_the_lines_of_every_partition(
    settings: Settings, tmp_path: Path
) -> None:
    lines = [line(1, TS + 5_000), line(2, TS + 1_000), line(3, TS + WINDOW_MS)]
    replay(written(tmp_path, lines), settings, AS_FAST_AS_POSSIBLE, rebase=False, progress=nobody)
    last_ms = ((TS + WINDOW_MS) // WINDOW_MS + 1) * WINDOW_MS
    for records in arrived(settings).values():
        controls = [records[0].control, records[-1].control]
        assert controls == [Control(TS + 1_000 - 10_000, end=False), Control(last_ms, end=True)]
        assert all(record.control is None and record.value for record in records[1:-1])


def test_rebased_lines_begin_now_and_are_otherwise_unchanged(settings: Settings, tmp_path: Path) -> None:
    lines = [line(n, TS + 1_000 * n, text='"ts": 5') for n in range(100)]
    before_ms = time.time_ns() // 1_000_000
    summary = replay(written(tmp_path, lines), settings, AS_FAST_AS_POSSIBLE, rebase=True, progress=nobody)
    after_ms = time.time_ns() // 1_000_000
    found = {record.value for records in arrived(settings).values() for record in records if record.value}
    times_ms = sorted(json.loads(value)["ts"] for value in found)
    assert before_ms - 2_000 <= times_ms[0] <= after_ms
    assert np.diff(times_ms).tolist() == [1_000] * 99
    assert {value.replace(str(json.loads(value)["ts"]).encode(), b"?") for value in found} == {
        text.replace(str(json.loads(text)["ts"]).encode(), b"?") for text in lines
    }
    assert summary.out_of_time == 0
    (first, last) = (arrived(settings)[(Kind.VOTE, 0)][at].control for at in (0, -1))
    assert first is not None
    assert last is not None
    assert first.watermark_ms == times_ms[0] - 10_000
    assert 0 < last.watermark_ms - times_ms[-1] <= WINDOW_MS


@pytest.mark.parametrize(("speed", "least_s"), [(4.0, 0.45), (1.0, 1.85)])
def test_lines_are_sent_at_the_pace_they_were_recorded(
    settings: Settings, tmp_path: Path, speed: float, least_s: float
) -> None:
    lines = [line(n, TS + 100 * n) for n in range(22)]
    told: list[tuple[float, int]] = []
    began_s = time.monotonic()
    summary = replay(
        written(tmp_path, lines),
        settings,
        speed,
        False,
        lambda sent, total: told.append((time.monotonic(), sent)),
    )
    assert summary.seconds >= least_s
    assert summary.seconds < least_s + 3
    assert all(sent - 3 <= (at_s - began_s) * 10 * speed for at_s, sent in told), (
        "never ahead of the recording"
    )
    assert told[-1][1] == 22


def test_lines_too_large_for_kafka_are_counted_and_cost_no_other_line(
    settings: Settings, tmp_path: Path
) -> None:
    lines = [line(1), line(2, x="x" * 2_000_000), line(3, x="x" * 5_000_000), line(4)]
    summary = replay(written(tmp_path, lines), settings, AS_FAST_AS_POSSIBLE, rebase=False, progress=nobody)
    sizes = sorted(
        len(record.value) for records in arrived(settings).values() for record in records if record.value
    )
    assert summary.too_large == 1
    assert summary.lines == 4
    assert sizes == sorted(len(text) for text in lines)[:3]


def test_a_cut_off_recording_is_sent_as_far_as_it_goes_and_ended(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(_gzip_cut([line(n) for n in range(5_000)]))
    with pytest.raises(RecordingError, match="cut off"):
        replay(path, settings, AS_FAST_AS_POSSIBLE, rebase=False, progress=nobody)
    found = arrived(settings)
    assert sum(record.value is not None for records in found.values() for record in records) > 1_000
    assert all(records[-1].control and records[-1].control.end for records in found.values())


def _gzip_cut(lines: list[bytes]) -> bytes:
    whole = gzip.compress(b"\n".join(lines))
    return whole[: len(whole) // 2]


def test_a_recording_without_one_good_line_is_sent_and_ended(settings: Settings, tmp_path: Path) -> None:
    summary = replay(written(tmp_path, [b"a", b"b"]), settings, 1.0, rebase=True, progress=nobody)
    assert (summary.lines, summary.refused) == (2, 2)
    found = arrived(settings)
    assert sorted(record.value for records in found.values() for record in records if record.value) == [
        b"a",
        b"b",
    ]
    assert all(records[-1].control == Control(WINDOW_MS, end=True) for records in found.values())


def error_of(run: Callable[[], object]) -> str:
    with pytest.raises(ReplayError) as caught:
        run()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_topic_is_an_error_that_says_what_to_do(
    kafka: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.replay_sender._WAIT_MS", 1_000)
    made = with_overrides(Settings(), kafka={"bootstrap_servers": kafka}, topics={"prefix": topic_prefix})
    message = error_of(lambda: replay(written(tmp_path, [line(1)]), made, 1.0, False, nobody))
    assert message == f"no topic {topic_prefix}poll.votes: create it with `pollwatch topics`"


def test_a_file_that_cannot_be_read_at_all_leaves_kafka_alone(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none.jsonl: no such file$"):
        replay(tmp_path / "none.jsonl", settings, 1.0, False, nobody)
    assert not any(arrived(settings).values())


COMMAND = """
import argparse, os, sys
from config import load
from streams.commands import replay
parser = argparse.ArgumentParser()
replay.arguments(parser)
sys.exit(replay.run(parser.parse_args(), load(None, os.environ)))
"""


def command(*arguments: str, servers: str, prefix: str = "") -> subprocess.CompletedProcess[str]:
    names = {"KAFKA_BOOTSTRAP_SERVERS": servers, "POLLWATCH_TOPICS_PREFIX": prefix}
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        env={**os.environ, **names},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_says_what_it_sent(settings: Settings, tmp_path: Path) -> None:
    path = written(tmp_path, [line(n) for n in range(10)])
    done = command(
        str(path), "--speed", "max", servers=settings.kafka.bootstrap_servers, prefix=settings.topics.prefix
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("10 lines in ")
    assert "10 of 10 lines sent" in done.stderr
    assert sum(record.value is not None for records in arrived(settings).values() for record in records) == 10


def test_a_broker_that_is_not_there_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        done = command(str(written(tmp_path, [line(1)])), servers=address)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        f"no answer from Kafka at {address}: start it or set kafka.bootstrap_servers"
    )
