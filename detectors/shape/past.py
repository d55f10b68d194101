"""Whether a poll's votes ever came unevenly: what always came like a clock is its source's manner. It judges no surge.

Sources that know only counts a minute spread votes evenly; so does traffic made by hand. Local variation compares each
gap between votes with the next one, so a changing rate does not matter: 3 ((a - b) / (a + b))^2 is 1 on average by
chance, 0 where all gaps are equal (Shinomoto, Shima and Tanji 2003). A frame gives two pairs at most, so that a clock of
a few frames does not outweigh the time before it. State: 32 bytes a poll.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import Int64s

_UNKNOWN = -1
_PAIRS_A_FRAME = 2
_UNEVEN = 300
_UNEVEN_A_PAIR = 50
"""Thousandths of a local variation; of few pairs, less is asked: by chance few may look even."""
_MOST_PAIRS = 256

_COLUMNS = ("last_ms", "last_gap_ms", "pairs", "variation")


class Pasts:
    """How unevenly the votes of each poll have come."""

    def __init__(self) -> None:
        self.last_ms = np.zeros(0, np.int64)
        self.last_gap_ms = np.zeros(0, np.int64)
        self.pairs = np.zeros(0, np.int64)
        self.variation = np.zeros(0, np.int64)

    def grow(self, polls: int) -> None:
        """Make room for so many polls."""
        more = polls - len(self.pairs)
        if more > 0:
            for name in _COLUMNS:
                fill = _UNKNOWN if name.startswith("last") else 0
                setattr(self, name, np.append(getattr(self, name), np.full(more, fill, np.int64)))

    def learn(self, poll: Int64s, at_ms: Int64s) -> None:
        """Take the votes of a frame, ordered by (poll, time)."""
        if not len(poll):
            return
        begins = np.flatnonzero(np.diff(poll, prepend=-1))
        ends = np.append(begins[1:], len(poll)) - 1
        is_first = np.zeros(len(poll), np.bool_)
        is_first[begins] = True
        before_ms = np.where(is_first, self.last_ms[poll], np.roll(at_ms, 1))
        gap_ms = np.where(before_ms >= 0, at_ms - before_ms, _UNKNOWN)
        gap_before_ms = np.where(is_first, self.last_gap_ms[poll], np.roll(gap_ms, 1))
        rank = np.arange(len(poll)) - np.repeat(begins, ends - begins + 1)
        both_ms = gap_ms + gap_before_ms
        counts = (rank < _PAIRS_A_FRAME) & (gap_ms >= 0) & (gap_before_ms >= 0) & (both_ms > 0)
        uneven = 3_000 * (gap_ms - gap_before_ms)[counts] ** 2 // both_ms[counts] ** 2
        np.add.at(self.pairs, poll[counts], 1)
        np.add.at(self.variation, poll[counts], uneven)
        last = poll[ends]
        self.last_ms[last], self.last_gap_ms[last] = at_ms[ends], gap_ms[ends]
        many = last[self.pairs[last] > _MOST_PAIRS]
        self.pairs[many] //= 2
        self.variation[many] //= 2

    def is_uneven(self, poll: int) -> bool:
        """Tell whether a poll is known to get votes that come by chance."""
        pairs = int(self.pairs[poll])
        return pairs > 0 and int(self.variation[poll]) >= min(_UNEVEN, _UNEVEN_A_PAIR * pairs) * pairs

    def forget(self, polls: Int64s) -> None:
        """Forget all about these polls."""
        self.last_ms[polls] = self.last_gap_ms[polls] = _UNKNOWN
        self.pairs[polls] = self.variation[polls] = 0

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {name: getattr(self, name).tobytes() for name in _COLUMNS}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        for name in _COLUMNS:
            setattr(self, name, np.frombuffer(state[name], np.int64).copy())
