"""What the records of one source partition say of its time, and where it stands. Knows no Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from detectors.block import Part, Standing
from detectors.columns import Int64s, hashes, int32s, int64s
from detectors.senders import NO_SENDERS
from detectors.watermark import ARRIVAL_GRID_MS, LAG_MS, UNKNOWN_MS, SourceClock, Steps
from streams.control import Control
from streams.decode import Decoded


@dataclass(frozen=True, slots=True)
class SourceRange:
    """What was read of one source partition: offsets [start, end), which rows of a `Read` are its, and the control records between."""

    start: int
    end: int
    rows: slice
    controls: Sequence[tuple[int, Control]] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """Rows that were read at once, one source's after another's; `offset` and `arrived_ms` (the broker's time) are of each row."""

    offset: Int64s
    arrived_ms: Int64s
    decoded: Decoded


class Cutter:
    """One source partition: its clock and its standing.

    What is `recorded` came past no broker: its `arrived_ms` is nobody's clock.
    """

    def __init__(self, source: str, recorded: bool = False) -> None:
        self.source = source
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

    def part(self, read: Read, its: SourceRange, shed: bool = False) -> Part:
        """Return what the next range says of time, and whether its rows are `shed`; how many of them a block has is not told."""
        offset, arrived_ms = read.offset[its.rows], read.arrived_ms[its.rows]
        # a clock that is ahead of the broker's must not move event time past what can have happened
        ts_ms = np.minimum(read.decoded.ts_ms[its.rows], arrived_ms)
        steps = self._clock.observe(offset, ts_ms, arrived_ms, its.end)
        if self._recorded:
            steps = replace(steps, arrived_ms=np.zeros(len(steps.ms), np.int64))
        steps = self._with_controls(steps, offset, its.controls)
        self._end = its.end
        # nothing is left out of a range without rows, and how far time goes in it says nothing of any
        return Part(self.source, its.start, its.end, steps, 0, self._standing, shed and len(offset) > 0)

    @property
    def last_arrived_ms(self) -> int:
        """The broker's time of the last row, or UNKNOWN_MS if there is none in the last 32 offsets."""
        return self._clock.last_arrived_ms

    def idle(self, elapsed_ms: int) -> Part | None:
        """Return what lets event time pass, `elapsed_ms` after the last record came; None when there is no news.

        Time passes by what elapsed, never to now: the clocks of those who vote may be hours apart.
        """
        now_ms = self._clock.now_ms(elapsed_ms)
        if self._standing is Standing.ENDED or (now_ms == UNKNOWN_MS and self._said_absent):
            return None
        if now_ms == UNKNOWN_MS:
            self._standing, self._said_absent = Standing.ABSENT, True
            return self.pass_to(UNKNOWN_MS)
        return self.pass_to(now_ms - LAG_MS, self._clock.last_arrived_ms + elapsed_ms)

    def pass_to(self, ms: int, at_ms: int = 0) -> Part:
        """Return what lets event time pass up to `ms`, a watermark that no record states, at the brokers' time `at_ms`."""
        steps = Steps(np.array([self._end]), np.array([ms]), np.array([at_ms // ARRIVAL_GRID_MS * ARRIVAL_GRID_MS]))
        return Part(self.source, self._end, self._end, steps, standing=self._standing)

    def _with_controls(self, steps: Steps, row_offset: Int64s, controls: Sequence[tuple[int, Control]]) -> Steps:
        for offset, control in controls:
            at = int(np.searchsorted(steps.offset, offset + 1))
            steps = Steps(
                np.insert(steps.offset, at, offset + 1),
                np.insert(steps.ms, at, control.watermark_ms),
                np.insert(steps.arrived_ms, at, 0),
            )
        self._hear(row_offset, controls)
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
