"""Snapshots of shards and cases in the compacted state topic: written in chunks, a manifest last, then the older ones go.

A snapshot is complete when its manifest and all chunks are there and the digest is right; anything else is passed over.
It is packed and sent a chunk at a time, so that nothing large is held but the state itself.
Key: `<stage>/<number>/<offset>/<chunk or "manifest">`; `offset` is where reading goes on after it was restored.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import defaultdict
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import zstandard
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.metric_labels import Sink
from streams.outbox import Outbox

FORMAT = 2
CHUNK_BYTES = 512 * 1024
_MANIFEST = "manifest"
# MessagePack's first bytes of a map and an array with at most 65,535 entries, and of bytes
_MAP_16, _ARRAY_16, _BIN_32 = 0xDE, 0xDC, 0xC6
_FEW = 100  # larger lists and maps hold small things: they are encoded at once
_PATIENCE_MS = 10_000

logger = logging.getLogger(__name__)


class UnreadableSnapshot(Exception):
    """The newest snapshot was written in a format this code does not know."""


class Manifest(msgspec.Struct):
    """What belongs to a snapshot."""

    format: int
    chunks: int
    bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state and the offset at which reading goes on."""

    offset: int
    state: Any


@dataclass
class _Found:
    chunks: dict[str, bytes] = field(default_factory=dict)


class SnapshotStore:
    """The snapshots of one stage's partition; `number` is the shard, or the number of shards for the cases."""

    def __init__(self, outbox: Outbox, connection: dict[str, Any], topic: str, stage: str, number: int) -> None:
        self._outbox = outbox
        self._connection = connection
        self._topic = topic
        self._name = f"{stage}/{number}"
        self._number = number
        self._keys: dict[int, list[bytes]] = {}

    async def write(self, snapshot: Snapshot) -> int:
        """Write a snapshot, wait until the brokers hold it, then drop the older ones. Return its size in bytes."""
        pieces, digest, size = pack(snapshot.state), _digest(), 0
        keys: list[bytes] = []
        sent: list[Awaitable[Any]] = []
        while chunk := await asyncio.to_thread(next_chunk, pieces):
            keys.append(self._key(snapshot.offset, str(len(keys))))
            digest.update(chunk)
            size += len(chunk)
            sent.append(await self._put(keys[-1], chunk))
        await asyncio.gather(*sent)
        manifest = Manifest(FORMAT, len(keys), size, digest.hexdigest())
        keys.append(self._key(snapshot.offset, _MANIFEST))
        await (await self._put(keys[-1], msgspec.json.encode(manifest)))
        older = [key for offset, old in self._keys.items() if offset < snapshot.offset for key in old]
        await asyncio.gather(*[await self._put(key, None) for key in older])
        self._keys = {snapshot.offset: keys}
        return size

    async def read(self) -> Snapshot | None:
        """Return the newest complete snapshot, or None. Raises `UnreadableSnapshot` for one of another format."""
        found = await self._read_topic()
        self._keys = {offset: [self._key(offset, c) for c in f.chunks] for offset, f in found.items()}
        for offset in sorted(found, reverse=True):
            chunks = self._complete(offset, found.pop(offset).chunks)
            if chunks is not None:
                found.clear()
                return Snapshot(offset, await asyncio.to_thread(unpack, chunks))
        return None

    def _complete(self, offset: int, found: dict[str, bytes]) -> list[bytes] | None:
        if _MANIFEST not in found:
            logger.warning("snapshot %s at offset %d has no manifest: passed over", self._name, offset)
            return None
        manifest = msgspec.json.decode(found[_MANIFEST], type=Manifest)
        if manifest.format != FORMAT:
            raise UnreadableSnapshot(
                f"snapshot {self._name} at offset {offset} has format {manifest.format}, not {FORMAT}: "
                "run the version that wrote it, or reprocess without it"
            )
        chunks, digest = [found.get(str(number), b"") for number in range(manifest.chunks)], _digest()
        for chunk in chunks:
            digest.update(chunk)
        if sum(map(len, chunks)) != manifest.bytes or digest.hexdigest() != manifest.digest:
            logger.warning("snapshot %s at offset %d is damaged: passed over", self._name, offset)
            return None
        return chunks

    async def _put(self, key: bytes, value: bytes | None) -> Awaitable[Any]:
        return await self._outbox.send(Sink.STATE, self._topic, self._number, key, value)

    async def _read_topic(self) -> dict[int, _Found]:
        tp = TopicPartition(self._topic, self._number)
        consumer = AIOKafkaConsumer(**self._connection, enable_auto_commit=False, auto_offset_reset="earliest")
        await consumer.start()
        found: dict[int, _Found] = defaultdict(_Found)
        try:
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            await consumer.seek_to_beginning(tp)
            while await consumer.position(tp) < end:
                for record in (await consumer.getmany(tp, timeout_ms=_PATIENCE_MS)).get(tp, []):
                    self._note(record, found)
        finally:
            await consumer.stop()
        return {offset: f for offset, f in found.items() if f.chunks}

    def _note(self, record: Any, found: dict[int, _Found]) -> None:
        name, offset, chunk = record.key.decode().rsplit("/", 2)
        if name != self._name:
            return
        if record.value is None:
            found[int(offset)].chunks.pop(chunk, None)
        else:
            found[int(offset)].chunks[chunk] = record.value

    def _key(self, offset: int, chunk: str) -> bytes:
        return f"{self._name}/{offset}/{chunk}".encode()


def pack(state: Any) -> Iterator[bytes]:
    """Yield a state as MessagePack, compressed, in chunks of CHUNK_BYTES but for the last."""
    chunker = zstandard.ZstdCompressor(level=1).chunker(chunk_size=CHUNK_BYTES)
    for piece in _pieces(state):
        yield from chunker.compress(piece)
    yield from chunker.finish()  # type: ignore[no-untyped-call]


def next_chunk(chunks: Iterator[bytes]) -> bytes:
    """Return the next chunk, no bytes after the last."""
    return next(chunks, b"")


def _pieces(value: Any) -> Iterator[bytes]:
    """Yield MessagePack in pieces whose concatenation is the value; columns of bytes as they are, without a copy."""
    if isinstance(value, dict) and len(value) <= _FEW:
        yield bytes([_MAP_16]) + len(value).to_bytes(2, "big")
        for name, part in value.items():
            yield msgspec.msgpack.encode(name)
            yield from _pieces(part)
    elif isinstance(value, list) and len(value) <= _FEW:
        yield bytes([_ARRAY_16]) + len(value).to_bytes(2, "big")
        for part in value:
            yield from _pieces(part)
    elif isinstance(value, bytes):
        yield bytes([_BIN_32]) + len(value).to_bytes(4, "big")
        yield value
    else:
        yield msgspec.msgpack.encode(value)


def unpack(chunks: list[bytes]) -> Any:
    """Return the state that `pack` was given; `chunks` is empty afterwards, so that they take no memory beside it."""
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    plain = bytearray()
    while chunks:
        plain += unpacker.decompress(chunks.pop(0))
    return msgspec.msgpack.decode(plain)


def _digest() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)
