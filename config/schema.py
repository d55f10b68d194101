"""The frozen settings tree. Owns names, types, ranges and defaults; knows no file, no environment, no Kafka client."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from config.secret import UNSET, Secret
from detectors.cases.case import CaseParams
from detectors.cases.decision import DecisionParams
from detectors.copies.params import CopiesParams
from detectors.crowd.params import CrowdParams
from detectors.lockstep.params import LockstepParams
from detectors.rate.params import RateParams
from detectors.shape.params import ShapeParams
from detectors.shard_params import ShardParams

DAY_MS = 86_400_000

Partitions = Annotated[int, Meta(ge=1, le=1024)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Hours = Annotated[int, Meta(ge=1, le=87_600)]
TopicName = Annotated[
    str, Meta(pattern=r"^[a-zA-Z0-9._-]+$", description='text of letters, digits, ".", "_" and "-"')
]
TopicPrefix = Annotated[
    str, Meta(pattern=r"^[a-zA-Z0-9._-]*$", description='text of letters, digits, ".", "_" and "-", or empty')
]
PathText = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]*$", description="a path without control characters, or empty")]
HostNames = Annotated[
    str, Meta(pattern=r"^[a-zA-Z0-9._, -]*$", description="host names, with commas between them, or empty")
]
UriReference = Annotated[
    str, Meta(pattern=r"^[^\s<>\"{}|\\^`]+$", description='a URI or a path without spaces, like "/pollwatch"')
]


class SecurityProtocol(StrEnum):
    """How the brokers are spoken to."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def uses_sasl(self) -> bool:
        """Whether a user name and a password are sent."""
        return self in (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL)

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL)


class SaslMechanism(StrEnum):
    """How the password is proven."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class Mode(StrEnum):
    """What an alert of this worker recommends: `live` a person decides on it, `shadow` it is only looked at."""

    LIVE = "live"
    SHADOW = "shadow"


class LogLevel(StrEnum):
    """The least severe log line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Kafka:
    """Where the brokers are and how to be let in. The two secrets come from the environment only."""

    bootstrap_servers: str = "127.0.0.1:9092"
    security_protocol: SecurityProtocol = SecurityProtocol.PLAINTEXT
    sasl_mechanism: SaslMechanism = SaslMechanism.PLAIN
    sasl_username: str = ""
    sasl_password_file: PathText = ""
    ssl_cafile: PathText = ""
    ssl_certfile: PathText = ""
    ssl_keyfile: PathText = ""
    ssl_password_file: PathText = ""
    group_id: Annotated[str, Meta(min_length=1, max_length=200)] = "pollwatch"
    # brokers refuse less than 6 s and more than 30 min unless they were told otherwise
    session_timeout_ms: Annotated[int, Meta(ge=6_000, le=1_800_000)] = 10_000
    sasl_password: Secret = UNSET
    ssl_password: Secret = UNSET

    @property
    def servers(self) -> tuple[str, ...]:
        """The `host:port` of each bootstrap server."""
        return tuple(server.strip() for server in self.bootstrap_servers.split(","))


class TopicRole(StrEnum):
    """What a topic is for; the value is its key under [topics]."""

    VOTES = "votes"
    REPLIES = "replies"
    POLLS = "polls"
    VERDICTS = "verdicts"
    ALERTS = "alerts"
    MODERATION = "moderation"
    INTEGRITY = "integrity"
    DEAD_LETTER = "dead_letter"
    EXCHANGE = "exchange"
    FINDINGS = "findings"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Topics:
    """Topic names, and how topics are created. `partitions` is also the number of shards."""

    votes: TopicName = "poll.votes"
    replies: TopicName = "poll.replies"
    polls: TopicName = "poll.polls"
    verdicts: TopicName = "moderation.verdicts"
    alerts: TopicName = "pollwatch.alerts"
    moderation: TopicName = "pollwatch.moderation"
    integrity: TopicName = "pollwatch.integrity"
    dead_letter: TopicName = "pollwatch.dead-letter"
    exchange: TopicName = "pollwatch.exchange"
    findings: TopicName = "pollwatch.findings"
    state: TopicName = "pollwatch.state"
    prefix: TopicPrefix = ""
    partitions: Partitions = 4
    replication: Annotated[int, Meta(ge=1, le=100)] = 3
    input_retention_hours: Hours = 168
    output_retention_hours: Hours = 720
    moderation_retention_hours: Hours = 720
    dead_letter_retention_hours: Hours = 720
    integrity_retention_hours: Hours = 8_760
    exchange_retention_hours: Hours = 24
    state_compaction_hours: Hours = 24

    def name(self, role: TopicRole) -> str:
        """Full topic name with the prefix.

        >>> Topics(prefix="eu.").name(TopicRole.DEAD_LETTER)
        'eu.pollwatch.dead-letter'
        """
        return self.prefix + str(getattr(self, role.value))


@dataclass(frozen=True, slots=True)
class Intake:
    """What is let in, and in what portions."""

    max_age_ms: Annotated[int, Meta(ge=0, le=3650 * DAY_MS)] = 30 * DAY_MS
    max_ahead_ms: Annotated[int, Meta(ge=0, le=DAY_MS)] = 300_000
    max_record_bytes: Annotated[int, Meta(ge=1_000, le=100_000_000)] = 1_000_000
    idle_after_ms: Annotated[int, Meta(ge=100, le=600_000)] = 2_000
    max_behind_ms: Annotated[int, Meta(ge=1_000, le=DAY_MS)] = 60_000
    max_batch_records: Annotated[int, Meta(ge=1, le=100_000)] = 12_000
    hash_key_file: PathText = ""


@dataclass(frozen=True, slots=True)
class Overload:
    """What a worker does that can't keep up."""

    shed_after_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 60_000


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process."""

    mode: Mode = Mode.LIVE
    http_host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    http_port: Port = 9095
    snapshot_every_ms: Annotated[int, Meta(ge=1_000, le=3_600_000)] = 30_000
    top_polls: Annotated[int, Meta(ge=1, le=100)] = 20
    source: UriReference = "/pollwatch"
    log_level: LogLevel = LogLevel.INFO


@dataclass(frozen=True, slots=True)
class Console:
    """The web console."""

    host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    port: Port = 9096
    token_file: PathText = ""
    names: HostNames = ""

    @property
    def known_names(self) -> tuple[str, ...]:
        """The host names under which browsers may reach it, besides this machine's own and addresses."""
        return tuple(name for name in (part.strip().lower() for part in self.names.split(",")) if name)


class ModerationIds(StrEnum):
    """How moderation items call accounts: by their ids, or as everything else does."""

    KEPT = "kept"
    PSEUDONYMS = "pseudonyms"


@dataclass(frozen=True, slots=True)
class Privacy:
    """How accounts are called in what leaves."""

    key_file: PathText = ""
    moderation_ids: ModerationIds = ModerationIds.KEPT


@dataclass(frozen=True, slots=True)
class Canary:
    """A made-up poll that is flooded to see how soon that is found."""

    every_ms: Annotated[int, Meta(ge=0, le=7 * DAY_MS)] = 0


@dataclass(frozen=True, slots=True)
class Notify:
    """The process that posts alerts and moderation items to others; `targets` is a file that `config.targets` reads."""

    targets: PathText = ""
    group_id: Annotated[str, Meta(min_length=1, max_length=200)] = "pollwatch-notify"
    http_host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    http_port: Port = 9097


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator may set, one attribute for each section of the file."""

    kafka: Kafka = field(default_factory=Kafka)
    topics: Topics = field(default_factory=Topics)
    intake: Intake = field(default_factory=Intake)
    polls: ShardParams = field(default_factory=ShardParams)
    rate: RateParams = field(default_factory=RateParams)
    crowd: CrowdParams = field(default_factory=CrowdParams)
    shape: ShapeParams = field(default_factory=ShapeParams)
    lockstep: LockstepParams = field(default_factory=LockstepParams)
    copies: CopiesParams = field(default_factory=CopiesParams)
    cases: CaseParams = field(default_factory=CaseParams)
    decisions: DecisionParams = field(default_factory=DecisionParams)
    overload: Overload = field(default_factory=Overload)
    worker: Worker = field(default_factory=Worker)
    console: Console = field(default_factory=Console)
    privacy: Privacy = field(default_factory=Privacy)
    canary: Canary = field(default_factory=Canary)
    notify: Notify = field(default_factory=Notify)

    def dump(self) -> dict[str, dict[str, object]]:
        """Every setting by section and key, secrets left out: safe to print and to log."""
        return {
            section.name: {
                key.name: value
                for key in fields(getattr(self, section.name))
                if not isinstance(value := getattr(getattr(self, section.name), key.name), Secret)
            }
            for section in fields(self)
        }

    def digest(self) -> str:
        """Twelve hex digits that differ when findings may differ (`config_digest` of an alert).

        Covers [intake], [polls], [rate], [crowd], [shape], [lockstep], [copies], [cases] and `topics.partitions`. Addresses, names, ports,
        paths and secrets are left out, so that all workers of one deployment show one digest.
        """
        dump = self.dump()
        chosen: dict[str, object] = {
            f"{section}.{key}": value
            for section in ("intake", "polls", "rate", "crowd", "shape", "lockstep", "copies", "cases")
            for key, value in dump[section].items()
            if not key.endswith("_file")
        }
        chosen["topics.partitions"] = self.topics.partitions
        text = json.dumps(chosen, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]
