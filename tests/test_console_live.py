"""`pollwatch console` as a process, on a real Kafka that comes late, goes away and comes back; and how it starts and ends."""

from __future__ import annotations

import json
import logging
import signal
import socket
from pathlib import Path

import pytest
from console_process import running
from console_records import Record, alert, case_id, item, surge, title
from console_site import TOKEN
from kafka import KafkaProducer
from live_worker import Deployment

from config import TopicRole
from streams.__main__ import FAILED, WRONG_USE, main
from streams.broker import EmbeddedKafka
from streams.kafka_client import kafka_python
from streams.topics import admin_client


def send(deployment: Deployment, *records: Record) -> None:
    producer = KafkaProducer(**kafka_python(deployment.settings.kafka))
    for role, value in records:
        producer.send(deployment.topic(role), value, key=b"some key")
    producer.flush(timeout=30)
    producer.close()


@pytest.mark.broker
def test_a_console_outlives_kafka_and_what_is_decided_in_it_is_in_the_topic(tmp_path: Path, embedded_kafka_at_hand: None) -> None:
    with EmbeddedKafka(tmp_path / "kafka") as broker:
        deployment = Deployment(broker.bootstrap_servers, "", tmp_path)
        with running(deployment.environ, tmp_path) as console:
            console.shows("/", "no topic pollwatch.alerts: create it with `pollwatch topics`")
            deployment.create_topics()
            send(deployment, alert(1), item(1), *surge("p", 1), title("p", "The peace plan"), (TopicRole.ALERTS, b"\xff"))
            console.shows("/", "The peace plan")
            console.shows("/", "Up to date")
            assert "1 record could not be read" in console.get("/")
            page = f"/cases/{case_id(1)}"
            assert console.get(page).count("<svg") == 5

            csrf = console.visitor.sign_in(TOKEN)
            assert "Decided." in console.get(
                "/decisions", {"csrf": csrf, "case": case_id(1), "decision": "confirmed", "note": "seen"}
            )
            [record] = deployment.records(TopicRole.VERDICTS)
            assert record.key == case_id(1).encode()
            value = json.loads(record.value)
            assert value.pop("ts") > 1_700_000_000_000
            assert value == {"case_id": case_id(1), "decision": "confirmed", "by": "Ann", "account_ids": None, "note": "seen"}
            console.shows(page, "<strong>confirmed</strong> by Ann")
            with admin_client(kafka_python(deployment.settings.kafka)) as admin:
                assert list(admin.list_groups()) == [], "a console is in no group"

            broker.stop()
            console.shows("/", "Not live")
            assert "The peace plan" in console.get("/")
            assert '"ok": true' in console.get("/healthz")
            broker.start()
            send(deployment, alert(2, poll="q"), title("q", "The other poll"))
            console.shows("/", "The other poll")
            console.shows("/", "Up to date")
            console.process.send_signal(signal.SIGINT)
            assert console.process.wait(15) == 0
            assert "Traceback" not in console.log.read_text()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    # what the command sets up for its log must not outlive the test
    monkeypatch.setattr(logging.root, "handlers", [])
    return monkeypatch


def test_a_token_file_that_can_t_be_used_is_one_line(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "token"
    short.write_text("hunter2\n")
    for path, what in ((short, "has 7 characters"), (tmp_path / "none", "cannot be read (No such file or directory)")):
        environment.setenv("POLLWATCH_CONSOLE_TOKEN_FILE", str(path))
        assert main(["console"]) == WRONG_USE
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith(f"pollwatch: console.token_file: {path} {what}; ")
        assert "hunter2" not in said
        assert main(["check-config"]) == FAILED
        assert what in capsys.readouterr().err


def test_an_address_that_is_taken_is_one_line(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment.setenv("POLLWATCH_CONSOLE_PORT", str(port))
        assert main(["console"]) == FAILED
    [said] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("pollwatch: ")]
    assert said.startswith(
        f"pollwatch: CannotListen: cannot listen on 127.0.0.1:{port} (Address already in use): change console.host"
    )
