"""A worker process on a real Kafka, what goes into it, and what comes out; for tests that watch it from outside."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from alert_schema import valid_alert
from prometheus_client.parser import text_string_to_metric_families

from config import Settings, TopicRole, load
from streams.broker.ports import free_port
from streams.control import closing, opening
from streams.kafka_client import kafka_python
from streams.placing import place
from streams.replay_sender import Sender
from streams.stages import build_decoder
from streams.topic_table import desired_topics
from streams.topics import run_topics

PARTITIONS = 3
PATIENCE_S = 60.0
ROOT = Path(__file__).resolve().parent.parent
STOCK = "import asyncio, os; from config import load; from streams.worker import Worker, run_until_signal; "
STOCK += "asyncio.run(run_until_signal(Worker(load(None, os.environ), scheme='kafka')))"


def wait_until(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return when `condition` is true; fail when it was not for so long."""
    deadline_s = time.monotonic() + patience_s
    while not (last := condition()):
        assert time.monotonic() < deadline_s, f"not within {patience_s:.0f} s: {what}; last {last!r}"
        time.sleep(0.1)


@dataclass
class Deployment:
    """Topics and a group of their own on a cluster, as environment variables say it to a worker."""

    bootstrap: str
    prefix: str
    folder: Path
    partitions: int = PARTITIONS
    more: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environ = {
            "POLLWATCH_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "POLLWATCH_KAFKA_GROUP_ID": self.prefix + "worker",
            "POLLWATCH_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "POLLWATCH_TOPICS_PREFIX": self.prefix,
            "POLLWATCH_TOPICS_PARTITIONS": str(self.partitions),
            "POLLWATCH_TOPICS_REPLICATION": "1",
            "POLLWATCH_INTAKE_MAX_AGE_MS": "0",
            # time passes in silence by the clock: a scan of the same lines knows no clock
            "POLLWATCH_INTAKE_IDLE_AFTER_MS": "600000",
            "POLLWATCH_WORKER_SNAPSHOT_EVERY_MS": "1000",
            **self.more,
        }
        self.settings: Settings = load(None, self.environ)
        self.group = self.settings.kafka.group_id

    def create_topics(self) -> Self:
        wanted = desired_topics(self.settings.topics, self.settings.intake)
        assert run_topics(kafka_python(self.settings.kafka), wanted, lambda _: None) == 0
        return self

    def topic(self, role: TopicRole) -> str:
        return self.settings.topics.name(role)

    def records(self, role: TopicRole) -> list[Any]:
        """Return all records of a topic."""
        return asyncio.run(_records(self.bootstrap, self.topic(role)))

    def lag(self) -> dict[str, int]:
        """Return the records not yet committed of every partition that has any."""
        roles = (TopicRole.VOTES, TopicRole.REPLIES, TopicRole.EXCHANGE, TopicRole.FINDINGS)
        return asyncio.run(_lag(self.bootstrap, self.group, [self.topic(role) for role in roles]))

    def committed(self, role: TopicRole) -> int:
        """Return the sum of the group's committed offsets in a topic."""
        return sum(committed for committed, _ in asyncio.run(_offsets(self.bootstrap, self.group, [self.topic(role)])).values())

    def wait_until_settled(self, *workers: WorkerProcess) -> None:
        """Return when the group has committed everything there is, in every topic it reads."""
        wait_until(lambda: all(worker.runs() for worker in workers) and not self.lag(), "everything committed")

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Return each alert once, by id; fail when one id said two things."""
        found: dict[str, dict[str, Any]] = {}
        for record in self.records(TopicRole.ALERTS):
            alert = valid_alert(record.value)
            assert record.key.decode() == alert["subject"]
            assert dict(record.headers) == {"content-type": b"application/cloudevents+json"}
            assert found.setdefault(alert["id"], alert) == alert, "one id said two things"
        return found

    def items(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Return each moderation item once, by id and revision; fail when one said two things."""
        found: dict[tuple[str, int], dict[str, Any]] = {}
        for record in self.records(TopicRole.MODERATION):
            item = json.loads(record.value)
            assert record.key.decode() == item["case_id"]
            key = item["item_id"], item["revision"]
            assert found.setdefault(key, item) == item, "one item said two things"
        return found

    def estimates(self) -> dict[str, dict[str, Any]]:
        """Return the last estimate of each poll."""
        return {record.key.decode(): json.loads(record.value) for record in self.records(TopicRole.INTEGRITY)}


class Feed:
    """Sends the lines of one recording as `replay` does, in as many parts as a test wants."""

    def __init__(self, deployment: Deployment, lines: Sequence[bytes]) -> None:
        self._settings = deployment.settings
        self._decoder = build_decoder(self._settings)
        decoded = self._decoder.recording(lines)
        self._lines = lines
        self._at = 0
        self._last_ms = int(decoded.ts_ms.max())
        with Sender(self._settings) as sender:
            sender.control(opening(int(decoded.ts_ms.min())))

    def send(self, until: float) -> None:
        """Send what comes before this share of the recording; at 1 also that it is over."""
        end = round(len(self._lines) * until)
        lines, self._at = self._lines[self._at : end], end
        decoded = self._decoder.recording(lines)
        with Sender(self._settings) as sender:
            placed = place(lines, decoded, self._decoder, *sender.partitions.values())
            for kind, partition, line in zip(placed.kind.tolist(), placed.partition.tolist(), lines, strict=True):
                sender.send(kind, partition, b"key", line)
            sender.flush()
            if until >= 1:
                sender.control(closing(self._last_ms, self._settings.rate.window_ms))


class WorkerProcess:
    """`pollwatch worker` as a process; leaving the context kills it if it still runs."""

    _count = 0

    def __init__(self, deployment: Deployment, stock: bool = False) -> None:
        WorkerProcess._count += 1
        self.port = free_port()
        self._log = deployment.folder / f"worker-{WorkerProcess._count}.log"
        environ = {**os.environ, **deployment.environ, "POLLWATCH_WORKER_HTTP_PORT": str(self.port)}
        command = ["-c", STOCK] if stock else ["-m", "streams", "worker"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([sys.executable, *command], env=environ, cwd=ROOT, stdout=log, stderr=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            print(f"--- {self._log.name}\n{self.log()[-6_000:]}")
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of a page; status 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait_until_ready(self) -> Self:
        wait_until(self._ready, "the worker ready")
        return self

    def runs(self) -> bool:
        """Return True; fail when it has ended."""
        assert self._process.poll() is None, f"the worker ended with {self._process.returncode}:\n{self.log()[-3_000:]}"
        return True

    def _ready(self) -> bool:
        return self.runs() and self.get("/readyz")[0] == 200

    def metrics(self) -> dict[str, float]:
        """Return the samples of /metrics, `name` or `name{label=value,..}`; a sum over all labels stands under `name` too."""
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for sample in family.samples:
                labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                if labels:
                    found[f"{sample.name}{{{labels}}}"] = sample.value
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Stop it as an operator does; fail when it does not end well."""
        assert self.runs()
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(PATIENCE_S) == 0, self.log()[-3_000:]


async def _offsets(bootstrap: str, group: str, topics: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return (committed, end) by partition; committed is the beginning where nothing was."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        known = await consumer._client.fetch_all_metadata()
        tps = [TopicPartition(topic, n) for topic in topics for n in known.partitions_for_topic(topic) or ()]
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        return {f"{tp.topic}/{tp.partition}": (await consumer.committed(tp) or 0, ends[tp]) for tp in tps}
    finally:
        await consumer.stop()


async def _lag(bootstrap: str, group: str, topics: Iterable[str]) -> dict[str, int]:
    offsets = await _offsets(bootstrap, group, topics)
    return {name: end - committed for name, (committed, end) in offsets.items() if end != committed}


async def _records(bootstrap: str, topic: str) -> list[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, max_partition_fetch_bytes=8 << 20)
    await consumer.start()
    try:
        known = await consumer._client.fetch_all_metadata()
        tps = [TopicPartition(topic, n) for n in known.partitions_for_topic(topic) or ()]
        consumer.assign(tps)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(tps)
        records = []
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for part in (await consumer.getmany(timeout_ms=1_000)).values():
                records += part
        return records
    finally:
        await consumer.stop()


def without_maker(alert: dict[str, Any]) -> dict[str, Any]:
    """Return an alert without what a scan and a worker say differently: who made it."""
    copy: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(alert))
    del copy["data"]["made_by"]
    return copy
