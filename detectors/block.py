"""A block: rows of one source partition for one shard, with the range of offsets it answers for."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.columns import Hashes, Int32s, Int64s, hashes, int32s, int64s
from detectors.senders import NO_SENDERS, Senders
from detectors.watermark import NO_STEPS, Steps


class Standing(enum.IntEnum):
    """What a source is known to be doing at the end of a block."""

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

    def since(self, offset: int) -> Rows:
        """Return the rows at or past `offset`."""
        if not len(self) or self.offset[0] >= offset:
            return self
        first = int(np.searchsorted(self.offset, offset))
        return Rows(
            self.offset[first:],
            self.ts_ms[first:],
            self.event[first:],
            self.account[first:],
            self.poll[first:],
            self.option[first:],
            self.arrived_ms[first:],
            self.sender.take(slice(first, None)),
            self.poll_ids,
            self.options,
        )


NO_ROWS = Rows(int64s(), int64s(), hashes(), hashes(), int32s(), int32s(), int64s(), NO_SENDERS, (), ())


@dataclass(frozen=True, slots=True)
class Block:
    """All rows of `source` with offsets in [start, end) whose polls belong to one shard, and its watermarks there.

    A `shed` block was cut while the workers could not keep up: it says nothing of who sent its rows, and where rows only
    serve to look at that it has none.
    """

    source: str
    start: int
    end: int
    steps: Steps = NO_STEPS
    rows: Rows = NO_ROWS
    standing: Standing = Standing.OPEN
    shed: bool = False
