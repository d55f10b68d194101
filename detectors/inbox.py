"""Blocks of all sources become one sequence in event time; in which order the blocks arrived leaves no trace.

A row is *late* when its own source's watermark had passed its time before it came. Its *effective* time is then that
watermark, so late rows too have one place in the sequence. Rows wait until the lowest watermark of all sources has
passed them, and no longer than there is room: when more than `max_rows` wait, event time passes over the oldest quarter of
those, whatever the slowest source says; what it sends for that time later is late. The first is decided at each part of a block,
the second at each block, in the order of the exchange. State: the waiting rows, five numbers a source, and the spans of time
that are shed: one a minute at most, for as many minutes as the fastest source is ahead of the slowest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detectors.apart import Apart
from detectors.ascending import not_larger
from detectors.block import Block, Part, Standing
from detectors.columns import Int32s, Int64s
from detectors.erasure import Erasure
from detectors.senders import Senders, struck, with_sketches
from detectors.source_time import SourceTime
from detectors.spans import Spans
from detectors.waiting_rows import Sequence, WaitingRows
from detectors.watermark import LAG_MS, UNKNOWN_MS

_REACH_MS = 2 * LAG_MS
"""So far past its watermark go nearly all rows of a block: as far ahead of it as others are behind."""
_MINUTE_MS = 60_000
_HOLDING = (Standing.OPEN, Standing.ENDED)
"""Who holds event time back; the second only where there is none of the first."""


@dataclass(frozen=True, slots=True)
class InboxLimits:
    """What an inbox waits for, and how long.

    idle_after_ms: a source that says only what is long past for so long (brokers' clock) holds event time back no longer.
    max_behind_ms: more is long past; a source that stays further behind the others is not waited for.
    max_rows: rows that wait; beyond it the oldest quarter goes early.
    step_ms: event time that passes early comes to whole multiples of this, and what is shed begins and ends at those.
    """

    idle_after_ms: int = 2_000
    max_behind_ms: int = 60_000
    max_rows: int = 500_000
    step_ms: int = 250


class Gap(Exception):
    """Offsets of a source are missing between two parts: the partition must stop, nothing may be applied."""


class UnknownSource(Exception):
    """A block is of a source that this worker does not know: the partition must stop, nothing may be applied."""


class Inbox:
    """What one shard holds back; `sources` are the names of all source partitions it must hear from.

    Rows keep sketches of `sketch_width` numbers, or none.
    """

    def __init__(self, sources: list[str], sketch_width: int = 0, limits: InboxLimits = InboxLimits()) -> None:
        self._sketch_width = sketch_width
        self._limits = limits
        self._mark: dict[str, int] = {}
        self._time = {source: SourceTime() for source in sources}
        self._apart = Apart(sources, limits.max_behind_ms)
        self._standing: dict[str, Standing] = {}
        self._waiting = WaitingRows(self._thin)
        self._look_who_flows()
        self._early = 0
        self._left_behind: str | None = None
        self._frontier_ms = UNKNOWN_MS
        self.shed = Spans()
        """Event time in which nobody's senders are looked at: that of all blocks that were shed."""

    def __len__(self) -> int:
        return len(self._waiting)

    def unseen(self, block: Block) -> Block:
        """Return the block without what was applied before.

        Raises `Gap` when offsets between the last part of a source and this one are missing, and `UnknownSource`.
        """
        marks: dict[str, int] = {}
        begins = [self._begin(part, marks) for part in block.parts]
        if all(begin == part.start for begin, part in zip(begins, block.parts, strict=True)):
            return block
        new = np.ones(len(block.rows), np.bool_)
        for begin, (_, its) in zip(begins, block.shares(), strict=True):
            new[its] = block.rows.offset[its] >= begin
        left = block.chosen(new)
        parts = [replace(part, start=begin) for begin, part in zip(begins, left.parts, strict=True) if begin <= part.end]
        return replace(left, parts=parts)

    def _begin(self, part: Part, marks: dict[str, int]) -> int:
        """Return where the unseen rows of a part begin; `marks` says how far the parts before it in its block come."""
        if part.source not in self._time:
            raise UnknownSource(f"{part.source} is not among the sources of this worker: check topics.partitions")
        mark = marks.get(part.source, self._mark.get(part.source, part.start))
        if part.start > mark:
            raise Gap(f"{part.source}: offsets {mark} to {part.start - 1} never reached this shard")
        marks[part.source] = max(mark, part.end)
        return mark

    def accept(self, block: Block, name: Int32s) -> None:
        """Take an unseen block; `name` is the poll book's for each of its rows."""
        rows = block.rows
        effective = np.empty(len(rows), np.int64)
        for part, its in block.shares():
            self._hear(part, rows.offset[its], rows.ts_ms[its], effective[its])
        if len(rows):
            sender = with_sketches(self._thin(rows.sender), self._sketch_width)
            self._waiting.add(Sequence(effective, rows.ts_ms, rows.event, rows.account, name, rows.arrived_ms, sender))
        if len(self._waiting) > self._limits.max_rows:
            self._make_room()

    def _hear(self, part: Part, offset: Int64s, ts_ms: Int64s, effective: Int64s) -> None:
        """Take what a part says of its source's time; write into `effective` when its rows take effect."""
        source = part.source
        passed = self._time[source].add(part.steps, self._limits.idle_after_ms, self._limits.max_behind_ms)
        self._apart.note(source, self._time[source])
        if len(offset):
            at_row = passed[not_larger(part.steps.offset, offset)]
            np.maximum(ts_ms, np.maximum(at_row, self._frontier_ms), out=effective)
        if part.shed and passed[-1] != UNKNOWN_MS:
            # up to a whole minute, so that there are few spans, and what works by the minute goes on with a whole one
            end_ms = up_to_whole(up_to_whole(int(passed[-1]) + _REACH_MS, _MINUTE_MS), self._limits.step_ms)
            self.shed.add(int(passed[0]) // self._limits.step_ms * self._limits.step_ms, end_ms)
        self._mark[source] = part.end
        if self._standing.get(source) is not part.standing:
            self._standing[source] = part.standing
            self._look_who_flows()
        if source in self._decisive:
            self._advance_frontier()

    def _thin(self, sender: Senders) -> Senders:
        return sender.thin() if self._sketch_width else with_sketches(sender, 0)

    def frontier_ms(self) -> int:
        """Return the event time that every source has passed, or UNKNOWN_MS while one was not heard of.

        A source that never had a record holds nobody back, nor does one that ended while others go on.
        """
        return self._frontier_ms

    def _look_who_flows(self) -> None:
        self._flowing, ended = ({s: t for s, t in self._time.items() if self._stands(s) is one} for one in _HOLDING)
        self._heard = self._flowing or ended
        self._decisive = set(self._time)

    def _stands(self, source: str) -> Standing:
        return self._standing.get(source, Standing.OPEN)

    def _advance_frontier(self) -> None:
        if self._heard:
            passed = {source: time.passed_ms for source, time in self._heard.items()}
            newest = {source: time.newest_ms for source, time in self._heard.items()}
            slowest, least_heard = min(passed, key=passed.__getitem__), min(newest, key=newest.__getitem__)
            # until one of them speaks, or somebody begins or ends, nothing changes: with many sources, most blocks decide nothing
            self._decisive = {slowest, least_heard}
            apart_ms = self._apart.passed_ms(self._flowing)
            self._left_behind = slowest if apart_ms > passed[slowest] else None
            self._frontier_ms = max(self._frontier_ms, passed[slowest])
            self._pass_early(apart_ms)

    def _pass_early(self, ms: int) -> None:
        self._frontier_ms = max(self._frontier_ms, ms // self._limits.step_ms * self._limits.step_ms)

    def _make_room(self) -> None:
        # what the frontier has passed is as good as gone: how often it is fetched must decide nothing
        effective = self._waiting.effective_ms()
        held = effective[effective >= self._frontier_ms]
        excess = len(held) - self._limits.max_rows
        if excess > 0:
            last = excess + self._limits.max_rows // 4 - 1
            last_ms = int(np.partition(held, last)[last])
            self._pass_early(last_ms + self._limits.step_ms)
            self._early += int(np.count_nonzero(held < self._frontier_ms))

    def take_early(self) -> int:
        """Return how many rows went early since this was asked last."""
        early, self._early = self._early, 0
        return early

    def left_behind(self) -> str | None:
        """Return the name of the slowest source if event time goes on without it since its clocks are behind."""
        return self._left_behind

    def ended(self) -> bool:
        """Tell whether every source said that nothing more comes."""
        return all(self._standing.get(s) is Standing.ENDED for s in self._time)

    def waiting_names(self) -> Int32s:
        """Return the distinct names of the rows that wait."""
        return self._waiting.names()

    def release(self, until_ms: int) -> Sequence:
        """Return the waiting rows before `until_ms`, which must not be past the frontier, in order."""
        return self._waiting.release(until_ms)

    def erase(self, erasure: Erasure) -> None:
        """Let waiting rows of an account be those of a stranger, of whom nothing is said."""

        def without(piece: Sequence) -> Sequence:
            rows = erasure.of(piece.account)
            account = np.where(rows, erasure.stranger(), piece.account)
            return replace(piece, account=account, sender=self._thin(struck(piece.sender, rows)))

        self._waiting.change(without)

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "mark": dict(self._mark),
            "apart": self._apart.snapshot(),
            "time": {source: time.snapshot() for source, time in self._time.items()},
            "standing": {source: int(s) for source, s in self._standing.items()},
            "frontier_ms": self._frontier_ms,
            "shed": list(self.shed),
            **self._waiting.snapshot(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        # a topic that was made anew has other sources: nothing is known of those yet
        self._mark = {s: mark for s, mark in state["mark"].items() if s in self._time}
        self._time.update((s, SourceTime(**time)) for s, time in state["time"].items() if s in self._time)
        self._apart.restore(state["apart"])
        self._standing = {s: Standing(n) for s, n in state["standing"].items() if s in self._time}
        self._frontier_ms = state["frontier_ms"]
        self.shed = Spans(state["shed"])
        self._waiting.restore(state, self._sketch_width)
        self._early = 0
        self._look_who_flows()
        self._advance_frontier()


def up_to_whole(ms: int, step_ms: int) -> int:
    """Return the first whole multiple of `step_ms` at `ms` or after it."""
    return -(-ms // step_ms) * step_ms
