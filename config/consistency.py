"""Settings that are each right and wrong together. Knows what settings mean; not where they were written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from config.schema import Kafka, ModerationIds, Settings, TopicRole, Topics

PROTOCOL = "kafka.security_protocol"
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
    yield from _privacy(settings)
    yield from _canary(settings)
    yield from _notify(settings)


def _servers(kafka: Kafka) -> Iterator[Conflict]:
    for server in kafka.servers:
        if not _is_address(server):
            todo = 'write "host1:9092,host2:9092"'
            yield Conflict(("kafka.bootstrap_servers",), f'"{server}" is not host:port', todo)


def _is_address(server: str) -> bool:
    host, _, port = server.rpartition(":")
    return bool(
        host and re.fullmatch("[0-9]{1,5}", port) and 1 <= int(port) <= 65535 and not set(host) & set(" /@;")
    )


def _sasl(kafka: Kafka) -> Iterator[Conflict]:
    if not kafka.security_protocol.uses_sasl:
        yield from _useless(
            kafka, ("sasl_username", "sasl_password_file", "sasl_password"), "SASL_SSL or SASL_PLAINTEXT"
        )
        return
    missing = f"is missing for {kafka.security_protocol}"
    if not kafka.sasl_username:
        yield Conflict(("kafka.sasl_username", PROTOCOL), missing, "set it")
    password = ("kafka.sasl_password_file", "kafka.sasl_password", PROTOCOL)
    if kafka.sasl_password_file and kafka.sasl_password:
        yield Conflict(password, "is set together with KAFKA_SASL_PASSWORD", "keep one of the two")
    elif not kafka.sasl_password_file and not kafka.sasl_password:
        yield Conflict(password, missing, "name the file that holds the password, or set KAFKA_SASL_PASSWORD")


def _tls(kafka: Kafka) -> Iterator[Conflict]:
    needs_certificate = ("ssl_keyfile", "ssl_password_file", "ssl_password")
    if not kafka.security_protocol.uses_tls:
        yield from _useless(kafka, ("ssl_cafile", "ssl_certfile", *needs_certificate), "SSL or SASL_SSL")
    for key in needs_certificate:
        if getattr(kafka, key) and not kafka.ssl_certfile:
            keys = (f"kafka.{key}", "kafka.ssl_certfile")
            yield Conflict(keys, "is set without kafka.ssl_certfile", "set both or neither")
    if kafka.ssl_password_file and kafka.ssl_password:
        keys = ("kafka.ssl_password_file", "kafka.ssl_password")
        yield Conflict(keys, "is set together with KAFKA_SSL_PASSWORD", "keep one of the two")


def _useless(kafka: Kafka, keys: Iterable[str], needed: str) -> Iterator[Conflict]:
    """Each of `keys` that is set although the security protocol, which is not one of `needed`, has no use for it."""
    for key in keys:
        if getattr(kafka, key):
            what = f"is set, but {PROTOCOL} is {kafka.security_protocol}"
            yield Conflict((f"kafka.{key}", PROTOCOL), what, f"set it to {needed}, or remove this")


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


def _privacy(settings: Settings) -> Iterator[Conflict]:
    if settings.privacy.moderation_ids is ModerationIds.PSEUDONYMS and not settings.privacy.key_file:
        keys = ("privacy.moderation_ids", "privacy.key_file")
        yield Conflict(keys, "asks for pseudonyms, and privacy.key_file is empty", "name the file that holds their key")


def _canary(settings: Settings) -> Iterator[Conflict]:
    every_ms, calm_ms = settings.canary.every_ms, settings.rate.calm_ms
    if every_ms and not settings.intake.hash_key_file:
        keys = ("canary.every_ms", "intake.hash_key_file")
        yield Conflict(keys, "is set without intake.hash_key_file", "name that file: else strangers know the canary's poll")
    if 0 < every_ms < 2 * calm_ms:
        keys = ("canary.every_ms", "rate.calm_ms")
        yield Conflict(keys, "is shorter than a flood takes to be over", f"set it to at least twice rate.calm_ms ({2 * calm_ms})")


def _notify(settings: Settings) -> Iterator[Conflict]:
    if settings.notify.group_id == settings.kafka.group_id:
        keys = ("notify.group_id", "kafka.group_id")
        yield Conflict(keys, "is also kafka.group_id", "choose another: workers and notify read different topics")
