"""The Kafka of the demo: the embedded one, or the cluster of KAFKA_BOOTSTRAP_SERVERS with topics of its own that go again."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from rich.console import Console

from config import Kafka, Settings
from config.schema import Console as WebConsole
from streams.broker import EmbeddedKafka, free_port
from streams.kafka_client import kafka_python
from streams.topic_table import TopicSpec, desired_topics
from streams.topics import admin_client, create_missing

_PARTITIONS = 2
"""Event time waits for the slowest partition: the story's few replies a second must not be spread over many."""


@dataclass(frozen=True, slots=True)
class DemoKafka:
    """The settings with which everything in the demo runs."""

    settings: Settings

    def create_topics(self) -> None:
        """Create the demo's topics. Raises TopicsError."""
        with admin_client(kafka_python(self.settings.kafka)) as admin:
            create_missing(admin, self._desired())

    def remove(self) -> None:
        """Delete the demo's topics and its group. Raises TopicsError."""
        with admin_client(kafka_python(self.settings.kafka)) as admin:
            admin.delete_topics(list(self._desired()), raise_errors=False)
            admin.delete_groups([self.settings.kafka.group_id])

    def _desired(self) -> dict[str, TopicSpec]:
        return desired_topics(self.settings.topics, self.settings.intake)


@contextmanager
def kafka_for_demo(settings: Settings, console: Console) -> Iterator[DemoKafka]:
    """Yield a Kafka for one run of the demo. Raises BrokerError."""
    if os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        prefix = f"demo-{uuid.uuid4().hex[:8]}."
        kafka = DemoKafka(_demo_settings(settings, replace(settings.kafka, group_id=f"{prefix}pollwatch"), prefix))
        try:
            yield kafka
        finally:
            kafka.remove()
        return
    with EmbeddedKafka(say=console.print) as broker:
        own = Kafka(bootstrap_servers=broker.bootstrap_servers, group_id="pollwatch-demo")
        yield DemoKafka(_demo_settings(settings, own, ""))


def _demo_settings(settings: Settings, kafka: Kafka, prefix: str) -> Settings:
    return replace(
        settings,
        kafka=kafka,
        topics=replace(settings.topics, prefix=prefix + settings.topics.prefix, replication=1, partitions=_PARTITIONS),
        intake=replace(settings.intake, max_age_ms=0),
        worker=replace(settings.worker, http_host="127.0.0.1", http_port=free_port()),
        console=WebConsole(host="127.0.0.1", port=free_port()),
    )
