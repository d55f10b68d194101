"""Rows that were read at once become one block for each shard, and one with all of them for what is seen only across polls.

Knows no Kafka: `scan` cuts the same way.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detectors.block import Block, Part, Rows
from detectors.columns import Int64s
from detectors.senders import Senders, account_ids_only, nobody, with_sketches
from streams.cutter import Cutter, Read, SourceRange

_MOST_POLLS_REMEMBERED = 100_000


class ShardOf:
    """Which shard a poll belongs to: CRC-32 of its id, modulo the number of shards. Remembers 100,000 polls."""

    def __init__(self, shards: int) -> None:
        self.shards = shards
        self._known: dict[str, int] = {}

    def __call__(self, poll_ids: Sequence[str]) -> NDArray[np.uint16]:
        """Return the shard of each poll."""
        if len(self._known) > _MOST_POLLS_REMEMBERED:
            self._known.clear()
        known = self._known
        for poll_id in poll_ids:
            if poll_id not in known:
                known[poll_id] = zlib.crc32(poll_id.encode()) % self.shards
        return np.array([known[poll_id] for poll_id in poll_ids], dtype=np.uint16)


def cut(shard_of: ShardOf, read: Read, ranges: Sequence[tuple[Cutter, SourceRange]], shed: bool = False) -> list[Block]:
    """Return the blocks of what was read: one for each poll shard in order, then that of all polls.

    `ranges` are those of all sources in `read`, in order. Of rows that are `shed` nothing is said of who sent them, and the block of all
    polls, which serves only that, has none.
    """
    parts = [cutter.part(read, its, shed) for cutter, its in ranges]
    if shed:
        read = replace(read, decoded=replace(read.decoded, sender=nobody(len(read.decoded))))
    rows_of_source = np.array([its.rows.stop - its.rows.start for _, its in ranges])
    rows, share = _by_shard(shard_of, read, rows_of_source)
    ends = np.cumsum(share.sum(axis=1)).tolist()
    shards = [rows.take(slice(start, end)) for start, end in pairwise([0, *ends])]
    blocks = [_with_rows(parts, its, rows) for its, rows in zip(share, shards, strict=True)]
    of_all_polls = Block(parts) if shed else _with_rows(parts, rows_of_source, _of_all_polls(read))
    return [*blocks, of_all_polls]


def _with_rows(parts: Sequence[Part], share: Int64s, rows: Rows) -> Block:
    return Block([replace(part, rows=count) for part, count in zip(parts, share.tolist(), strict=True)], rows)


def without_rows(parts: Sequence[Part], shards: int) -> list[Block]:
    """Return the blocks that only let time pass: one for each poll shard, and that of all polls."""
    return [Block(parts)] * (shards + 1)


def _by_shard(shard_of: ShardOf, read: Read, rows_of_source: Int64s) -> tuple[Rows, NDArray[np.int64]]:
    """Return all rows, in order of shards and else as they were read, and how many of each shard (row) are of each source (column)."""
    decoded, sources = read.decoded, len(rows_of_source)
    shard = shard_of(decoded.poll_ids)[decoded.poll] if len(decoded) else np.zeros(0, np.uint16)
    # numpy sorts integers this small by their digits, in one pass
    order = np.argsort(shard, kind="stable")
    place = shard.astype(np.int64) * sources + np.repeat(np.arange(sources), rows_of_source)
    share = np.bincount(place, minlength=shard_of.shards * sources).reshape(shard_of.shards, sources)
    return _rows(read, with_sketches(decoded.sender, 0)).take(order), share


def _of_all_polls(read: Read) -> Rows:
    sender = read.decoded.sender
    return _rows(read, account_ids_only(sender if sender.has_sketches() else with_sketches(sender, 0)).whole())


def _rows(read: Read, sender: Senders) -> Rows:
    rows = read.decoded
    return Rows(
        read.offset,
        rows.ts_ms,
        rows.event,
        rows.account,
        rows.poll,
        rows.option,
        read.arrived_ms,
        sender,
        rows.poll_ids,
        rows.options,
    )
