"""Which events were counted already: copies of an `event_id` are found for ten minutes and more of event time.

Ids live in generations as long as the horizon. The current one and the one before it are kept, so a copy is found when
it is at most `horizon_ms` younger than the event it repeats, and never when it is more than twice that. An id costs 11
to 18 bytes (`KeyedTable`): 50,000 votes a second for 20 minutes are 60 million ids, 0.7 to 1.1 GB over all shards.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import Bools, Hashes, Int64s, runs
from detectors.keyed_table import KeyedTable


class RecentIds:
    """The ids of one shard's last events, by generation of event time."""

    def __init__(self, horizon_ms: int) -> None:
        self._generation_ms = horizon_ms
        self._tables: dict[int, KeyedTable] = {}

    def __len__(self) -> int:
        return sum(len(table) for table in self._tables.values())

    def first_seen(self, event: Hashes, effective_ms: Int64s) -> Bools:
        """Remember the events and tell which are new; rows come in order of `effective_ms`, over all calls."""
        new = np.zeros(len(event), dtype=np.bool_)
        generation = effective_ms // self._generation_ms
        for start, end in runs(generation):
            new[start:end] = self._first_seen(event[start:end], int(generation[start]))
        return new

    def _first_seen(self, event: Hashes, generation: int) -> Bools:
        for old in [g for g in self._tables if g < generation - 1]:
            del self._tables[old]
        current = self._tables.setdefault(generation, KeyedTable())
        new = _first_of_each(event)
        for table in self._tables.values():
            if table is not current:
                new &= ~table.contains(event)
        new[new] = current.enter(event[new])[1]
        return new

    def snapshot(self) -> dict[int, bytes]:
        """Return the ids of each generation as little-endian bytes."""
        return {g: table.entries()[0].tobytes() for g, table in self._tables.items()}

    def restore(self, state: dict[int, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._tables = {}
        for generation, ids in state.items():
            self._tables[generation] = KeyedTable()
            self._tables[generation].replace(np.frombuffer(ids, dtype=np.uint64), {})


def _first_of_each(event: Hashes) -> Bools:
    # telling whether there are copies at all is several times cheaper than finding them, and mostly there are none
    ordered = np.sort(event)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.ones(len(event), dtype=np.bool_)
    first = np.zeros(len(event), dtype=np.bool_)
    first[np.unique(event, return_index=True)[1]] = True
    return first
