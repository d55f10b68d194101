"""Rows that wait for their time: what is due costs by itself, however much waits behind it.

A partition that lags minutes behind others makes millions of rows wait; to go through all of them at each step would make it
lag further. So each piece that comes is put in order of time, and loses rows from its front; when there are too many pieces the
smaller half of them becomes one, so that a row is copied a few times at most (as in a log-structured merge-tree: O'Neil and
others, 1996, Acta Informatica 33). State: about 100 bytes a row (230 with sketches), twice that in pieces that are half due.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detectors.columns import Bools, Hashes, Int32s, Int64s, distinct, int32s, int64s, order_of
from detectors.senders import NO_SENDERS, Senders, packed, senders, unpacked

MOST_PIECES = 256


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


@dataclass(slots=True)
class _Piece:
    """Rows in order of time, without those before `at`; `names` are their distinct names, once they were asked for."""

    rows: Sequence
    at: int = 0
    names: Int32s | None = None

    def __len__(self) -> int:
        return len(self.rows) - self.at

    @property
    def first_ms(self) -> int:
        return int(self.rows.effective_ms[self.at])

    def left(self) -> Sequence:
        return self.rows.take(slice(self.at, None)) if self.at else self.rows


class WaitingRows:
    """Pieces, `MOST_PIECES` at most; `thin` returns the senders of rows that stay, without what only others used."""

    def __init__(self, thin: Callable[[Senders], Senders]) -> None:
        self._thin = thin
        self._pieces: list[_Piece] = []
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add(self, rows: Sequence) -> None:
        """Add rows in any order."""
        if not len(rows):
            return
        self._pieces.append(_sorted(rows))
        self._rows += len(rows)
        if len(self._pieces) > MOST_PIECES:
            self._merge()

    def _merge(self) -> None:
        sizes = sorted(map(len, self._pieces))
        most = sizes[len(sizes) // 2]
        small = [piece for piece in self._pieces if len(piece) <= most]
        large = [piece for piece in self._pieces if len(piece) > most]
        self._pieces = [*large, self._compact(_sorted(joined([piece.left() for piece in small])).rows)]

    def _compact(self, rows: Sequence) -> _Piece:
        return _Piece(replace(rows, sender=self._thin(rows.sender.whole())))

    def release(self, until_ms: int) -> Sequence:
        """Take out the rows before `until_ms`, in order."""
        due: list[Sequence] = []
        kept: list[_Piece] = []
        for piece in self._pieces:
            if piece.first_ms < until_ms:
                end = int(piece.rows.effective_ms.searchsorted(until_ms))
                due.append(piece.rows.take(slice(piece.at, end)))
                piece.at, piece.names = end, None
            if len(piece):
                # a view holds on to the ids of all that were released, too
                kept.append(piece if 2 * piece.at <= len(piece.rows) else self._compact(piece.left()))
        self._pieces = kept
        rows = joined(due)
        self._rows -= len(rows)
        return rows.take(_order(rows.effective_ms, rows.event))

    def names(self) -> Int32s:
        """Return the distinct names of the rows."""
        for piece in self._pieces:
            piece.names = distinct(piece.left().name) if piece.names is None else piece.names
        known: Int32s = distinct(np.concatenate([int32s(), *(piece.names for piece in self._pieces if piece.names is not None)]))
        return known

    def effective_ms(self) -> Int64s:
        """Return the effective times of the rows, in no order."""
        return np.concatenate([int64s(), *(piece.rows.effective_ms[piece.at :] for piece in self._pieces)])

    def change(self, change: Callable[[Sequence], Sequence]) -> None:
        """Put others in the place of the rows, of the same times."""
        self._pieces = [_Piece(change(piece.left())) for piece in self._pieces]

    def snapshot(self) -> dict[str, Any]:
        """Return the rows as plain data."""
        rows = joined([piece.left() for piece in self._pieces])
        return {"waiting": {name: getattr(rows, name).tobytes() for name in _COLUMNS}, "waiting_senders": packed(rows.sender)}

    def restore(self, state: dict[str, Any], sketch_width: int) -> None:
        """Take over what `snapshot` returned."""
        columns = {name: np.frombuffer(state["waiting"][name], dtype) for name, dtype in _COLUMNS.items()}
        sender = self._thin(unpacked(state["waiting_senders"], sketch_width))
        self._pieces, self._rows = [], 0
        self.add(Sequence(sender=sender, **columns))


def _sorted(rows: Sequence) -> _Piece:
    return _Piece(rows.take(np.argsort(rows.effective_ms, kind="stable")))


def _order(effective_ms: Int64s, event: Hashes) -> Int64s:
    """Return the order by time, then event: by one key that holds the time and as much of the event as there is room for."""
    if not len(event):
        return int64s()
    since_ms = (effective_ms - effective_ms.min()).astype(np.uint64)
    time_bits = int(since_ms.max()).bit_length()
    key = since_ms << np.uint64(64 - time_bits) | event >> np.uint64(time_bits) if time_bits else event
    return order_of(key, event)


def joined(parts: list[Sequence]) -> Sequence:
    """Return the rows of all pieces, one piece after the other."""
    if len(parts) == 1:
        return parts[0]
    columns = {
        name: np.concatenate([np.zeros(0, dtype), *(getattr(part, name) for part in parts)])
        for name, dtype in _COLUMNS.items()
    }
    return Sequence(sender=senders([part.sender for part in parts]), **columns)
