"""`pollwatch tail` on a real Kafka: which alerts it prints, how, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from streams.alert_line import alert_line, read_alert
from streams.broker import EmbeddedKafka
from streams.tail import REMEMBERED_IDS, Repeats

PROGRAM = """\
import signal, sys
from streams.__main__ import main
# a shell that runs the tests in the background has them ignore Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
"""


def alert(number: int, **more: Any) -> bytes:
    case_id = f"{number:016x}"
    data = {
        "case_id": case_id,
        "revision": 1,
        "poll_ids": ["p"],
        "verdict": "insufficient",
        "severity": "warning",
        "score": 1.234567,
        "opened_ms": 1_700_000_000_000,
        "updated_ms": 1_700_000_000_000,
        "summary": f"Votes rose on poll {number}.",
        "of_a_later_version": 1,
    }
    envelope = {"id": f"{case_id}:1", "type": "pollwatch.alert.opened.v1", "time": "2023-11-14T22:13:20.000Z"}
    return json.dumps(envelope | {"data": data | more}).encode()


class Tail:
    """One run of the command, its output in files."""

    def __init__(self, folder: Path, kafka: str, prefix: str, *arguments: str) -> None:
        self._out, self._err = folder / "out", folder / "err"
        clean = {name: text for name, text in os.environ.items() if not name.startswith(("POLLWATCH_", "KAFKA_"))}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, "tail", *arguments],
                stdout=out,
                stderr=err,
                env=clean | {"KAFKA_BOOTSTRAP_SERVERS": kafka, "POLLWATCH_TOPICS_PREFIX": prefix},
            )

    def lines(self) -> list[str]:
        return self._out.read_text().splitlines()

    def errors(self) -> list[str]:
        return self._err.read_text().splitlines()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline_s, (self.lines(), self.errors())
            time.sleep(0.05)

    def ctrl_c(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(10)


@pytest.fixture
def tail(tmp_path: Path, kafka: str, topic_prefix: str) -> Iterator[Callable[..., Tail]]:
    started: list[Tail] = []

    def begin(*arguments: str) -> Tail:
        started.append(Tail(tmp_path, kafka, topic_prefix, *arguments))
        return started[-1]

    yield begin
    for each in started:
        each.process.kill()
        each.process.wait()


@pytest.fixture
def send(kafka: str, topic_prefix: str) -> Iterator[Callable[[bytes], None]]:
    topic = f"{topic_prefix}pollwatch.alerts"
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics([NewTopic(topic, 2, 1)])
    admin.wait_for_topics((topic,))
    admin.close()
    producer = KafkaProducer(bootstrap_servers=kafka)
    yield lambda value: producer.send(topic, value).get(10)
    producer.close()


@pytest.mark.broker
def test_every_alert_is_one_line_once_and_ctrl_c_is_the_normal_end(
    tail: Callable[..., Tail], send: Callable[[bytes], None]
) -> None:
    for value in (alert(1), alert(2), alert(1), b"\xff not json", alert(3)):
        send(value)
    run = tail("--from-start")
    run.wait_for(lambda: len(run.lines()) >= 3)
    send(alert(4, summary="new\x1b[2J\nline \u202e" + "x" * 200))
    run.wait_for(lambda: len(run.lines()) >= 4)
    assert run.ctrl_c() == 0
    assert sorted(line.split("  ")[-1] for line in run.lines()) == [f"{number:016x}:1" for number in (1, 2, 3, 4)]
    shown = next(line for line in run.lines() if "new" in line)
    assert "new\\x1b[2J\\x0aline \\u202e" in shown
    assert "\x1b" not in "".join(run.lines())  # no colour where no terminal is
    # on a busy machine a client may also say that Kafka was slow to answer
    refused = [error for error in run.errors() if " is no alert: " in error]
    assert len(refused) == 1, run.errors()
    assert "pollwatch.alerts/" in refused[0]


@pytest.mark.broker
def test_without_from_start_only_new_alerts_are_shown(tail: Callable[..., Tail], send: Callable[[bytes], None]) -> None:
    send(alert(1))
    run = tail()
    number = 2
    deadline_s = time.monotonic() + 30
    while not run.lines() and time.monotonic() < deadline_s:  # when it begins to listen is not told
        send(alert(number))
        number += 1
        time.sleep(0.2)
    assert run.ctrl_c() == 0
    assert run.lines()
    assert not any(line.endswith(f"{1:016x}:1") for line in run.lines())


@pytest.mark.broker
def test_a_topic_that_is_missing_and_a_cluster_that_is_not_there_are_one_line(
    tail: Callable[..., Tail], tmp_path: Path, topic_prefix: str
) -> None:
    run = tail()
    assert run.process.wait(30) == 1
    assert run.errors() == [
        f"pollwatch: TailError: no topic {topic_prefix}pollwatch.alerts: create it with `pollwatch topics`"
    ]
    absent = Tail(tmp_path, "127.0.0.1:1", topic_prefix)
    assert absent.process.wait(40) == 1
    assert absent.errors() == [
        "pollwatch: TailError: no answer from Kafka at 127.0.0.1:1: start it or set kafka.bootstrap_servers"
    ]


@pytest.mark.broker
def test_a_lost_kafka_is_told_in_one_line_and_the_tail_goes_on_when_it_is_back(
    tmp_path: Path, embedded_kafka_at_hand: None
) -> None:
    with EmbeddedKafka(tmp_path / "kafka") as broker:
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
        admin.create_topics([NewTopic("pollwatch.alerts", 1, 1)])
        admin.wait_for_topics(("pollwatch.alerts",))
        admin.close()
        sent(broker.bootstrap_servers, alert(1))
        run = Tail(tmp_path, broker.bootstrap_servers, "", "--from-start")
        try:
            run.wait_for(lambda: len(run.lines()) == 1)
            broker.stop()
            run.wait_for(lambda: len(run.errors()) == 1)
            assert run.errors()[0].startswith("no connection to Kafka, trying again: ")
            broker.start()
            sent(broker.bootstrap_servers, alert(2))
            run.wait_for(lambda: len(run.lines()) == 2)
            assert len(run.errors()) == 1
            assert run.ctrl_c() == 0
        finally:
            run.process.kill()
            run.process.wait()


def sent(kafka: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka)
    producer.send("pollwatch.alerts", value).get(30)
    producer.close()


def test_the_line_says_what_a_person_on_call_asks_first() -> None:
    line = alert_line(read_alert(alert(7, severity="critical"))).plain
    assert line == (
        "2023-11-14 22:13:20.000Z  critical  opened     insufficient  score 1.23  Votes rose on poll 7.  "
        "0000000000000007:1"
    )


def test_every_text_of_an_alert_is_escaped_in_its_line() -> None:
    nasty = "\x1b]8;;http://x\x07\u202e\n"
    whole = json.loads(alert(1, severity=nasty, verdict=nasty, summary=nasty))
    whole |= {"id": nasty, "type": f"pollwatch.alert.{nasty}.v1", "time": nasty}
    line = alert_line(read_alert(json.dumps(whole).encode())).plain
    assert not set(line) & set(nasty) - set("]8;http:/x")


def test_ids_are_remembered_up_to_a_bound_and_the_oldest_is_forgotten_first() -> None:
    repeats = Repeats()
    assert repeats.is_new("first")
    assert not repeats.is_new("first")
    for number in range(REMEMBERED_IDS - 1):
        assert repeats.is_new(str(number))
    assert not repeats.is_new("first")
    assert repeats.is_new("one too many")
    assert repeats.is_new("first")
    assert len(repeats._ids) == REMEMBERED_IDS
