"""Reads what the topics hold of one case: from their beginnings to where they end now, without a group, and nothing else is kept."""

from __future__ import annotations

import msgspec

from config import Settings, TopicRole
from detectors.alert import Alert
from detectors.cases.decision import Decision
from detectors.cases.moderation import ModerationItem
from streams.explain.history import Told
from streams.tail import Read, TopicTail

_ROLES = (TopicRole.ALERTS, TopicRole.MODERATION, TopicRole.VERDICTS)
_DECODERS: dict[TopicRole, msgspec.json.Decoder[Alert] | msgspec.json.Decoder[ModerationItem] | msgspec.json.Decoder[Decision]] = {
    TopicRole.ALERTS: msgspec.json.Decoder(Alert),
    TopicRole.MODERATION: msgspec.json.Decoder(ModerationItem),
    TopicRole.VERDICTS: msgspec.json.Decoder(Decision),
}


class ExplainError(Exception):
    """A case can't be explained: one line that says what to do."""


def told_of(settings: Settings, case_id: str) -> Told:
    """Return what the topics hold of a case. Raises ExplainError, and TailError when Kafka refuses."""
    told = Told(case_id)
    with TopicTail(settings, _ROLES, from_start=True) as tail:
        for record in tail.whole():
            if record.value is not None and case_id.encode() in record.value:
                _hear(record, told)
    return told


def _hear(record: Read, told: Told) -> None:
    try:
        told.hear(_DECODERS[record.role].decode(record.value or b""))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # anybody may write to the topic of decisions; what was refused there changed nothing
        if record.role is not TopicRole.VERDICTS:
            raise ExplainError(f"{record.stands} was written by another version than this one: {error}") from error
