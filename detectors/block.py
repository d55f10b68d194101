"""A block: rows of source partitions for one shard, with the ranges of offsets it answers for."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detectors.columns import Bools, Hashes, Int32s, Int64s, hashes, int32s, int64s
from detectors.senders import NO_SENDERS, Senders
from detectors.watermark import NO_STEPS, Steps


class Standing(enum.IntEnum):
    """What a source is known to be doing at the end of its part of a block."""

    OPEN = 0
    ABSENT = 1  # it never had a record: it holds nobody back
    ENDED = 2  # a control record said that nothing more comes


@dataclass(frozen=True, slots=True)
class Rows:
    """n votes and replies as they came: `poll` and `option` are codes into the two lists, option -1 is a reply.

    `event` and `account` are keyed 64-bit hashes; `arrived_ms` is the broker's time, for measuring latency only.
    """

    offset: Int64s
    ts_ms: Int64s
    event: Hashes
    account: Hashes
    poll: Int32s
    option: Int32s
    arrived_ms: Int64s
    sender: Senders
    poll_ids: Sequence[str]
    options: Sequence[str]

    def __len__(self) -> int:
        return len(self.offset)

    def take(self, chosen: Any) -> Rows:
        """Return the rows that a slice, a mask or an array of indices selects."""
        return Rows(
            self.offset[chosen],
            self.ts_ms[chosen],
            self.event[chosen],
            self.account[chosen],
            self.poll[chosen],
            self.option[chosen],
            self.arrived_ms[chosen],
            self.sender.take(chosen),
            self.poll_ids,
            self.options,
        )


NO_ROWS = Rows(int64s(), int64s(), hashes(), hashes(), int32s(), int32s(), int64s(), NO_SENDERS, (), ())


@dataclass(frozen=True, slots=True)
class Part:
    """What a block has of `source`: all `rows` rows with offsets in [start, end) whose polls belong to its shard, and the watermarks there.

    A `shed` part was cut while the workers could not keep up: it says nothing of who sent its rows, and where rows only
    serve to look at that it has none.
    """

    source: str
    start: int
    end: int
    steps: Steps = NO_STEPS
    rows: int = 0
    standing: Standing = Standing.OPEN
    shed: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Parts of one or more sources, in the order in which they are to be taken; their rows follow on each other in that order."""

    parts: Sequence[Part]
    rows: Rows = NO_ROWS

    def shares(self) -> Iterator[tuple[Part, slice]]:
        """Yield each part with where its rows are."""
        end = 0
        for part in self.parts:
            start, end = end, end + part.rows
            yield part, slice(start, end)

    def chosen(self, which: Bools) -> Block:
        """Return the same parts with these rows alone."""
        parts = [replace(part, rows=int(np.count_nonzero(which[its]))) for part, its in self.shares()]
        return Block(parts, self.rows.take(np.flatnonzero(which)))
