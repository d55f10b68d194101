"""The one real Kafka that every live test of a run shares, names that keep its tests apart, and a real Chromium."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# how long one example takes says how busy the machine is, nothing about the code
settings.register_profile("pollwatch", deadline=None)
settings.load_profile("pollwatch")


def pytest_configure(config: pytest.Config) -> None:
    # kafka-python 3.0 reads its own schemas in a way that Python 3.11 calls deprecated.
    config.addinivalue_line("filterwarnings", "ignore:(open|read)_text is deprecated:DeprecationWarning")


@contextmanager
def shared_kafka(meeting_place: Path) -> Iterator[str]:
    """Yield the address of the broker shared by all processes that name the same directory.

    The first one starts it; it stops it only when no other holds the lock on `users` any more, which the kernel
    releases for a process that crashed.
    """
    from streams.broker import EmbeddedKafka  # after pytest_configure: importing kafka-python warns

    address = meeting_place / "kafka-address"
    with (meeting_place / "kafka-door").open("w") as door, (meeting_place / "kafka-users").open("w") as users:
        fcntl.flock(door, fcntl.LOCK_EX)
        if address.exists():
            fcntl.flock(users, fcntl.LOCK_SH)
            fcntl.flock(door, fcntl.LOCK_UN)
            yield address.read_text()
            return
        with EmbeddedKafka() as broker:
            address.write_text(broker.bootstrap_servers)
            fcntl.flock(door, fcntl.LOCK_UN)
            try:
                yield broker.bootstrap_servers
            finally:
                fcntl.flock(door, fcntl.LOCK_EX)
                fcntl.flock(users, fcntl.LOCK_EX)
                address.unlink()


@pytest.fixture(scope="session")
def embedded_kafka_at_hand() -> None:
    """Skip where the Java runtime or Kafka's jars can't be had; in CI that is a failure."""
    from streams.broker import BrokerUnavailable
    from streams.broker.jars import kafka_jars
    from streams.broker.java import java_path

    try:
        java_path()
        kafka_jars()
    except BrokerUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers: KAFKA_BOOTSTRAP_SERVERS if set, else one embedded broker for the whole run."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield given
        return
    request.getfixturevalue("embedded_kafka_at_hand")
    own = tmp_path_factory.getbasetemp()
    with shared_kafka(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as address:
        yield address


@pytest.fixture
def topic_prefix() -> str:
    """Return a prefix for topic and group names that no other test, past or present, uses."""
    return f"test-{uuid.uuid4().hex[:12]}."


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; where there is none, skip, and fail in CI."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium: apt-get install chromium")
        pytest.skip("no chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium's sandbox does not start as root, which containers often are
        started = playwright.chromium.launch(executable_path=path, chromium_sandbox=os.geteuid() != 0)
        yield started
        started.close()
