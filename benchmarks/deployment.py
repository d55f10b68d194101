"""Topics and a group of their own on a cluster, as one deployment has them, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from benchmarks import group_offsets
from benchmarks.waiting import PATIENCE_S, wait_until
from config import Settings, TopicRole, load
from streams.kafka_client import kafka_python
from streams.topic_table import desired_topics
from streams.topics import admin_client, run_topics

READ = (TopicRole.VOTES, TopicRole.REPLIES, TopicRole.VERDICTS, TopicRole.EXCHANGE, TopicRole.FINDINGS)
"""The topics whose partitions the group shares."""


class Running(Protocol):
    """A worker that should run."""

    def runs(self) -> bool:
        """Return True; raises when it has ended."""


@dataclass
class Deployment:
    """What environment variables say to its workers; logs of these go to `folder`."""

    bootstrap: str
    prefix: str
    folder: Path
    partitions: int = 3
    more: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environ = {
            "POLLWATCH_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "POLLWATCH_KAFKA_GROUP_ID": self.prefix + "worker",
            "POLLWATCH_NOTIFY_GROUP_ID": self.prefix + "notify",
            "POLLWATCH_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "POLLWATCH_TOPICS_PREFIX": self.prefix,
            "POLLWATCH_TOPICS_PARTITIONS": str(self.partitions),
            "POLLWATCH_TOPICS_REPLICATION": "1",
            "POLLWATCH_INTAKE_MAX_AGE_MS": "0",
            # time passes in silence by the clock: a scan of the same lines knows no clock
            "POLLWATCH_INTAKE_IDLE_AFTER_MS": "600000",
            # nor how far behind a worker is, on a machine that others use
            "POLLWATCH_OVERLOAD_SHED_AFTER_MS": "0",
            "POLLWATCH_WORKER_SNAPSHOT_EVERY_MS": "1000",
            **self.more,
        }
        self.settings: Settings = load(None, self.environ)
        self.group = self.settings.kafka.group_id

    def create_topics(self) -> Self:
        wanted = desired_topics(self.settings.topics, self.settings.intake)
        if run_topics(kafka_python(self.settings.kafka), wanted, lambda _: None) != 0:
            raise AssertionError(f"the topics of {self.prefix!r} could not be made")
        return self

    def delete_topics(self) -> None:
        with admin_client(kafka_python(self.settings.kafka)) as admin:
            admin.delete_topics(list(desired_topics(self.settings.topics, self.settings.intake)))

    def topic(self, role: TopicRole) -> str:
        return self.settings.topics.name(role)

    def shared_partitions(self) -> int:
        """How many partitions the workers share: votes, replies, decisions, exchange and findings."""
        return 3 * self.partitions + 3

    def records(self, role: TopicRole) -> list[Any]:
        """Return all records of a topic."""
        return group_offsets.records(self.bootstrap, self.topic(role))

    def lag(self) -> dict[str, int]:
        """Return the records not yet committed of every partition that has any."""
        return group_offsets.lag(self.bootstrap, self.group, map(self.topic, READ))

    def committed(self, role: TopicRole) -> int:
        """Return the sum of the group's committed offsets in a topic."""
        found = group_offsets.offsets(self.bootstrap, self.group, [self.topic(role)])
        return sum(committed for committed, _ in found.values())

    def wait_until_settled(self, *workers: Running, patience_s: float = PATIENCE_S) -> None:
        """Return when the group has committed everything there is, in every topic it reads."""
        wait_until(lambda: all(w.runs() for w in workers) and not self.lag(), "everything committed", patience_s)
