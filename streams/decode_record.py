"""One record: the fields it may have, their limits, and the named reason why it is refused. Knows no batch and no clock."""

from __future__ import annotations

import enum
import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias, TypeVar

import msgspec
import numpy as np
from msgspec import Meta

MAX_NESTING = 64
"""Deeper JSON is refused: how deep the parser could go otherwise depends on the caller's stack, and so would the answer."""

if TYPE_CHECKING:
    Country = str
else:
    # a fixed set costs nothing to match; a pattern costs half as much again as decoding the whole record
    Country = Literal[tuple(a + b for a in string.ascii_letters for b in string.ascii_letters)]

Id = Annotated[str, Meta(min_length=1, max_length=128)]
# integers stay exact in every JSON implementation up to 2**53
TimeMs = Annotated[int, Meta(ge=0, le=2**53)]
CreatedMs = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class Event(msgspec.Struct, gc=False, kw_only=True):
    """What votes and replies share. Of a key that stands twice the last value counts, and each must be well typed."""

    event_id: Id
    """Unique; the same id again is the same event, and counts once."""
    poll_id: Id
    """The poll it is about."""
    account_id: Id
    """Who it is from; the same in all polls. Where it is a name and not a number, it can be evidence."""
    ts: TimeMs
    """When the person did it, milliseconds since 1970, UTC."""
    account_created_at: CreatedMs | None = None
    """When the account was made, milliseconds since 1970, UTC."""
    followers: Count | None = None
    """How many follow the account."""
    client: str | None = None
    """Family of the application, such as `web` or `android`."""
    network: str | None = None
    """Opaque id of the network: a hashed prefix or a number of an autonomous system."""
    country: Country | None = None
    """ISO 3166, two letters, either case."""
    referrer: str | None = None
    """Opaque id of the post or page that the person came from."""


class Vote(Event, gc=False, kw_only=True):
    """A vote of the votes topic."""

    option: Id
    """The answer chosen; an account's last vote in a poll counts."""


class Reply(Event, gc=False, kw_only=True):
    """A reply of the replies topic."""

    text: Annotated[str, Meta(max_length=10_000)]
    """What was written. Detectors see a sketch of it, and no alert quotes it."""
    option: ClassVar[None] = None


class RecordedVote(Vote, gc=False, kw_only=True, tag_field="type", tag="vote"):
    """A vote of a recording, which says itself what it is."""


class RecordedReply(Reply, gc=False, kw_only=True, tag_field="type", tag="reply"):
    """A reply of a recording."""


class _AnyObject(msgspec.Struct, gc=False):
    """Matches every JSON object: parses it whole and keeps nothing."""


EventDecoder: TypeAlias = "msgspec.json.Decoder[Vote] | msgspec.json.Decoder[Reply] | msgspec.json.Decoder[RecordedVote | RecordedReply]"
_Record = TypeVar("_Record")
_any_object = msgspec.json.Decoder(_AnyObject)


class Refusal(enum.StrEnum):
    """Why a record is not counted. A closed set: each is a metric label and the dead letter's exception class."""

    NO_VALUE = "no_value"  # a tombstone: the record has no value at all
    TOO_LARGE = "too_large"  # over the largest record allowed
    TOO_DEEP = "too_deep"  # nested deeper than MAX_NESTING
    NOT_JSON = "not_json"  # not one JSON value in UTF-8
    NOT_OBJECT = "not_object"  # JSON, but no object
    MISSING_FIELD = "missing_field"  # without a field that is required
    WRONG_TYPE = "wrong_type"  # a field of another type than it must be
    TOO_LONG = "too_long"  # a string over its length
    BAD_VALUE = "bad_value"  # well typed, but empty, out of range, or a country that is not two letters
    UNKNOWN_TYPE = "unknown_type"  # in a recording: `type` is neither vote nor reply
    IN_FUTURE = "in_future"  # `ts` too far ahead of the record's own timestamp
    TOO_OLD = "too_old"  # `ts` too far behind it


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that is not counted: its position in the batch, the reason, and one printable line that names the field."""

    index: int
    reason: Refusal
    message: str


# msgspec tells what is wrong only in words; the first that fits decides, and tests hold every one of them
_WORDS: tuple[tuple[str, Refusal], ...] = (
    ("Object missing required field", Refusal.MISSING_FIELD),
    ("Expected `str` of length <=", Refusal.TOO_LONG),
    ("Expected `str` of length >=", Refusal.BAD_VALUE),
    ("Expected `str` matching regex", Refusal.BAD_VALUE),
    ("Expected `array` of length <=", Refusal.TOO_LONG),
    ("Expected `array` of length >=", Refusal.BAD_VALUE),
    ("Expected `int` >=", Refusal.BAD_VALUE),
    ("Expected `int` <=", Refusal.BAD_VALUE),
    ("Integer value out of range", Refusal.BAD_VALUE),
    ("Invalid enum value", Refusal.BAD_VALUE),
    ("Invalid value", Refusal.UNKNOWN_TYPE),
    ("Expected", Refusal.WRONG_TYPE),
)
_STRINGS = re.compile(
    rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL
)  # an open string runs to the end: no second scan of the rest
_MESSAGE_CHARS = 160


def decode_one(
    decoder: msgspec.json.Decoder[_Record], value: bytes | None, index: int, max_record_bytes: int
) -> _Record | Refused:
    """Decode one record on its own, or say why not. The batch decoder gives the same answer for every record."""
    if value is None:
        return Refused(index, Refusal.NO_VALUE, "the record has no value")
    if len(value) > max_record_bytes:
        return Refused(
            index, Refusal.TOO_LARGE, f"{len(value)} bytes, at most {max_record_bytes} are allowed"
        )
    if may_be_deep(value) and _depth(value) > MAX_NESTING:
        return Refused(index, Refusal.TOO_DEEP, f"nested deeper than {MAX_NESTING}")
    if not is_utf8(value):
        return Refused(index, Refusal.NOT_JSON, "not UTF-8")
    try:
        return decoder.decode(value)
    except msgspec.DecodeError as error:
        return _explain(value, index, error)


def may_be_deep(value: bytes) -> bool:
    """Whether the record has so many opening brackets that it could be nested too deeply."""
    return value.count(b"{") + value.count(b"[") > MAX_NESTING


def is_utf8(value: bytes) -> bool:
    """Whether the bytes are UTF-8. The parser looks only at the strings it keeps."""
    if value.isascii():
        return True
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _depth(value: bytes) -> int:
    marks = np.frombuffer(_STRINGS.sub(b"", value), dtype=np.uint8) | 0x20
    steps = (marks == ord("{")).astype(np.int32) - (marks == ord("}"))
    return int(np.cumsum(steps).max(initial=0))


def _explain(value: bytes, index: int, error: msgspec.DecodeError) -> Refused:
    # a record cut off behind an ill-typed field is first of all not JSON
    try:
        _any_object.decode(value)
    except msgspec.ValidationError as shape:
        return Refused(index, Refusal.NOT_OBJECT, str(shape))
    except msgspec.DecodeError as malformed:
        return Refused(index, Refusal.NOT_JSON, str(malformed))
    words = str(error)
    reason = next((reason for start, reason in _WORDS if words.startswith(start)), Refusal.WRONG_TYPE)
    return Refused(index, reason, _one_line(words))


def _one_line(words: str) -> str:
    """Make what the parser said printable and short: it may quote the record."""
    what, _, where = words.rpartition(" - at `$.")
    line = f"{where.rstrip('`')}: {what}" if what else words
    return line.encode("unicode_escape").decode("ascii")[:_MESSAGE_CHARS]
