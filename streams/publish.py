"""What leaves the system, as bytes: alerts in their CloudEvents envelope and the running estimates; and the schemas of what is published."""

from __future__ import annotations

import msgspec

from detectors.alert import Alert, AlertType, Integrity
from detectors.cases.decision import Decision
from detectors.cases.moderation import ModerationItem
from detectors.cases.news import Revision
from detectors.cases.sentences import timestamp

_TYPES: dict[str, AlertType] = {
    "opened": "pollwatch.alert.opened.v1",
    "updated": "pollwatch.alert.updated.v1",
    "resolved": "pollwatch.alert.resolved.v1",
    "retracted": "pollwatch.alert.retracted.v1",
}
_encoder = msgspec.json.Encoder()


def alert(revision: Revision, source: str) -> Alert:
    """Return the alert that publishes a revision; the same revision gives the same alert."""
    data = revision.data
    return Alert(
        specversion="1.0",
        id=f"{data.case_id}:{data.revision}",
        source=source,
        type=_TYPES[revision.news],
        subject=data.poll_ids[0],
        time=timestamp(data.updated_ms),
        datacontenttype="application/json",
        data=data,
    )


def to_json(value: Alert | Integrity | ModerationItem) -> bytes:
    """Return a value as one line of JSON."""
    return _encoder.encode(value)


def alert_schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) that every alert validates against."""
    return _schema(Alert, "alert", "Pollwatch alert, version 1")


def moderation_schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) that every moderation item validates against."""
    return _schema(ModerationItem, "moderation", "Pollwatch moderation item, version 1")


def decision_schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) of a decision; fields it does not name are passed over."""
    return _schema(Decision, "decision", "Pollwatch decision, version 1")


def _schema(kind: type, name: str, title: str) -> dict[str, object]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:pollwatch:{name}:v1",
        "title": title,
        **msgspec.json.schema(kind),
    }
