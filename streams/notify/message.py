"""A record of an output topic as what has to be posted: which case, which revision, and what decides who gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from config import TopicRole

Partition: TypeAlias = tuple[str, int]
"""Topic and partition; the clients' own types equal it."""

CaseId = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
Number = Annotated[int, Meta(ge=1, lt=2**53)]
Part = Annotated[int, Meta(ge=1, le=10_000)]
"""A case names 100,000 accounts at most, 500 a part."""


class Suspect(msgspec.Struct, frozen=True):
    """Votes that a case makes suspect, and their share of the poll's votes with its 95 % interval."""

    votes: int
    share: float
    share_low: float
    share_high: float


class Outcome(msgspec.Struct, frozen=True):
    """Whether another option leads without the suspect votes."""

    flips: str


class OfPoll(msgspec.Struct, frozen=True):
    """What a case says of one poll."""

    poll_id: str
    suspect: Suspect
    outcome: Outcome


class Reason(msgspec.Struct, frozen=True):
    """One reason for a side."""

    direction: str
    sentence: str


class Recommended(msgspec.Struct, frozen=True):
    """What a person may want to do, until when, and whether it is only to be looked at."""

    action: str
    mode: str
    expires_ms: int


class Review(msgspec.Struct, frozen=True):
    """The decision of a person that stands, and how many there were."""

    decision: str
    by: str
    count: int


class CaseData(msgspec.Struct, frozen=True):
    """What is needed of an alert's `data`; newer fields are passed over."""

    case_id: CaseId
    revision: Number
    poll_ids: Annotated[list[str], Meta(min_length=1)]
    kinds: list[str]
    verdict: str
    confidence: float
    score: float
    severity: str
    opened_ms: int
    updated_ms: int
    polls: list[OfPoll]
    evidence: list[Reason]
    recommended: Recommended
    summary: str
    merged_into: str | None = None
    review: Review | None = None


class Alert(msgspec.Struct, frozen=True):
    """What is needed of an alert."""

    id: str
    type: Annotated[str, Meta(pattern=r"^pollwatch\.alert\.[a-z]+\.v1$")]
    data: CaseData

    @property
    def news(self) -> str:
        """`opened`, `updated`, `resolved` or `retracted`."""
        return self.type.split(".")[2]


class Account(msgspec.Struct, frozen=True):
    """An account that is named, how sure and why."""

    account_id: str
    score: float
    reasons: list[str]


class Item(msgspec.Struct, frozen=True):
    """What is needed of a moderation item."""

    case_id: CaseId
    revision: Number
    part: Part
    parts: Part
    poll_ids: list[str]
    accounts: list[Account]
    cleared: list[str]
    evidence: list[Reason]
    recommended: Recommended
    merged_into: str | None
    created_ms: int


@dataclass(frozen=True, slots=True)
class Message:
    """One record: where it stands, when the broker took it, its bytes, and what they say.

    `void` are parts that an earlier revision of the case had and this one has no more; only the first message of a revision
    that a target is sent carries them.
    """

    partition: Partition
    offset: int
    at_ms: int
    value: bytes
    said: Alert | Item
    void: range = range(0)

    @property
    def case(self) -> tuple[str, str]:
        """Messages that must arrive in order: those of one case in one topic."""
        return self.partition[0], self.said_case

    @property
    def said_case(self) -> str:
        """The id of the case."""
        return self.said.data.case_id if isinstance(self.said, Alert) else self.said.case_id

    @property
    def key(self) -> str:
        """What is the same however often it is posted: `<case_id>:<revision>`, of an item `<case_id>:<part>:<revision>`."""
        if isinstance(self.said, Alert):
            return f"{self.said.data.case_id}:{self.said.data.revision}"
        return f"{self.said.case_id}:{self.said.part}:{self.said.revision}"


_decoders: dict[TopicRole, msgspec.json.Decoder[Alert] | msgspec.json.Decoder[Item]] = {
    TopicRole.ALERTS: msgspec.json.Decoder(Alert),
    TopicRole.MODERATION: msgspec.json.Decoder(Item),
}


def read_message(role: TopicRole, partition: Partition, offset: int, at_ms: int, value: bytes | None) -> Message:
    """Return the record of a topic as a message. Raises msgspec.DecodeError when it is none."""
    try:
        said = _decoders[role].decode(value or b"")
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error
    return Message(partition, offset, at_ms, value or b"", said)
