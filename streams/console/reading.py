"""Records of the output topics as typed values, from workers of any version: fields not known here are passed over. Pure.

Everything raises msgspec.DecodeError (msgspec.ValidationError is one) where a record is not what its topic holds.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from detectors.alert import Alert, Integrity
from detectors.cases.decision import Decision
from detectors.cases.moderation import ModerationItem

_YEAR_10000_MS = 253_402_300_800_000

Value = TypeVar("Value")


class Poll(msgspec.Struct, frozen=True):
    """What makes a poll's page nicer (`poll.polls`)."""

    poll_id: str
    title: str = ""


def alert(value: bytes) -> Alert:
    """Return an alert."""
    found = _read(value, Alert)
    data = found.data
    review = [] if data.review is None else [data.review.decided_ms]
    _check_times(data.opened_ms, data.updated_ms, data.window.start_ms, data.window.end_ms, *review)
    return found


def item(value: bytes) -> ModerationItem:
    """Return a moderation item."""
    found = _read(value, ModerationItem)
    _check_times(found.created_ms)
    return found


def estimate(value: bytes) -> Integrity:
    """Return a poll's running estimate."""
    found = _read(value, Integrity)
    _check_times(found.updated_ms)
    return found


def decision(value: bytes) -> Decision:
    """Return a decision."""
    found = _read(value, Decision)
    _check_times(found.ts)
    return found


def poll(value: bytes) -> Poll:
    """Return what a poll is called."""
    return _read(value, Poll)


def _read(value: bytes, kind: type[Value]) -> Value:
    try:
        try:
            return msgspec.json.decode(value, type=kind)
        except msgspec.ValidationError:
            # once more without the fields that a newer version may have added
            return msgspec.convert(_known(msgspec.json.decode(value), _type_info(kind)), kind)  # type: ignore[arg-type]
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error


def _check_times(*times_ms: int) -> None:
    """Refuse times that no calendar has: they could not be shown."""
    if any(abs(at_ms) >= _YEAR_10000_MS for at_ms in times_ms):
        raise msgspec.ValidationError("a time is beyond the year 9999")


@cache
def _type_info(kind: type) -> inspect.Type:
    return inspect.type_info(kind)


def _known(value: Any, kind: inspect.Type) -> Any:
    """Return a JSON value without what its type does not name."""
    match kind:
        case inspect.Metadata():
            return _known(value, kind.type)
        case inspect.StructType() if isinstance(value, dict):
            fields = [field for field in kind.fields if field.encode_name in value]
            return {field.encode_name: _known(value[field.encode_name], field.type) for field in fields}
        case inspect.ListType() if isinstance(value, list):
            return [_known(one, kind.item_type) for one in value]
        case inspect.DictType() if isinstance(value, dict):
            return {name: _known(one, kind.value_type) for name, one in value.items()}
        case inspect.UnionType() if isinstance(value, dict):
            structs = [one for one in kind.types if isinstance(one, inspect.StructType)]
            return _known(value, structs[0]) if structs else value
    return value
