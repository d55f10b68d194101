"""Decoded rows of one source partition, cut into one block for each shard, and one with all rows for what is seen only
across polls. Knows no Kafka: `scan` cuts the same way."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detectors.block import NO_ROWS, Block, Rows, Standing
from detectors.columns import Int64s, hashes, int32s, int64s
from detectors.senders import NO_SENDERS, account_ids_only, nobody, with_sketches
from detectors.watermark import ARRIVAL_GRID_MS, LAG_MS, UNKNOWN_MS, SourceClock, Steps
from streams.control import Control
from streams.decode import Decoded

_MOST_POLLS_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class SourceRange:
    """What was read of one source partition: offsets [start, end), its rows, and the control records between them.

    `offset` and `arrived_ms` (the broker's time) have one entry for each row of `decoded`.
    """

    start: int
    end: int
    offset: Int64s
    arrived_ms: Int64s
    decoded: Decoded
    controls: Sequence[tuple[int, Control]] = ()


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


class Cutter:
    """One source partition: its clock, its standing, and the cut into blocks.

    What is `recorded` came past no broker: its `arrived_ms` is nobody's clock.
    """

    def __init__(self, source: str, shard_of: ShardOf, recorded: bool = False) -> None:
        self.source = source
        self._shard_of = shard_of
        self._recorded = recorded
        self._clock = SourceClock()
        self._standing = Standing.OPEN
        self._end = 0
        self._begun = False
        self._said_absent = False

    def warm_up(
        self,
        offset: Int64s,
        ts_ms: Int64s,
        arrived_ms: Int64s,
        begin: int,
        waiting: bool,
        controls: Sequence[tuple[int, Control]] = (),
    ) -> None:
        """Rebuild the clock and the standing from the records before `begin`, where reading goes on.

        A source with no record before `begin` and none `waiting` there is absent until one comes.
        """
        self._clock.observe(offset, np.minimum(ts_ms, arrived_ms), arrived_ms, begin)
        self._standing = Standing.OPEN if len(offset) or waiting else Standing.ABSENT
        self._hear(offset, controls)
        self._end, self._begun = begin, True

    def continues_at(self, offset: int) -> int:
        """Return where the next range begins: where the last one ended, since offsets between hold no records."""
        return self._end if self._begun else offset

    def cut(self, part: SourceRange, shed: bool = False) -> list[Block]:
        """Return the blocks of what was read: one for each poll shard in order, then that of all polls.

        Of rows that are `shed` nothing is said of who sent them, and the block of all polls, which serves only that, has none.
        """
        rows = part.decoded
        # a clock that is ahead of the broker's must not move event time past what can have happened
        ts_ms = np.minimum(rows.ts_ms, part.arrived_ms)
        steps = self._clock.observe(part.offset, ts_ms, part.arrived_ms, part.end)
        if self._recorded:
            steps = replace(steps, arrived_ms=np.zeros(len(steps.ms), np.int64))
        steps = self._with_controls(steps, part)
        self._end = part.end
        # nothing is left out of a range without rows, and how far time goes in it says nothing of any
        shed = shed and len(rows) > 0
        if shed:
            part = replace(part, decoded=replace(rows, sender=nobody(len(rows))))
        of_all_polls = NO_ROWS if shed else _rows_of_all_polls(part)
        return [
            Block(self.source, part.start, part.end, steps, rows, self._standing, shed)
            for rows in [*self._rows_of_shards(part), of_all_polls]
        ]

    def _rows_of_shards(self, part: SourceRange) -> list[Rows]:
        """Return the rows of each poll shard: all are put in order once, and what a shard gets are views of that."""
        decoded = part.decoded
        shard = self._shard_of(decoded.poll_ids)[decoded.poll] if len(decoded) else np.zeros(0, np.uint16)
        # numpy sorts integers this small by their digits, in one pass
        order = np.argsort(shard, kind="stable")
        rows = _without_sketches(part, order)
        ends = np.cumsum(np.bincount(shard, minlength=self._shard_of.shards)).tolist()
        return [_between(rows, start, end) for start, end in pairwise([0, *ends])]

    @property
    def last_arrived_ms(self) -> int:
        """The broker's time of the last row, or UNKNOWN_MS if there is none in the last 32 offsets."""
        return self._clock.last_arrived_ms

    def idle(self, elapsed_ms: int) -> list[Block]:
        """Return blocks that let event time pass, `elapsed_ms` after the last record came; none when there is no news.

        Time passes by what elapsed, never to now: the clocks of those who vote may be hours apart.
        """
        now_ms = self._clock.now_ms(elapsed_ms)
        if self._standing is Standing.ENDED or (now_ms == UNKNOWN_MS and self._said_absent):
            return []
        if now_ms == UNKNOWN_MS:
            self._standing, self._said_absent = Standing.ABSENT, True
            return self.pass_to(UNKNOWN_MS)
        return self.pass_to(now_ms - LAG_MS, self._clock.last_arrived_ms + elapsed_ms)

    def pass_to(self, ms: int, at_ms: int = 0) -> list[Block]:
        """Return blocks that let event time pass up to `ms`, a watermark that no record states, at the brokers' time `at_ms`."""
        steps = Steps(np.array([self._end]), np.array([ms]), np.array([at_ms // ARRIVAL_GRID_MS * ARRIVAL_GRID_MS]))
        block = Block(self.source, self._end, self._end, steps, standing=self._standing)
        return [block] * (self._shard_of.shards + 1)

    def _with_controls(self, steps: Steps, part: SourceRange) -> Steps:
        for offset, control in part.controls:
            at = int(np.searchsorted(steps.offset, offset + 1))
            steps = Steps(
                np.insert(steps.offset, at, offset + 1),
                np.insert(steps.ms, at, control.watermark_ms),
                np.insert(steps.arrived_ms, at, 0),
            )
        self._hear(part.offset, part.controls)
        return steps

    def _hear(self, offset: Int64s, controls: Sequence[tuple[int, Control]]) -> None:
        last_row = int(offset[-1]) if len(offset) else -1
        if last_row >= 0:
            self._standing = Standing.OPEN
        for at, control in controls:
            if at > last_row:
                self._standing = Standing.ENDED if control.end else Standing.OPEN


NOTHING_DECODED = Decoded(
    int32s(), np.zeros(0, np.int8), int64s(), hashes(), hashes(), int32s(), [], int32s(), [], NO_SENDERS, []
)


def take(decoded: Decoded, rows: Int64s) -> Decoded:
    """Return the rows at these positions, with no refusals."""
    return replace(
        decoded,
        index=decoded.index[rows],
        kind=decoded.kind[rows],
        ts_ms=decoded.ts_ms[rows],
        event=decoded.event[rows],
        account=decoded.account[rows],
        poll=decoded.poll[rows],
        option=decoded.option[rows],
        sender=decoded.sender.view(rows),
        refused=[],
    )


def source_name(topic: str, partition: int) -> str:
    """Return the name of a source partition."""
    return f"{topic}/{partition}"


def _without_sketches(part: SourceRange, chosen: Int64s) -> Rows:
    rows = part.decoded
    return Rows(
        part.offset[chosen],
        rows.ts_ms[chosen],
        rows.event[chosen],
        rows.account[chosen],
        rows.poll[chosen],
        rows.option[chosen],
        part.arrived_ms[chosen],
        with_sketches(rows.sender, 0).take(chosen),
        rows.poll_ids,
        rows.options,
    )


def _between(rows: Rows, start: int, end: int) -> Rows:
    return Rows(
        rows.offset[start:end],
        rows.ts_ms[start:end],
        rows.event[start:end],
        rows.account[start:end],
        rows.poll[start:end],
        rows.option[start:end],
        rows.arrived_ms[start:end],
        rows.sender.take(slice(start, end)),
        rows.poll_ids,
        rows.options,
    )


def _rows_of_all_polls(part: SourceRange) -> Rows:
    rows = part.decoded
    return Rows(
        part.offset,
        rows.ts_ms,
        rows.event,
        rows.account,
        rows.poll,
        rows.option,
        part.arrived_ms,
        account_ids_only(rows.sender if rows.sender.has_sketches() else with_sketches(rows.sender, 0)).whole(),
        rows.poll_ids,
        rows.options,
    )
