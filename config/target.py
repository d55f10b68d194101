"""Whom `pollwatch notify` posts to: one target as frozen data. Owns names, types, ranges and defaults; reads no file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from config.schema import PathText

NAME = r"[a-z0-9][a-z0-9-]{0,31}"
"""What a target may be called: the name is a label of metrics, and stands in what is committed to Kafka."""
MOST_TARGETS = 32
"""Names and offsets of all targets go into one commit, for which brokers keep 4,096 bytes."""

Text = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,200}$", description="1 to 200 characters without control characters")]


class Format(StrEnum):
    """How a message is put for its receiver."""

    GENERIC = "generic"
    SLACK = "slack"
    ALERTMANAGER = "alertmanager"
    COOP = "coop"


class Sends(StrEnum):
    """What a target gets."""

    ALERTS = "alerts"
    MODERATION = "moderation"


class OfSeverity(StrEnum):
    """A severity that is asked for (`detectors.alert.Severity`)."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class OfVerdict(StrEnum):
    """A verdict that is asked for (`detectors.alert.Verdict`)."""

    ORGANIC = "organic"
    COORDINATED = "coordinated"
    MIXED = "mixed"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True, slots=True)
class Target:
    """One receiver; the section `[NAME]` of the targets file. Files are named here and read by who posts.

    format: how messages are put.
    url: where they are posted; `url_file` instead where the address itself is a secret.
    secret_file: secrets that sign, one a line; `authorization_file`: the value of that header; `api_key_file`: Coop's key.
    ca_file: PEM of the authorities that may sign the receiver's certificate; empty: those of the operating system.
    allow_http: let what is sent be read on the way, where the address is not on this machine.
    timeout_ms: how long one request may take, answer included.
    sends: alerts or moderation items.
    severities, verdicts: which alerts; empty: all.
    shadow: also what a worker in shadow mode says, which nobody should be woken for.
    reporter_type, reporter_id, item_type, account_type, policy: ids that were given out in Coop.
    """

    format: Format = Format.GENERIC
    url: Text = ""
    url_file: PathText = ""
    secret_file: PathText = ""
    authorization_file: PathText = ""
    api_key_file: PathText = ""
    ca_file: PathText = ""
    allow_http: bool = False
    timeout_ms: Annotated[int, Meta(ge=100, le=60_000)] = 10_000
    sends: Sends = Sends.ALERTS
    severities: tuple[OfSeverity, ...] = ()
    verdicts: tuple[OfVerdict, ...] = ()
    shadow: bool = False
    reporter_type: Text = ""
    reporter_id: Text = ""
    item_type: Text = ""
    account_type: Text = ""
    policy: Text = ""
