"""The cluster of a run: its settings and topics, the embedded broker unless KAFKA_BOOTSTRAP_SERVERS names another."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import embedded_broker_pid
from config import Settings, TopicRole, load
from streams.broker import EmbeddedKafka, free_port
from streams.kafka_client import kafka_python
from streams.topic_table import desired_topics
from streams.topics import admin_client, create_missing

_INPUTS = (TopicRole.VOTES, TopicRole.REPLIES, TopicRole.POLLS, TopicRole.VERDICTS)


@dataclass(frozen=True)
class Cluster:
    """Where Kafka is, its process if we started it, and the names of this run."""

    servers: str
    broker_pid: int | None
    partitions: int = 8
    prefix: str = field(default_factory=lambda: f"bench-{uuid.uuid4().hex[:8]}.")

    def environment(self, run: str) -> dict[str, str]:
        """Return the environment of a worker of this run: inputs are those of the cluster, all else is the run's own."""
        own = {
            f"POLLWATCH_TOPICS_{role.name}": f"{run}.{role.value.replace('_', '-')}"
            for role in TopicRole
            if role not in _INPUTS
        }
        return dict(os.environ) | own | {
            "KAFKA_BOOTSTRAP_SERVERS": self.servers,
            "POLLWATCH_KAFKA_GROUP_ID": f"{self.prefix}{run}",
            "POLLWATCH_TOPICS_PREFIX": self.prefix,
            "POLLWATCH_TOPICS_PARTITIONS": str(self.partitions),
            "POLLWATCH_TOPICS_REPLICATION": "1",
            "POLLWATCH_INTAKE_MAX_AGE_MS": "0",  # the recording is of 2022
            "POLLWATCH_WORKER_HTTP_PORT": str(free_port()),
            "POLLWATCH_OVERLOAD_SHED_AFTER_MS": "0",  # everything is to be done
        }  # fmt: skip

    def settings(self, run: str) -> Settings:
        """Return the settings that a worker of this run has, but for the port of its pages."""
        return load(None, self.environment(run))


@contextmanager
def cluster(partitions: int = 8) -> Iterator[Cluster]:
    """Yield a cluster with no topics of this run; ours is gone afterwards, on another one they are deleted."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        outside = Cluster(given, None, partitions)
        try:
            yield outside
        finally:
            _delete_topics(outside)
    else:
        with EmbeddedKafka() as kafka:
            yield Cluster(kafka.bootstrap_servers, embedded_broker_pid(), partitions)


def create_topics(settings: Settings) -> None:
    """Create the topics of these settings as `pollwatch topics` does."""
    with admin_client(kafka_python(settings.kafka)) as admin:
        create_missing(admin, desired_topics(settings.topics, settings.intake))


def _delete_topics(outside: Cluster) -> None:
    with admin_client(kafka_python(outside.settings("any").kafka)) as admin:
        admin.delete_topics([name for name in admin.list_topics() if name.startswith(outside.prefix)])


def log_file(directory: Path, run: str) -> Path:
    """Return where a worker of this run logs to."""
    return directory / f"{run}.log"
