"""Writes what the chart's KafkaTopics are made of, from the table of topics: pollwatch/files/topics.json.

.venv/bin/python deploy/helm/topics.py

Partitions are a number for each shard and some more, since `settings.topics.partitions` is a value of the chart. What depends on
the replication, min.insync.replicas, is in the template; `make verify-deploy` compares what the chart renders with the table.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from config import Settings, TopicRole
from streams.topic_table import TopicSpec, desired_topics

OUT = Path(__file__).resolve().parent / "pollwatch" / "files" / "topics.json"


def text() -> str:
    """Return the file's content for the default settings."""
    topics = Settings().topics
    table = {role: _entry(role) for role in TopicRole}
    defaults = {
        "partitions": topics.partitions, "replication": topics.replication, "group_id": Settings().kafka.group_id
    }  # fmt: skip
    return json.dumps({"defaults": defaults, "topics": table}, indent=1) + "\n"


def _entry(role: TopicRole) -> dict[str, Any]:
    one, two = (int(_spec(role, shards).partitions.value) for shards in (1, 2))
    config = _spec(role, Settings().topics.partitions).config
    return {
        "name": Settings().topics.name(role),
        "shards": two - one,
        "more": one - (two - one),
        # as texts: the chart's numbers are floats
        "config": {name: str(wanted.value) for name, wanted in config.items() if name != "min.insync.replicas"},
    }


def _spec(role: TopicRole, shards: int) -> TopicSpec:
    settings = Settings()
    topics = replace(settings.topics, partitions=shards)
    return desired_topics(topics, settings.intake)[topics.name(role)]


if __name__ == "__main__":
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(text())
