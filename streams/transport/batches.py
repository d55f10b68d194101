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
from typing import Any

import zstandard
from aiokafka.codec import lz4_decode, snappy_decode
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import _MemoryRecordsPy
from crc32c import crc32c

from streams.transport.batch_columns import HEADER, BatchColumns, Record, columns_of, records_of

MOST_UNPACKED_BYTES = 64 << 20
"""Votes shrink to a tenth or twentieth, and a batch is 1 MB unless its topic takes more; beyond this it is made to do harm."""
_LENGTH_AT, _ATTRIBUTES_AT = 8, 21
_CODEC = 0x07

logger = logging.getLogger(__name__)


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

    def validate_crc(self) -> bool:
        """Tell whether the checksum is right. The processor's own instruction takes a tenth of the time that aiokafka takes."""
        return bool(crc32c(self._raw[_ATTRIBUTES_AT:]) == self._checked.crc)

    def __iter__(self) -> Iterator[Any]:
        if self._records is None:
            self._records = self._read()
        return self._records

    def __next__(self) -> Any:
        return next(iter(self))

    def columns(self) -> BatchColumns | None:
        """Return all records, if there is nothing unusual about any; else None, and they are to be iterated over."""
        plain = unpacked(self._raw)
        return None if plain is None else columns_of(plain)

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
    head = bytearray(raw[: HEADER.size])
    records = _UNPACK[codec](bytes(raw[HEADER.size :]))
    if len(records) > MOST_UNPACKED_BYTES:
        return None
    struct.pack_into(">h", head, _ATTRIBUTES_AT, attributes & ~_CODEC)
    struct.pack_into(">i", head, _LENGTH_AT, len(head) + len(records) - _LENGTH_AT - 4)
    return bytes(head) + records


def _gzip(packed: bytes) -> bytes:
    return GzipFile(fileobj=io.BytesIO(packed)).read(MOST_UNPACKED_BYTES + 1)


def _zstd(packed: bytes) -> bytes:
    reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
    return reader.read(MOST_UNPACKED_BYTES + 1)


_UNPACK: dict[int, Callable[[bytes], bytes]] = {1: _gzip, 2: snappy_decode, 3: lz4_decode, 4: _zstd}
"""By Kafka's number of the codec. LZ4 makes 255 bytes of one at most, Snappy 21: 1 MB of them does no harm."""
