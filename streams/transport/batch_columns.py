"""The records of a batch that is not compressed, as columns or one by one. Layout: Kafka protocol, "Record Batch", magic 2.

Knows neither Faust nor aiokafka's consumer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from aiokafka.record.util import decode_varint

from compiled.library import COLUMN, INTEGER, address, function
from detectors.columns import Int64s
from streams.bytes_column import Bytes

Headers = tuple[tuple[str, bytes | None], ...]

HEADER = struct.Struct(">qiibIhiqqqhii")
_LOG_APPEND_TIME = 0x08
_read = function("pollwatch_record_batch", COLUMN, *[INTEGER] * 3, *[COLUMN] * 7)


class Record(NamedTuple):
    """A record with the names that aiokafka gives them."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class BatchColumns:
    """The records of one batch; `headers` by row, of those that have any."""

    offsets: Int64s
    timestamps_ms: Int64s
    keys: Bytes
    values: Bytes
    headers: dict[int, Headers]


def columns_of(plain: bytes | memoryview) -> BatchColumns | None:
    """Return all records (`compiled/record_batch.c`), or None when the batch is not as it must be."""
    first_offset, _, _, _, _, attributes, _, first_ms, last_ms, *_, count = HEADER.unpack_from(plain)
    if not 0 <= count <= len(plain):
        return None
    columns = [np.empty(count, np.int64) for _ in range(7)]
    if _read(address(np.frombuffer(plain, np.uint8)), len(plain), HEADER.size, count, *map(address, columns)) < 0:
        return None
    offset, time_ms, key_from, key_to, value_from, value_to, header_at = columns
    offset += first_offset
    time_ms = np.full(count, last_ms) if attributes & _LOG_APPEND_TIME else time_ms + first_ms
    try:
        headers = {row: _headers(plain, int(header_at[row])) for row in np.flatnonzero(header_at >= 0).tolist()}
    except (IndexError, ValueError):
        return None
    return BatchColumns(offset, time_ms, Bytes(plain, key_from, key_to), Bytes(plain, value_from, value_to), headers)


def _headers(body: bytes | memoryview, at: int) -> Headers:
    """Return the headers that begin there; letters that are none in their names become U+FFFD."""
    found, (left, at) = [], _varint(body, at)
    for _ in range(left):
        name, at = _bytes(body, at)
        content, at = _bytes(body, at)
        found.append(((name or b"").decode(errors="replace"), content))
    return tuple(found)


def records_of(plain: bytes | memoryview) -> Iterator[Record]:
    """Yield the records one by one, as far as they go."""
    first_offset, _, _, _, _, attributes, _, first_ms, last_ms, *_, count = HEADER.unpack_from(plain)
    at = HEADER.size
    stamp = bool(attributes & _LOG_APPEND_TIME)
    for _ in range(count):
        length, at = _varint(plain, at)
        end = at + length
        delta_ms, at = _varint(plain, at + 1)  # after its attributes, of which there are none yet
        delta, at = _varint(plain, at)
        key, at = _bytes(plain, at)
        value, at = _bytes(plain, at)
        headers = list(_headers(plain, at))
        yield Record(first_offset + delta, last_ms if stamp else first_ms + delta_ms, int(stamp), key, value, headers)
        at = end


def _varint(body: bytes | memoryview, at: int) -> tuple[int, int]:
    value, size = decode_varint(bytes(body[at : at + 10]), 0)
    return value, at + size


def _bytes(body: bytes | memoryview, at: int) -> tuple[bytes | None, int]:
    length, at = _varint(body, at)
    return (bytes(body[at : at + length]), at + length) if length >= 0 else (None, at)
