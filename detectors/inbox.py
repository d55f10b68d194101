"""Blocks of all sources become one sequence in event time; in which order the blocks arrived leaves no trace.

A row is *late* when its own source's watermark had passed its time before it came. Its *effective* time is then that
watermark, so late rows too have one place in the sequence. Rows wait until the lowest watermark of all sources has
passed them. State: about 100 bytes a waiting row (230 with sketches), and two numbers a source.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detectors.block import Block, Standing
from detectors.columns import Bools, Hashes, Int32s, Int64s, distinct, int64s, order_of
from detectors.senders import NO_SENDERS, Senders, packed, senders, unpacked, with_sketches
from detectors.watermark import UNKNOWN_MS


class Gap(Exception):
    """Offsets of a source are missing between two blocks: the partition must stop, nothing may be applied."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """n rows in order of (`effective_ms`, `event`); `name` is the poll book's, of poll and option."""

    effective_ms: Int64s
    ts_ms: Int64s
    event: Hashes
    account: Hashes
    name: Int32s
    arrived_ms: Int64s
    sender: Senders

    def __len__(self) -> int:
        return len(self.effective_ms)

    @property
    def late(self) -> Bools:
        """Which rows came after their own source's watermark."""
        late: Bools = self.effective_ms > self.ts_ms
        return late

    def without_senders(self) -> Sequence:
        """Return the same rows, of which nobody knows any more who sent them."""
        return replace(self, sender=NO_SENDERS)

    def take(self, rows: Any) -> Sequence:
        """Return the rows that a mask or an array of indices selects."""
        sender = self.sender.view(rows) if len(self.sender) else self.sender
        return Sequence(sender=sender, **{name: getattr(self, name)[rows] for name in _COLUMNS})


_COLUMNS = {
    "effective_ms": "i8",
    "ts_ms": "i8",
    "event": "u8",
    "account": "u8",
    "name": "i4",
    "arrived_ms": "i8",
}


class Inbox:
    """What one shard holds back; `sources` are the names of all source partitions it must hear from.

    Rows keep sketches of `sketch_width` numbers, or none.
    """

    def __init__(self, sources: list[str], sketch_width: int = 0) -> None:
        self._sketch_width = sketch_width
        self._mark: dict[str, int] = {}
        self._passed_ms = dict.fromkeys(sources, UNKNOWN_MS)
        self._standing: dict[str, Standing] = {}
        self._waiting: list[Sequence] = []
        self._frontier_ms = UNKNOWN_MS

    def __len__(self) -> int:
        return sum(len(rows) for rows in self._waiting)

    def unseen(self, block: Block) -> Block | None:
        """Return the block with the rows applied before cut off, or None when nothing of it is new.

        Raises `Gap` when offsets between the last block of this source and this one are missing.
        """
        if block.source not in self._passed_ms:
            raise Gap(f"{block.source} is not among the sources of this worker: check topics.partitions")
        mark = self._mark.get(block.source, block.start)
        if block.start > mark:
            raise Gap(f"{block.source}: offsets {mark} to {block.start - 1} never reached this shard")
        if block.end < mark:
            return None
        return Block(block.source, mark, block.end, block.steps, block.rows.since(mark), block.standing)

    def accept(self, block: Block, name: Int32s) -> None:
        """Take an unseen block; `name` is the poll book's for each of its rows."""
        source, rows = block.source, block.rows
        passed = np.maximum.accumulate(np.concatenate([[self._passed_ms[source]], block.steps.ms]))
        if len(rows):
            at_row = passed[np.searchsorted(block.steps.offset, rows.offset, side="right")]
            effective = np.maximum(rows.ts_ms, np.maximum(at_row, self._frontier_ms))
            sender = with_sketches(self._thin(rows.sender), self._sketch_width)
            self._waiting.append(
                Sequence(effective, rows.ts_ms, rows.event, rows.account, name, rows.arrived_ms, sender)
            )
        self._passed_ms[source] = int(passed[-1])
        self._mark[source] = block.end
        self._standing[source] = block.standing

    def _thin(self, sender: Senders) -> Senders:
        return sender.thin() if self._sketch_width else with_sketches(sender, 0)

    def frontier_ms(self) -> int:
        """Return the event time that every source has passed, or UNKNOWN_MS while one was not heard of.

        A source that never had a record holds nobody back, nor does one that ended while others go on.
        """
        flowing = [ms for source, ms in self._passed_ms.items() if self._standing.get(source, Standing.OPEN) is Standing.OPEN]
        ended = [ms for source, ms in self._passed_ms.items() if self._standing.get(source) is Standing.ENDED]
        passed = flowing or ended
        if passed:
            self._frontier_ms = max(self._frontier_ms, min(passed))
        return self._frontier_ms

    def ended(self) -> bool:
        """Tell whether every source said that nothing more comes."""
        return all(self._standing.get(s) is Standing.ENDED for s in self._passed_ms)

    def waiting_names(self) -> Int32s:
        """Return the distinct names of the rows that wait."""
        names: Int32s = distinct(_joined(self._waiting).name)
        return names

    def release(self, until_ms: int) -> Sequence:
        """Return the waiting rows before `until_ms`, which must not be past the frontier, in order."""
        waiting = _joined(self._waiting)
        due = waiting.effective_ms < until_ms
        kept = waiting.take(~due)
        # a view would keep the ids of all that were released, too
        self._waiting = [replace(kept, sender=self._thin(kept.sender.whole()))] if len(kept) else []
        rows = np.flatnonzero(due)
        return waiting.take(rows[_order(waiting.effective_ms[rows], waiting.event[rows])])

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        waiting = _joined(self._waiting)
        return {
            "mark": dict(self._mark),
            "passed_ms": dict(self._passed_ms),
            "standing": {source: int(s) for source, s in self._standing.items()},
            "frontier_ms": self._frontier_ms,
            "waiting": {name: getattr(waiting, name).tobytes() for name in _COLUMNS},
            "waiting_senders": packed(waiting.sender),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        # a topic that was made anew has other sources: nothing is known of those yet
        self._mark = {s: mark for s, mark in state["mark"].items() if s in self._passed_ms}
        self._passed_ms.update((s, ms) for s, ms in state["passed_ms"].items() if s in self._passed_ms)
        self._standing = {s: Standing(n) for s, n in state["standing"].items() if s in self._passed_ms}
        self._frontier_ms = state["frontier_ms"]
        columns = {name: np.frombuffer(state["waiting"][name], dtype) for name, dtype in _COLUMNS.items()}
        sender = self._thin(unpacked(state["waiting_senders"], self._sketch_width))
        self._waiting = [Sequence(sender=sender, **columns)]


def _order(effective_ms: Int64s, event: Hashes) -> Int64s:
    """Return the order by time, then event: by one key that holds the time and as much of the event as there is room for."""
    if not len(event):
        return int64s()
    since_ms = (effective_ms - effective_ms.min()).astype(np.uint64)
    time_bits = int(since_ms.max()).bit_length()
    key = since_ms << np.uint64(64 - time_bits) | event >> np.uint64(time_bits) if time_bits else event
    return order_of(key, event)


def _joined(parts: list[Sequence]) -> Sequence:
    if len(parts) == 1:
        return parts[0]
    columns = {
        name: np.concatenate([np.zeros(0, dtype), *(getattr(part, name) for part in parts)])
        for name, dtype in _COLUMNS.items()
    }
    return Sequence(sender=senders([part.sender for part in parts]), **columns)
