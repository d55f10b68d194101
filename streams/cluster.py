"""What the cluster says of the input topics: which partitions there are, under which name each is known."""

from __future__ import annotations

from faust.types import TP
from kafka.admin import KafkaAdminClient

from config import Settings, TopicRole
from streams.cutter import source_name
from streams.kafka_client import kafka_python
from streams.topics import admin_client, topic_ids


def input_sources(settings: Settings) -> dict[TP, str]:
    """Return the name of every input partition; a topic that was deleted and made again has other names."""
    topics = tuple(settings.topics.name(role) for role in (TopicRole.VOTES, TopicRole.REPLIES))
    with admin_client(kafka_python(settings.kafka)) as admin:
        return _named(admin, topics)


def partitions_of(settings: Settings, role: TopicRole) -> list[TP]:
    """Return the partitions of a topic."""
    name = settings.topics.name(role)
    with admin_client(kafka_python(settings.kafka)) as admin:
        return [TP(name, number) for topic in admin.describe_topics([name]) for number in range(len(topic["partitions"]))]


def _named(admin: KafkaAdminClient, topics: tuple[str, ...]) -> dict[TP, str]:
    ids = topic_ids(admin, topics)
    counts = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(topics))}
    return {
        TP(topic, number): source_name(f"{topic}@{ids[topic].hex}", number)
        for topic in topics
        for number in range(counts[topic])
    }
