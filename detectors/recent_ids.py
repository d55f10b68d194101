"""Which events were counted already: copies of an `event_id` are found for ten minutes and more of event time.

Ids live in generations as long as the horizon. The current one and the one before it are kept, so a copy is found when
it is at most `horizon_ms` younger than the event it repeats, and never when it is more than twice that. A generation of half
of the ids that may be held ends early, and that before the one before it is forgotten: then only copies that follow within so
many ids are found. An id costs 11 to 18 bytes (`KeyedTable`): 50,000 votes a second for 20 minutes are 60 million ids, 0.7
to 1.1 GB over all shards.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.columns import Bools, Hashes, Int64s, runs
from detectors.keyed_table import KeyedTable


class RecentIds:
    """The ids of one shard's last events, by generation of event time; `most` of them at once."""

    def __init__(self, horizon_ms: int, most: int) -> None:
        self._generation_ms = horizon_ms
        self._most = most // 2
        self._tables: list[tuple[int, KeyedTable]] = []
        self._early = 0

    def __len__(self) -> int:
        return sum(len(table) for _, table in self._tables)

    def take_early(self) -> int:
        """Return how many ids were forgotten within the horizon, since there were too many, since this was asked last."""
        early, self._early = self._early, 0
        return early

    def first_seen(self, event: Hashes, effective_ms: Int64s) -> Bools:
        """Remember the events and tell which are new; rows come in order of `effective_ms`, over all calls."""
        new = np.zeros(len(event), dtype=np.bool_)
        generation = effective_ms // self._generation_ms
        for start, end in runs(generation):
            new[start:end] = self._first_seen(event[start:end], int(generation[start]))
        return new

    def _first_seen(self, event: Hashes, generation: int) -> Bools:
        self._tables = [(g, table) for g, table in self._tables if g >= generation - 1]
        if not self._tables or self._tables[-1][0] != generation:
            self._begin(generation)
        parts = [self._enter(event)]
        while (done := sum(map(len, parts))) < len(event):
            # the next one is new, and there is no room for it
            self._begin(generation)
            parts.append(self._enter(event[done:]))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _begin(self, generation: int) -> None:
        self._tables.append((generation, KeyedTable()))
        if len(self._tables) > 2:
            self._early += len(self._tables.pop(0)[1])

    def _enter(self, event: Hashes) -> Bools:
        """Remember events and tell which are new, up to the first new one for which there is no room."""
        *before, (_, current) = self._tables
        new = np.ones(len(event), dtype=np.bool_)
        for _, table in before:
            new &= ~table.contains(event)
        room = self._most - len(current)
        if len(event) > room:
            new &= _first_of_each(event) & ~current.contains(event)
            beyond = np.flatnonzero(new)[room:]
            event, new = (event[: beyond[0]], new[: beyond[0]]) if len(beyond) else (event, new)
        new[new] = current.enter(event[new])[1]
        return new

    def snapshot(self) -> list[tuple[int, bytearray]]:
        """Return each generation with its ids as little-endian bytes, in order."""
        return [(g, table.packed()["key"]) for g, table in self._tables]

    def restore(self, state: Sequence[tuple[int, bytes | bytearray]]) -> None:
        """Take over what `snapshot` returned."""
        self._tables = []
        for generation, ids in state:
            table = KeyedTable()
            table.replace(np.frombuffer(ids, dtype=np.uint64), {})
            self._tables.append((generation, table))


def _first_of_each(event: Hashes) -> Bools:
    first = np.zeros(len(event), dtype=np.bool_)
    first[np.unique(event, return_index=True)[1]] = True
    return first
