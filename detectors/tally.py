"""Who voted what: of several votes of one account in one poll the last by (time, event) counts, whenever it came.

State: 28 bytes a voter and poll in tables that are 46 to 70 % full, so 40 to 61 bytes each; a million voters of one
poll each hold about 50 MB over all shards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.columns import Bools, Hashes, Int32s, Int64s, distinct, int32s, int64s, order_of, run_starts
from detectors.erasure import Erasure
from detectors.keyed_table import KeyedTable, mix
from detectors.waiting_rows import Sequence

_COLUMNS = {"ts_ms": "i8", "event": "u8", "cell": "i4"}
_NO_POLL = 0


@dataclass(frozen=True, slots=True)
class TallyChange:
    """What a run of votes did: at `effective_ms` the option at `cell` gained one vote and `left` (-1: none) lost one.

    A vote that lost against a later one of the same account has no row here. `first` tells, for each vote that was
    given, whether it is the first of its account in its poll.
    """

    effective_ms: Int64s
    cell: Int32s
    left: Int32s
    revotes: int
    first: Bools


_NO_CHANGE = TallyChange(int64s(), int32s(), int32s(), 0, np.zeros(0, np.bool_))


class Tally:
    """The last vote of each account in each poll of one shard."""

    def __init__(self) -> None:
        self._voters = KeyedTable(_COLUMNS)
        # a cell is of one poll until that poll is forgotten, so no voter needs to say which poll it is of
        self._serial_of_cell = int64s([_NO_POLL])

    def __len__(self) -> int:
        return len(self._voters)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._voters.nbytes + int(self._serial_of_cell.nbytes)

    def count(self, votes: Sequence, cell: Int32s, serial: Int64s) -> TallyChange:
        """Count a run of votes (no replies, in sequence), each with its option's cell and its poll's serial."""
        if not len(votes):
            return _NO_CHANGE
        voter = mix(votes.account, serial)
        order = order_of(voter) if _has_copies(voter) else np.arange(len(voter))
        starts = run_starts(voter[order])
        stops = np.append(starts[1:], len(order))
        first, stands = order[starts], order[stops - 1]
        slot, new = self._voters.enter(voter[first])
        # a vote that is not late comes after all votes of its account so far, and takes the place of the one before
        left = np.empty(len(voter), np.int32)
        left[order[1:]] = cell[order[:-1]]
        left[first] = np.where(new, -1, self._voters.values["cell"][slot])
        wins = np.ones(len(voter), np.bool_)
        contested = _contested(votes.late, order, starts, new)
        for group in contested.tolist():
            rows = order[starts[group] : stops[group]]
            stands[group] = self._contest(votes, cell, rows, -1 if new[group] else int(slot[group]), wins, left)
        first = first[new]
        self._note(cell, serial)
        self._store(votes, cell, stands, slot)
        is_first = np.zeros(len(voter), np.bool_)
        is_first[first] = True
        revotes = len(voter) - len(first)
        if not len(contested):
            return TallyChange(votes.effective_ms, cell, left, revotes, is_first)
        return TallyChange(votes.effective_ms[wins], cell[wins], left[wins], revotes, is_first)

    def _contest(
        self, votes: Sequence, cell: Int32s, rows: Int64s, stored: int, wins: Bools, left: Int32s
    ) -> int:
        """Play all votes of one account in sequence, some late; fill `wins` and `left`; return who stands, or -1."""
        values = self._voters.values
        standing, held, best = -1, -1, (-(1 << 62), 0)
        if stored >= 0:
            held, best = int(values["cell"][stored]), (int(values["ts_ms"][stored]), int(values["event"][stored]))
        ranks = zip(votes.ts_ms[rows].tolist(), votes.event[rows].tolist(), strict=True)
        for row, rank in zip(rows.tolist(), ranks, strict=True):
            wins[row], left[row] = rank > best, held
            if rank > best:
                standing, held, best = row, int(cell[row]), rank
        return standing

    def _store(self, votes: Sequence, cell: Int32s, stands: Int64s, slot: Int64s) -> None:
        """Write down the vote of each voter that stands: row `stands`, -1 where it is the one that stood."""
        slot, row = slot[stands >= 0], stands[stands >= 0]
        values = self._voters.values
        values["ts_ms"][slot], values["event"][slot] = votes.ts_ms[row], votes.event[row]
        values["cell"][slot] = cell[row]

    def _note(self, cell: Int32s, serial: Int64s) -> None:
        """Write down which poll each cell is of."""
        known = self._serial_of_cell
        missing = int(cell.max()) + 1 - len(known)
        if missing > 0:
            self._serial_of_cell = known = np.append(known, np.zeros(max(missing, len(known)), np.int64))
        known[cell] = serial

    def forget(self, serials: Int64s) -> None:
        """Forget the voters of these polls."""
        gone = np.isin(self._serial_of_cell, serials)
        self._serial_of_cell[gone] = _NO_POLL
        self._voters.keep(~gone[self._voters.values["cell"]])

    def erase(self, erasure: Erasure) -> None:
        """Forget what an account voted in any poll; its votes stay counted."""
        serials = distinct(self._serial_of_cell)
        voter = mix(np.full(len(serials), erasure.account, np.uint64), serials)
        slots = self._voters.find(voter)
        if (slots >= 0).any():
            kept = np.ones(len(self._voters.values["cell"]), np.bool_)
            kept[slots[slots >= 0]] = False
            self._voters.keep(kept)

    def snapshot(self) -> dict[str, bytes]:
        """Return the state as little-endian columns."""
        return {**self._voters.packed(), "serial_of_cell": self._serial_of_cell.tobytes()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        values = {name: np.frombuffer(state[name], dtype) for name, dtype in _COLUMNS.items()}
        self._voters.replace(np.frombuffer(state["key"], np.uint64), values)
        self._serial_of_cell = np.frombuffer(state["serial_of_cell"], np.int64).copy()


def _has_copies(keys: Hashes) -> bool:
    # mostly each account votes once in a run, and to tell that takes a fifth of what it takes to put them in order
    ordered = np.sort(keys)
    return bool((ordered[1:] == ordered[:-1]).any())


def _contested(late: Bools, order: Int64s, starts: Int64s, new: Bools) -> Int64s:
    """Return the groups in which a late vote meets another vote of its account."""
    if not late.any():
        return np.zeros(0, np.int64)
    has_late = np.logical_or.reduceat(late[order], starts)
    sizes = np.diff(np.append(starts, len(late)))
    return np.flatnonzero(has_late & ((sizes > 1) | ~new))
