"""Record batches as brokers send them, read so that no batch that a broker took can stop a partition.

aiokafka's own reader raises where the name of a header is not UTF-8, and unpacks whatever a batch unpacks to. Brokers take both, and a
partition whose next batch can't be read stands still for ever. Reaches into aiokafka 0.14: `fetcher.MemoryRecords`,
`_MemoryRecordsPy`, `DefaultRecordBatch`. Layout of a batch: Kafka protocol, "Record Batch", magic 2. Must not know Faust.
"""

from __future__ import annotations

import io
import logging
import struct
from collections.abc import Callable, Iterator
from gzip import GzipFile
from typing import Any, NamedTuple

import zstandard
from aiokafka.codec import lz4_decode, snappy_decode
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.record.util import decode_varint

MOST_UNPACKED_BYTES = 64 << 20
"""Votes shrink to a tenth or twentieth, and a batch is 1 MB unless its topic takes more; beyond this it is made to do harm."""
_HEADER = struct.Struct(">qiibIhiqqqhii")
_LENGTH_AT, _ATTRIBUTES_AT = 8, 21
_CODEC, _LOG_APPEND_TIME = 0x07, 0x08

logger = logging.getLogger(__name__)


class Record(NamedTuple):
    """A record with the names that aiokafka gives them."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def read_leniently() -> None:
    """Have every consumer of this process read batches as this file does."""
    fetcher.MemoryRecords = LenientRecords


class LenientRecords(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka has no types
    """The batches of one answer for one partition."""

    def next_batch(self) -> Any:
        """Return the next batch, None after the last."""
        raw = self._next_slice
        batch = super().next_batch()
        return LenientBatch(batch, raw) if isinstance(batch, DefaultRecordBatch) else batch


class LenientBatch:
    """One batch; what it says of itself is aiokafka's, its records are read here. One that unpacks to too much is one record
    without a value, at its last offset, which the decoder refuses."""

    def __init__(self, checked: Any, raw: memoryview) -> None:
        self._checked = checked
        self._raw = raw
        self._records: Iterator[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._checked, name)

    def __iter__(self) -> Iterator[Any]:
        if self._records is None:
            self._records = self._read()
        return self._records

    def __next__(self) -> Any:
        return next(iter(self))

    def _read(self) -> Iterator[Any]:
        plain = unpacked(self._raw)
        if plain is None:
            last, stamp_ms = self._checked.next_offset - 1, self._checked.max_timestamp
            logger.error("a batch unpacks to more than %d bytes: offsets up to %d are refused", MOST_UNPACKED_BYTES, last)
            yield Record(last, stamp_ms, self._checked.timestamp_type, None, None, [])
            return
        given = 0
        try:
            for record in DefaultRecordBatch(plain):
                yield record
                given += 1
        except UnicodeDecodeError:
            yield from list(records_of(plain))[given:]


def unpacked(raw: bytes | memoryview) -> bytes | memoryview | None:
    """Return a batch with its records not compressed, None when they are more than `MOST_UNPACKED_BYTES`.

    Its checksum is that of the compressed one.
    """
    (attributes,) = struct.unpack_from(">h", raw, _ATTRIBUTES_AT)
    codec = attributes & _CODEC
    if codec not in _UNPACK:
        return raw
    head = bytearray(raw[: _HEADER.size])
    records = _UNPACK[codec](bytes(raw[_HEADER.size :]))
    if len(records) > MOST_UNPACKED_BYTES:
        return None
    struct.pack_into(">h", head, _ATTRIBUTES_AT, attributes & ~_CODEC)
    struct.pack_into(">i", head, _LENGTH_AT, len(head) + len(records) - _LENGTH_AT - 4)
    return bytes(head) + records


def records_of(plain: bytes | memoryview) -> Iterator[Record]:
    """Yield the records of a batch that is not compressed; letters that are none in names of headers become U+FFFD."""
    first_offset, _, _, _, _, attributes, _, first_ms, last_ms, *_, count = _HEADER.unpack_from(plain)
    buffer, at = bytearray(plain), _HEADER.size
    stamp = bool(attributes & _LOG_APPEND_TIME)
    for _ in range(count):
        _, at = decode_varint(buffer, at)  # its length
        delta_ms, at = decode_varint(buffer, at + 1)  # after its attributes, of which there are none yet
        delta, at = decode_varint(buffer, at)
        key, at = _bytes(buffer, at)
        value, at = _bytes(buffer, at)
        headers = []
        headers_left, at = decode_varint(buffer, at)
        for _ in range(headers_left):
            name, at = _bytes(buffer, at)
            content, at = _bytes(buffer, at)
            headers.append(((name or b"").decode(errors="replace"), content))
        yield Record(first_offset + delta, last_ms if stamp else first_ms + delta_ms, int(stamp), key, value, headers)


def _bytes(buffer: bytearray, at: int) -> tuple[bytes | None, int]:
    length, at = decode_varint(buffer, at)
    return (bytes(buffer[at : at + length]), at + length) if length >= 0 else (None, at)


def _gzip(packed: bytes) -> bytes:
    return GzipFile(fileobj=io.BytesIO(packed)).read(MOST_UNPACKED_BYTES + 1)


def _zstd(packed: bytes) -> bytes:
    reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
    return reader.read(MOST_UNPACKED_BYTES + 1)


_UNPACK: dict[int, Callable[[bytes], bytes]] = {1: _gzip, 2: snappy_decode, 3: lz4_decode, 4: _zstd}
"""By Kafka's number of the codec. LZ4 makes 255 bytes of one at most, Snappy 21: 1 MB of them does no harm."""
