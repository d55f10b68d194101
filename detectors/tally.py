"""Who voted what: of several votes of one account in one poll the last by (time, event) counts, whenever it came.

State: 32 bytes a voter and poll in tables that are 30 to 60 % full, so 53 to 107 bytes each; a million voters of one
poll each hold about 80 MB over all shards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.columns import Hashes, Int32s, Int64s
from detectors.inbox import Sequence
from detectors.keyed_table import KeyedTable, mix

_COLUMNS = {"ts_ms": "i8", "event": "u8", "cell": "i4", "serial": "i8"}


@dataclass(frozen=True, slots=True)
class TallyChange:
    """What a run of votes did, vote by vote in their order: `cell` gained one, `left` (or -1 for none) lost one.

    A vote that lost against a later one has -1 in both.
    """

    effective_ms: Int64s
    cell: Int32s
    left: Int32s
    revotes: int


class Tally:
    """The last vote of each account in each poll of one shard."""

    def __init__(self) -> None:
        self._voters = KeyedTable(_COLUMNS)

    def __len__(self) -> int:
        return len(self._voters)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._voters.nbytes

    def count(self, votes: Sequence, serial: Int64s) -> TallyChange:
        """Count a run of votes (no replies); `serial` is the serial of each vote's poll."""
        voter = mix(votes.account, serial)
        order = np.lexsort((votes.event, votes.ts_ms, voter))
        key = voter[order]
        last_of_voter = np.append(key[1:] != key[:-1], [True] * bool(len(key)))
        winner = order[last_of_voter]
        known = self._voters.find(voter[winner])
        is_known = known >= 0
        wins = np.ones(len(winner), dtype=np.bool_)
        wins[is_known] = self._later(votes.ts_ms[winner[is_known]], votes.event[winner[is_known]], known[is_known])
        left = np.where(is_known & wins, self._voters.values["cell"][np.maximum(known, 0)], -1).astype(np.int32)
        self._store(known[wins & is_known], votes, winner[wins & is_known], serial)
        self._store(self._voters.insert(voter[winner[~is_known]]), votes, winner[~is_known], serial)
        revotes = len(votes) - int(np.count_nonzero(~is_known))
        return _changes(votes, winner[wins], left[wins], revotes)

    def forget(self, serials: Int64s) -> None:
        """Forget the voters of these polls."""
        keys, values = self._voters.entries()
        kept = ~np.isin(values["serial"], serials)
        self._voters.replace(keys[kept], {name: column[kept] for name, column in values.items()})

    def _later(self, ts_ms: Int64s, event: Hashes, slot: Int64s) -> Any:
        stored_ts, stored_event = self._voters.values["ts_ms"][slot], self._voters.values["event"][slot]
        return (ts_ms > stored_ts) | ((ts_ms == stored_ts) & (event > stored_event))

    def _store(self, slot: Int64s, votes: Sequence, rows: Int64s, serial: Int64s) -> None:
        values = self._voters.values
        values["ts_ms"][slot], values["event"][slot] = votes.ts_ms[rows], votes.event[rows]
        values["cell"][slot], values["serial"][slot] = votes.cell[rows], serial[rows]

    def snapshot(self) -> dict[str, bytes]:
        """Return the state as little-endian columns."""
        keys, values = self._voters.entries()
        return {"key": keys.tobytes(), **{name: column.tobytes() for name, column in values.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        values = {name: np.frombuffer(state[name], dtype) for name, dtype in _COLUMNS.items()}
        self._voters.replace(np.frombuffer(state["key"], np.uint64), values)


def _changes(votes: Sequence, rows: Int64s, left: Int32s, revotes: int) -> TallyChange:
    in_order = np.argsort(rows)
    rows, left = rows[in_order], left[in_order]
    return TallyChange(votes.effective_ms[rows], votes.cell[rows], left, revotes)
