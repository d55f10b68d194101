"""Starts, watches and stops one embedded Apache Kafka; knows nothing of topics or of Pollwatch."""

import atexit
import base64
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Self

from streams.broker.errors import BrokerError
from streams.broker.jars import kafka_jars
from streams.broker.java import Java, java_path
from streams.broker.keeper import STOP_WITHIN_S
from streams.broker.ports import free_port, is_free
from streams.broker.properties import LOG4J_PROPERTIES, as_text, server_properties
from streams.broker.ready import serves

READY_WITHIN_S = 60.0
LOG_LINES_SHOWN = 5
LOG_NAME = "broker.log"


class EmbeddedKafka:
    """One Kafka node (KRaft) on 127.0.0.1, in a data directory of its own; a context manager.

    `data_dir` keeps topics over `stop` and `start`; without it a temporary one is removed by `stop`. The port, given or
    a free one, stays the same for this object. `properties` are added to server.properties; `listeners`,
    `advertised.listeners` and `listener.security.protocol.map` are joined to the plain listener's.
    The broker ends with this process, however that ends.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        port: int | None = None,
        properties: Mapping[str, str] = MappingProxyType({}),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._given_dir = data_dir.resolve() if data_dir else None
        self._port = port or free_port()
        self._properties = dict(properties)
        self._say = say
        self._dir: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> Self:
        """Start and wait until the broker answers; raise BrokerError with one line that says what to do."""
        if self._process is not None:
            raise BrokerError(f"the embedded Kafka runs already, on {self.bootstrap_servers}")
        java, jars = java_path(), kafka_jars(self._say)
        if not is_free(self._port):
            raise BrokerError(f"port {self._port} on 127.0.0.1 is taken: choose another or stop what listens there")
        self._dir = self._given_dir or Path(tempfile.mkdtemp(prefix="pollwatch-kafka-"))
        atexit.register(self.stop)
        try:
            self._launch(Java(java, jars, self._dir / "java"), self._dir)
            self._wait_until_ready()
        except OSError as error:
            self.stop()
            raise BrokerError(f"Kafka can't use its data directory: {error}") from error
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the broker (SIGTERM, then SIGKILL), remove a temporary directory; harmless when nothing runs."""
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._dir is not None and self._given_dir is None and self._dir.exists():
            shutil.rmtree(self._dir)
        self._dir = None
        atexit.unregister(self.stop)

    def wait(self) -> None:
        """Return when the broker has ended by itself; raise BrokerError with the end of its log."""
        if self._process is not None:
            self._process.wait()
            raise BrokerError(self._death())

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _launch(self, java: Java, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root) as lock, (root / LOG_NAME).open("ab") as log:
            properties = self._prepare(java, root)
            # A session of its own: Ctrl-C reaches us, and we decide when the broker goes.
            self._process = subprocess.Popen(
                java.server_command(properties, None if self._given_dir else root),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock.fileno(),),
            )

    def _prepare(self, java: Java, root: Path) -> Path:
        data, properties = root / "data", root / "server.properties"
        java.work.mkdir(parents=True, exist_ok=True)
        (java.work / "log4j2.properties").write_text(LOG4J_PROPERTIES)
        settings = server_properties(data, self._port, free_port(), self._properties)
        properties.write_text(as_text(settings))
        if not (data / "meta.properties").exists():
            java.format_storage(properties, base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
        return properties

    def _wait_until_ready(self) -> None:
        deadline_s = time.monotonic() + READY_WITHIN_S
        while not serves(self._port):
            if self._process is None or self._process.poll() is not None:
                raise BrokerError(self._death())
            if time.monotonic() > deadline_s:
                raise BrokerError(f"Kafka did not answer on {self.bootstrap_servers} within {READY_WITHIN_S:.0f} s")
            time.sleep(0.05)

    def _death(self) -> str:
        kept = f" {self._given_dir / LOG_NAME}" if self._given_dir else ""
        return f"Apache Kafka ended by itself; the end of its log{kept}:\n{_last_words((self._dir or Path()) / LOG_NAME)}"


def _locked(root: Path) -> IO[bytes]:
    """Lock the directory for whoever holds the file: the keeper inherits it. Kafka's own lock comes too late.

    A second Kafka writes to the metadata log of the first before it finds the topics' directory locked.
    """
    lock = (root / "lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise BrokerError(f"{root} is in use by another broker: stop that one or choose another directory") from error
    return lock


def _last_words(log: Path) -> str:
    """Return the log's last lines that are not the inside of a stack trace."""
    with log.open(errors="replace") as lines:
        return "".join(deque((line for line in lines if not line.startswith("\t")), LOG_LINES_SHOWN)).strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_WITHIN_S + 5.0)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
