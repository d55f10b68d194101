"""Who voted what: of several votes of one account in one poll the last by (time, event) counts, whenever it came.

State: 20 bytes a voter and poll in tables that are 46 to 70 % full, so 28 to 44 bytes each; a million voters of one
poll each hold about 36 MB over all shards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from compiled.library import COLUMN, INTEGER, address, function
from detectors.columns import Bools, Hashes, Int32s, Int64s, distinct, int32s, int64s
from detectors.erasure import Erasure
from detectors.keyed_table import KeyedTable, mix
from detectors.waiting_rows import Sequence

_COLUMNS = {"rank": "u8", "cell": "i4"}
_EVENT_BITS = 22
_LAST_MS = (1 << 64 - _EVENT_BITS) - 1
_NO_POLL = 0
_tally = function("pollwatch_tally", COLUMN, COLUMN, INTEGER, *[COLUMN] * 6)


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
        slot, new = self._voters.enter(mix(votes.account, serial))
        stands, left = self._weigh(votes, cell, slot, new)
        self._note(cell, serial)
        revotes = len(votes) - int(np.count_nonzero(new))
        if stands.all():
            return TallyChange(votes.effective_ms, cell, left, revotes, new)
        return TallyChange(votes.effective_ms[stands], cell[stands], left[stands], revotes, new)

    def _weigh(self, votes: Sequence, cell: Int32s, slot: Int64s, new: Bools) -> tuple[Bools, Int32s]:
        """Let each vote, in order, take the place of its account's last one if it is later; return which did, and what left."""
        stands, left = np.empty(len(slot), np.bool_), np.empty(len(slot), np.int32)
        columns = {"rank": _ranks(votes.ts_ms, votes.event), "cell": cell}
        given = [np.ascontiguousarray(column, _COLUMNS[name]) for name, column in columns.items()]
        held = [self._voters.values[name] for name in columns]
        _tally(address(slot), address(new), len(slot), *map(address, (*given, *held, stands, left)))
        return stands, left

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

    def snapshot(self) -> dict[str, bytes | bytearray]:
        """Return the state as little-endian columns."""
        return {**self._voters.packed(), "serial_of_cell": self._serial_of_cell.tobytes()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        values = {name: np.frombuffer(state[name], dtype) for name, dtype in _COLUMNS.items()}
        self._voters.replace(np.frombuffer(state["key"], np.uint64), values)
        self._serial_of_cell = np.frombuffer(state["serial_of_cell"], np.int64).copy()


def _ranks(ts_ms: Int64s, event: Hashes) -> Hashes:
    """Return one word for each vote, the greater the later: 42 bits of time (to the year 2109) and the first 22 of the event.

    Of two votes of one account in one millisecond that agree in those as well, one pair in four million, the first in sequence stands.
    """
    time = np.clip(ts_ms, 0, _LAST_MS).astype(np.uint64)
    ranks: Hashes = time << np.uint64(_EVENT_BITS) | event >> np.uint64(64 - _EVENT_BITS)
    return ranks
