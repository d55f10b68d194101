"""Snapshots of shards and cases in the compacted state topic: written in chunks, a manifest last, then the older ones go.

A snapshot is complete when its manifest and all chunks are there and the digest is right; anything else is passed over.
Key: `<stage>/<number>/<offset>/<chunk or "manifest">`; `offset` is where reading goes on after it was restored.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import msgspec
import zstandard
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.metric_labels import Sink
from streams.outbox import Outbox

FORMAT = 1
CHUNK_BYTES = 512 * 1024
_MANIFEST = "manifest"
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
        packed = await asyncio.to_thread(_pack, snapshot.state)
        chunks = [packed[at : at + CHUNK_BYTES] for at in range(0, len(packed), CHUNK_BYTES)]
        keys = [self._key(snapshot.offset, str(number)) for number in range(len(chunks))]
        await self._send(list(zip(keys, chunks, strict=True)))
        manifest = Manifest(FORMAT, len(chunks), len(packed), _digest(packed))
        manifest_key = self._key(snapshot.offset, _MANIFEST)
        await self._send([(manifest_key, msgspec.json.encode(manifest))])
        older = [key for offset, old in self._keys.items() if offset < snapshot.offset for key in old]
        await self._send([(key, None) for key in older])
        self._keys = {snapshot.offset: [*keys, manifest_key]}
        return len(packed)

    async def read(self) -> Snapshot | None:
        """Return the newest complete snapshot, or None. Raises `UnreadableSnapshot` for one of a newer format."""
        found = await self._read_topic()
        self._keys = {offset: [self._key(offset, c) for c in f.chunks] for offset, f in found.items()}
        for offset in sorted(found, reverse=True):
            packed = self._complete(offset, found[offset].chunks)
            if packed is not None:
                return Snapshot(offset, await asyncio.to_thread(_unpack, packed))
        return None

    def _complete(self, offset: int, chunks: dict[str, bytes]) -> bytes | None:
        if _MANIFEST not in chunks:
            logger.warning("snapshot %s at offset %d has no manifest: passed over", self._name, offset)
            return None
        manifest = msgspec.json.decode(chunks[_MANIFEST], type=Manifest)
        if manifest.format != FORMAT:
            raise UnreadableSnapshot(
                f"snapshot {self._name} at offset {offset} has format {manifest.format}, not {FORMAT}: "
                "run the version that wrote it, or reprocess without it"
            )
        packed = b"".join(chunks.get(str(number), b"") for number in range(manifest.chunks))
        if len(packed) != manifest.bytes or _digest(packed) != manifest.digest:
            logger.warning("snapshot %s at offset %d is damaged: passed over", self._name, offset)
            return None
        return packed

    async def _send(self, records: list[tuple[bytes, bytes | None]]) -> None:
        sent = [await self._outbox.send(Sink.STATE, self._topic, self._number, key, value) for key, value in records]
        await asyncio.gather(*sent)

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


def _pack(state: Any) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(msgspec.msgpack.encode(state))


def _unpack(packed: bytes) -> Any:
    return msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(packed))


def _digest(packed: bytes) -> str:
    return hashlib.blake2b(packed, digest_size=16).hexdigest()
