"""Settings that are each right and wrong together. Knows what settings mean; not where they were written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from config.schema import Kafka, Settings, TopicRole, Topics

HOUR_MS = 3_600_000
SNAPSHOTS_IN_EXCHANGE = 10
"""The exchange is re-read from the last snapshot on; ten intervals leave room for failed snapshots and long stops."""
LONGEST_TOPIC_NAME = 249
"""Kafka's limit (org.apache.kafka.common.internals.Topic.MAX_NAME_LENGTH)."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Settings that do not fit together. `keys` as `section.key`, the one to change first."""

    keys: tuple[str, ...]
    what: str
    todo: str


def conflicts(settings: Settings) -> Iterator[Conflict]:
    """Every combination that cannot work."""
    yield from _servers(settings.kafka)
    yield from _sasl(settings.kafka)
    yield from _tls(settings.kafka)
    yield from _topic_names(settings.topics)
    yield from _durations(settings)


def _servers(kafka: Kafka) -> Iterator[Conflict]:
    for server in kafka.servers:
        host, _, port = server.rpartition(":")
        if (
            not host
            or not port.isascii()
            or not port.isdigit()
            or not 1 <= int(port) <= 65535
            or set(server) & set(" /@;")
        ):
            yield Conflict(
                ("kafka.bootstrap_servers",), f'"{server}" is not host:port', 'write "host1:9092,host2:9092"'
            )


def _sasl(kafka: Kafka) -> Iterator[Conflict]:
    protocol = "kafka.security_protocol"
    password_given = bool(kafka.sasl_password_file) + bool(kafka.sasl_password)
    if not kafka.security_protocol.uses_sasl:
        given = {
            "kafka.sasl_username": kafka.sasl_username,
            "kafka.sasl_password_file": kafka.sasl_password_file,
        }
        for key in [key for key, value in given.items() if value] + ["kafka.sasl_password"] * bool(
            kafka.sasl_password
        ):
            yield Conflict(
                (key, protocol),
                f"is set, but kafka.security_protocol is {kafka.security_protocol}",
                "set it to SASL_SSL or SASL_PLAINTEXT, or remove this",
            )
        return
    if not kafka.sasl_username:
        yield Conflict(
            ("kafka.sasl_username", protocol), f"is missing for {kafka.security_protocol}", "set it"
        )
    if password_given != 1:
        yield Conflict(
            ("kafka.sasl_password_file", "kafka.sasl_password", protocol),
            "is set together with KAFKA_SASL_PASSWORD"
            if password_given
            else f"is missing for {kafka.security_protocol}",
            "keep one of the two"
            if password_given
            else "name the file that holds the password, or set KAFKA_SASL_PASSWORD",
        )


def _tls(kafka: Kafka) -> Iterator[Conflict]:
    protocol = "kafka.security_protocol"
    names = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_password_file", "ssl_password")
    for key in (name for name in names if getattr(kafka, name) and not kafka.security_protocol.uses_tls):
        yield Conflict(
            (f"kafka.{key}", protocol),
            f"is set, but kafka.security_protocol is {kafka.security_protocol}",
            "set it to SSL or SASL_SSL, or remove this",
        )
    for key in (name for name in names[2:] if getattr(kafka, name) and not kafka.ssl_certfile):
        yield Conflict(
            (f"kafka.{key}", "kafka.ssl_certfile"), "is set without kafka.ssl_certfile", "set both or neither"
        )
    if kafka.ssl_password_file and kafka.ssl_password:
        yield Conflict(
            ("kafka.ssl_password_file", "kafka.ssl_password"),
            "is set together with KAFKA_SSL_PASSWORD",
            "keep one of the two",
        )


def _topic_names(topics: Topics) -> Iterator[Conflict]:
    seen: dict[str, str] = {}
    for role in TopicRole:
        name, key = topics.name(role), f"topics.{role}"
        first = seen.setdefault(name, key)
        if first != key:
            yield Conflict((key, first), f'"{name}" is also {first}', "give every topic its own name")
        if name in (".", ".."):
            yield Conflict((key,), f'"{name}" is a name Kafka keeps for itself', "choose another")
    longest = max(TopicRole, key=lambda role: len(topics.name(role)))
    length = len(topics.name(longest))
    if length > LONGEST_TOPIC_NAME:
        key = "topics.prefix" if topics.prefix else f"topics.{longest}"
        yield Conflict(
            (key, f"topics.{longest}"),
            f"the name of topics.{longest} has {length} characters with its prefix",
            f"Kafka takes at most {LONGEST_TOPIC_NAME}",
        )


def _durations(settings: Settings) -> Iterator[Conflict]:
    keeps_ms = settings.topics.exchange_retention_hours * HOUR_MS
    needs_ms = SNAPSHOTS_IN_EXCHANGE * settings.worker.snapshot_every_ms
    if keeps_ms < needs_ms:
        yield Conflict(
            ("topics.exchange_retention_hours", "worker.snapshot_every_ms"),
            f"the exchange is kept for {keeps_ms} ms, less than {SNAPSHOTS_IN_EXCHANGE} times worker.snapshot_every_ms",
            f"set it to at least {-(-needs_ms // HOUR_MS)}",
        )
    if settings.polls.retain_ms < settings.polls.duplicate_horizon_ms:
        yield Conflict(
            ("polls.retain_ms", "polls.duplicate_horizon_ms"),
            "a poll would be forgotten before its duplicates are",
            f"set it to at least polls.duplicate_horizon_ms ({settings.polls.duplicate_horizon_ms})",
        )
