"""Creates missing topics on a cluster and says what differs in those it has; changes no topic, reads no record."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    InvalidReplicationFactorError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from streams.kafka_client import address, no_answer
from streams.topic_table import TopicSpec, Wanted

_WAIT_MS = 10_000


class TopicsError(Exception):
    """Topics could not be read or created; the message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting of an existing topic that is not what Pollwatch would create."""

    topic: str
    setting: str
    wanted: Wanted
    found: str

    @property
    def matters(self) -> bool:
        """Whether Pollwatch would not work rightly with it."""
        return not self.wanted.accepts(self.found)

    def __str__(self) -> str:
        weight = "WRONG" if self.matters else "differs"
        return f"{weight}: {self.topic}: {self.setting} is {self.found}, {self.wanted.must} {self.wanted.value}"


def compare(topic: str, spec: TopicSpec, found: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return every setting whose found value is not the wanted one; `found` has the keys of `spec.settings()`."""
    return tuple(
        Difference(topic, setting, wanted, found[setting])
        for setting, wanted in spec.settings().items()
        if found[setting] != str(wanted.value)
    )


@contextmanager
def admin_client(options: Mapping[str, Any]) -> Iterator[KafkaAdminClient]:
    """Yield an admin client for kafka-python's connection arguments; what Kafka refuses is a TopicsError."""
    try:
        admin = KafkaAdminClient(**{"bootstrap_timeout_ms": _WAIT_MS, **options})
    except KafkaError as error:
        raise TopicsError(no_answer(options)) from error
    try:
        yield admin
    except KafkaError as error:
        raise TopicsError(f"Kafka at {address(options)} refused: {error}") from error
    finally:
        admin.close()


def create_missing(admin: KafkaAdminClient, desired: Mapping[str, TopicSpec]) -> tuple[str, ...]:
    """Create the topics that do not exist and return their names; one that appears meanwhile is left as it is."""
    existing = frozenset(_described(admin, desired))
    missing = {name: _creation(spec) for name, spec in desired.items() if name not in existing}
    if not missing:
        return ()
    answers = admin.create_topics(missing, raise_errors=False)["topics"]
    for answer in answers:
        _raise_unless_created(answer, desired[answer["name"]])
    admin.wait_for_topics(tuple(missing))
    return tuple(missing)


def differences(admin: KafkaAdminClient, desired: Mapping[str, TopicSpec]) -> tuple[Difference, ...]:
    """Compare the cluster's topics with the wanted ones; raise TopicsError when one does not exist."""
    described = _described(admin, desired)
    absent = sorted(desired.keys() - described.keys())
    if absent:
        raise TopicsError(f"topics missing: {', '.join(absent)}: create them with `pollwatch topics`")
    configs = _configs(admin, desired)
    return tuple(
        difference
        for name, spec in desired.items()
        for difference in compare(name, spec, _found(described[name], configs[name], spec))
    )


def topic_ids(admin: KafkaAdminClient, names: tuple[str, ...]) -> dict[str, UUID]:
    """Return Kafka's id of each topic, which a topic deleted and made again does not keep."""
    described = _described(admin, names)
    absent = sorted(set(names) - described.keys())
    if absent:
        raise TopicsError(f"topics missing: {', '.join(absent)}: create them with `pollwatch topics`")
    return {name: UUID(str(described[name]["topic_id"])) for name in names}


def run_topics(
    options: Mapping[str, Any], desired: Mapping[str, TopicSpec], say: Callable[[str], None] = print
) -> int:
    """Create what is missing, show what differs; return 1 when something differs that matters, or Kafka refuses."""
    try:
        with admin_client(options) as admin:
            created = create_missing(admin, desired)
            found = differences(admin, desired)
    except TopicsError as error:
        print(error, file=sys.stderr)
        return 1
    for name in created:
        say(f"created: {name}")
    for difference in found:
        say(str(difference))
    wrong = {difference.topic for difference in found if difference.matters}
    say(f"{len(desired)} topics: {len(created)} created, {len(desired) - len(created)} existed, {len(wrong)} wrong")
    return 1 if wrong else 0


def _described(admin: KafkaAdminClient, names: Mapping[str, TopicSpec] | tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the metadata of those topics that exist."""
    found = {}
    for topic in admin.describe_topics(list(names)):
        error = for_code(topic["error_code"])
        if error is UnknownTopicOrPartitionError:
            continue
        if topic["error_code"]:
            raise TopicsError(f"can't look at topic {topic['name']}: {error.__name__}")
        found[topic["name"]] = topic
    return found


def _configs(admin: KafkaAdminClient, names: Mapping[str, TopicSpec]) -> dict[str, dict[str, Any]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answer: dict[str, dict[str, Any]] = admin.describe_configs(resources, config_filter="all")["topic"]
    return answer


def _found(description: Mapping[str, Any], config: Mapping[str, Any], spec: TopicSpec) -> dict[str, str]:
    partitions = description["partitions"]
    return {
        "partitions": str(len(partitions)),
        "replication": str(min(len(partition["replica_nodes"]) for partition in partitions)),
        **{setting: str(config[setting]["value"]) for setting in spec.config},
    }


def _creation(spec: TopicSpec) -> dict[str, Any]:
    return {
        "num_partitions": spec.partitions.value,
        "replication_factor": spec.replication.value,
        "configs": {name: str(wanted.value) for name, wanted in spec.config.items()},
    }


def _raise_unless_created(answer: Mapping[str, Any], spec: TopicSpec) -> None:
    error = for_code(answer["error_code"])
    if not answer["error_code"] or error is TopicAlreadyExistsError:
        return
    if error is InvalidReplicationFactorError:
        copies = spec.replication.value
        raise TopicsError(f"{answer['name']}: the cluster can't hold {copies} copies: set topics.replication lower")
    raise TopicsError(f"can't create topic {answer['name']}: {answer.get('error_message') or error.__name__}")
