"""Snapshots of shards and cases in the compacted state topic: written in chunks, a manifest last, then the older ones go.

A snapshot is complete when its manifest and all chunks are there and the digest is right; anything else is passed over.
Two complete ones stay, so that one that is damaged costs time and no state. It is packed and sent a chunk at a time, so
that nothing large is held but the state itself. Key: `<stage>/<number>/<offset>/<writer>/<chunk or "manifest">`; `offset` is
where reading goes on after it was restored, `writer` tells the chunks of a worker that was thought dead from its successor's.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from aiokafka import TopicPartition

from streams.metric_labels import Sink
from streams.outbox import Outbox
from streams.snapshot_pack import next_chunk, pack, unpack
from streams.whole_partition import read_whole

FORMAT = 4
MANIFEST = "manifest"
_KEY = re.compile(rb"(?P<stage>[a-z]+/\d+)/(?P<offset>\d{1,19})(/(?P<writer>[0-9a-f]{8}))?/(?P<chunk>\d{1,9}|manifest)")
_COMPLETE_ONES_KEPT = 2
_REST = 2.0
"""So many times as long as a chunk took nothing is done for a snapshot that has time."""

logger = logging.getLogger(__name__)

Meaning = Mapping[str, int | str]


class UnreadableSnapshot(Exception):
    """The newest snapshot was written in a format, or under settings, that this worker cannot go on from."""


class Manifest(msgspec.Struct):
    """What belongs to a snapshot; `meaning` has the settings without which its numbers say something else."""

    format: int
    chunks: int
    bytes: int
    digest: str
    meaning: dict[str, int | str] = {}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state and the offset at which reading goes on."""

    offset: int
    state: Any


class _Name(NamedTuple):
    """Which snapshot: the order is that of their worth."""

    offset: int
    writer: str


_Chunks = dict[str, bytes]


class SnapshotStore:
    """The snapshots of one stage's partition; `number` is the shard, or the number of shards for the cases."""

    def __init__(
        self, outbox: Outbox, connection: dict[str, Any], topic: str, stage: str, number: int, meaning: Meaning
    ) -> None:
        self._outbox = outbox
        self._connection = connection
        self._topic = topic
        self._stage = f"{stage}/{number}"
        self._number = number
        self._meaning = dict(meaning)
        self._writer = uuid.uuid4().hex[:8]
        self._keys: dict[_Name, list[bytes]] = {}
        self._complete: list[_Name] = []

    async def write(
        self, snapshot: Snapshot, alone: bool = False, at_leisure: Callable[[], bool] = lambda: False
    ) -> int:
        """Write a snapshot, wait until the brokers hold it, then drop the older ones. Return its size in bytes.

        Its state is empty afterwards (`streams.snapshot_pack.pack`). With `alone` none before it stays, whoever wrote it: they hold
        what this one must not. While `at_leisure` it takes a third of a core at most: else alerts wait for as long as all of it takes.
        """
        name = _Name(snapshot.offset, self._writer)
        pieces, digest, size = pack(snapshot.state), _digest(), 0
        keys = self._keys[name] = []
        sent: list[Awaitable[Any]] = []
        began_s = time.monotonic()
        while chunk := await asyncio.to_thread(next_chunk, pieces, digest):
            keys.append(self._key(name, str(len(keys))))
            size += len(chunk)
            sent.append(await self._put(keys[-1], chunk))
            if at_leisure():
                await asyncio.sleep(_REST * (time.monotonic() - began_s))
            began_s = time.monotonic()
        await asyncio.gather(*sent)
        manifest = Manifest(FORMAT, len(keys), size, digest.hexdigest(), self._meaning)
        keys.append(self._key(name, MANIFEST))
        await (await self._put(keys[-1], msgspec.json.encode(manifest)))
        self._complete = [*self._complete, name][-1 if alone else -_COMPLETE_ONES_KEPT :]
        if alone:
            # a worker that was thought dead may have written one since this partition was read
            found = await self._read_topic(newest_only=True)
            self._keys |= {other: [self._key(other, c) for c in chunks] for other, chunks in found.items()}
        await self._drop_before(name)
        return size

    async def _drop_before(self, name: _Name) -> None:
        """Drop what is older than a snapshot and not among the complete ones that stay; what is newer is not ours."""
        old = [other for other in self._keys if other.offset < name.offset and other not in self._complete]
        await asyncio.gather(*[await self._put(key, None) for other in old for key in self._keys.pop(other)])

    async def read(self) -> Snapshot | None:
        """Return the newest complete snapshot, or None. Raises `UnreadableSnapshot` for one that can't be gone on from."""
        return await self._read(newest_only=True) or await self._read(newest_only=False)

    async def _read(self, newest_only: bool) -> Snapshot | None:
        found = await self._read_topic(newest_only)
        self._keys = {name: [self._key(name, c) for c in chunks] for name, chunks in found.items()}
        for name in sorted(found, reverse=True):
            chunks = self._whole(name, found.pop(name))
            if chunks is not None:
                found.clear()
                self._complete = [name]
                return Snapshot(name.offset, await asyncio.to_thread(unpack, chunks))
            if newest_only:
                return None
        return None

    def _whole(self, name: _Name, found: dict[str, bytes]) -> list[bytes] | None:
        what = f"snapshot {self._stage} at offset {name.offset}"
        if MANIFEST not in found:
            logger.warning("%s has no manifest: passed over", what)
            return None
        try:
            manifest = msgspec.json.decode(found[MANIFEST], type=Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError):
            logger.warning("%s has a manifest that is none: passed over", what)
            return None
        if manifest.format != FORMAT:
            raise UnreadableSnapshot(
                f"{what} has format {manifest.format}, not {FORMAT}: run the version that wrote it, or pollwatch reprocess"
            )
        # what a manifest claims is not counted through before it is believed
        claimed = range(min(manifest.chunks, len(found)))
        chunks, digest = [found.get(str(number), b"") for number in claimed], _digest()
        for chunk in chunks:
            digest.update(chunk)
        if sum(map(len, chunks)) != manifest.bytes or digest.hexdigest() != manifest.digest:
            logger.warning("%s is damaged: passed over", what)
            return None
        self._check_meaning(what, manifest)
        return chunks

    def _check_meaning(self, what: str, manifest: Manifest) -> None:
        for setting, now in self._meaning.items():
            then = manifest.meaning.get(setting)
            if then != now:
                raise UnreadableSnapshot(
                    f"{what} was written with {setting} = {then}, not {now}: set it back, or run pollwatch reprocess"
                )

    async def _put(self, key: bytes, value: bytes | None) -> Awaitable[Any]:
        return await self._outbox.send(Sink.STATE, self._topic, self._number, key, value)

    async def _read_topic(self, newest_only: bool) -> dict[_Name, _Chunks]:
        tp = TopicPartition(self._topic, self._number)
        found: dict[_Name, _Chunks] = defaultdict(dict)
        await read_whole(self._connection, tp, lambda record: self._note(record, found, newest_only))
        return {name: chunks for name, chunks in found.items() if chunks}

    def _note(self, record: Any, found: dict[_Name, _Chunks], newest_only: bool) -> None:
        named = _parsed(record.key, self._stage)
        if named is None:
            return
        name, chunk = named
        if record.value is None:
            found[name].pop(chunk, None)
            return
        found[name][chunk] = record.value
        if newest_only and chunk == MANIFEST:
            # the names are still needed, to drop them later; what they held would lie in memory twice
            for older in [other for other in found if other < name]:
                found[older] = dict.fromkeys(found[older], b"")

    def _key(self, name: _Name, chunk: str) -> bytes:
        middle = f"{name.offset}/{name.writer}" if name.writer else f"{name.offset}"
        return f"{self._stage}/{middle}/{chunk}".encode()


def _parsed(key: bytes | None, stage: str) -> tuple[_Name, str] | None:
    """Return which snapshot and chunk of a stage a key names, or None; keys of format 2 name no writer."""
    found = _KEY.fullmatch(key or b"")
    if found is None or found["stage"] != stage.encode():
        return None
    return _Name(int(found["offset"]), (found["writer"] or b"").decode()), found["chunk"].decode()


def _digest() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)
