"""A batch of records parsed at the speed of one call, each record's answer as if it stood alone. Knows no columns, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec
import numpy as np

from detectors.columns import Int32s, int32s
from streams.decode_record import (
    MAX_NESTING,
    Event,
    EventDecoder,
    Refused,
    decode_one,
    is_utf8,
    may_be_deep,
)

RUN_RECORDS = 1024
"""Records parsed in one call, few enough to stay in the processor's cache until they are columns.

A bad one costs its run a second parse, record by record, and nothing else.
"""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Accepted records with their positions in the batch, and the refused ones, both in the batch's order."""

    events: Sequence[Event]
    index: Int32s
    refused: Sequence[Refused]


def parse(decoder: EventDecoder, values: Sequence[bytes | None], max_record_bytes: int) -> Iterator[Parsed]:
    """Parse every record of a batch or refuse it, a run at a time; no record has a say in what another one gets.

    There is at least one run, be it empty.
    """
    for start in range(0, max(1, len(values)), RUN_RECORDS):
        yield parse_run(decoder, values[start : start + RUN_RECORDS], start, max_record_bytes)


def parse_run(decoder: EventDecoder, run: Sequence[bytes | None], start: int, max_record_bytes: int) -> Parsed:
    """Parse the records of one run, of which the first is number `start` of its batch, or refuse them."""
    events = _parse_together(decoder, run, max_record_bytes)
    if events is None:
        return _parse_apart(decoder, run, start, max_record_bytes)
    return Parsed(events, np.arange(start, start + len(run), dtype=np.int32), [])


def _parse_apart(decoder: EventDecoder, run: Sequence[bytes | None], start: int, max_record_bytes: int) -> Parsed:
    events: list[Event] = []
    index: list[int] = []
    refused: list[Refused] = []
    for at, value in enumerate(run, start):
        one = decode_one(cast("msgspec.json.Decoder[Event]", decoder), value, at, max_record_bytes)
        if isinstance(one, Refused):
            refused.append(one)
        else:
            events.append(one)
            index.append(at)
    return Parsed(events, int32s(index), refused)


def _parse_together(
    decoder: EventDecoder, run: Sequence[bytes | None], max_record_bytes: int
) -> Sequence[Event] | None:
    """Parse a run in one call, or None when only record by record is sure to give each its own answer.

    Each record begins with { and ends with }. `}` newline `{` is not JSON inside any value, and a raw newline is
    not JSON inside a string, so no value can reach over a border; with as many values as records there is one each.
    """
    present = [value for value in run if value is not None]
    if not present or len(present) < len(run):
        return None
    joined = b"\n".join(present)
    if not _may_join(present, joined, max_record_bytes):
        return None
    try:
        events = decoder.decode_lines(joined)
    except msgspec.DecodeError:
        return None
    return events if len(events) == len(run) else None


def _may_join(run: Sequence[bytes], joined: bytes, max_record_bytes: int) -> bool:
    lengths = np.fromiter(map(len, run), dtype=np.int64, count=len(run))
    if lengths.min() == 0 or lengths.max() > max_record_bytes:
        return False
    text = np.frombuffer(joined, dtype=np.uint8)
    ends = np.cumsum(lengths + 1) - 1
    if (text[ends - lengths] != ord("{")).any() or (text[ends - 1] != ord("}")).any():
        return False
    openings = np.count_nonzero((text | 0x20) == ord("{"))  # [ and { differ in this bit alone
    if openings - len(run) >= MAX_NESTING and any(map(may_be_deep, run)):
        return False
    # a character cut off at a record's end is so with a newline behind it too
    return joined.isascii() or is_utf8(b"\n".join([value for value in run if not value.isascii()]))
