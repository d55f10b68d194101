"""Whether a poll's votes ever came unevenly: what always came like a clock is its source's manner. It judges no surge.

Sources that know only counts a minute spread votes evenly; so does traffic made by hand. Local variation compares each
gap between votes with the next one, so a changing rate does not matter: 3 ((a - b) / (a + b))^2 is 1 on average by
chance, 0 where all gaps are equal (Shinomoto, Shima and Tanji 2003). A frame gives two pairs at most, so that a clock of
a few frames does not outweigh the time before it. State: 32 bytes a poll.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.columns import Int64s, run_starts
from detectors.shape.frames import FrameVotes
from detectors.shape.halves import SERIES_MS
from detectors.shape.params import SLOTS

_UNKNOWN = -1
_PAIRS_A_FRAME = 2
_UNEVEN = 300
_UNEVEN_A_PAIR = 50
"""Thousandths of a local variation; of few pairs, less is asked: by chance few may look even."""
_MOST_PAIRS = 256
_LONGEST_MS = 36_000_000
"""A longer gap counts as one of ten hours: its square, thrice in thousandths, is a whole number of 64 bits."""

_COLUMNS = ("last_ms", "last_gap_ms", "pairs", "variation")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Of polls in frames: how many pairs of gaps, and the sum of their local variation, in thousandths."""

    pairs: Int64s
    variation: Int64s


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

    def look_at(self, votes: FrameVotes, keys: Int64s, base_ms: int) -> Pairs:
        """Take the votes of whole polls, ordered by (poll, frame); return what `learn` is to be given, entry by entry.

        Of a frame, its first two votes count, with the two before each; the last two of the frame before may be those.
        """
        kept = np.minimum(votes.votes, 2 * _PAIRS_A_FRAME)
        begins = np.cumsum(kept) - kept
        rank = np.arange(int(kept.sum())) - np.repeat(begins, kept)
        skipped = np.where(rank < _PAIRS_A_FRAME, 0, np.repeat(votes.votes - kept, kept))
        at_ms = keys[np.repeat(votes.start, kept) + rank + skipped] % SERIES_MS + base_ms
        gap_ms, gap_before_ms = self._gaps(np.repeat(votes.series // SLOTS, kept), at_ms)
        both_ms = gap_ms + gap_before_ms
        counts = (rank < _PAIRS_A_FRAME) & (gap_before_ms >= 0) & (both_ms > 0)
        uneven = np.where(counts, 3_000 * (gap_ms - gap_before_ms) ** 2 // np.maximum(both_ms, 1) ** 2, 0)
        if not len(begins):
            return Pairs(begins, begins)
        return Pairs(np.add.reduceat(counts, begins, dtype=np.int64), np.add.reduceat(uneven, begins))

    def _gaps(self, poll: Int64s, at_ms: Int64s) -> tuple[Int64s, Int64s]:
        """Return the gap before each vote, and the one before that, of votes ordered by (poll, time); -1 is unknown."""
        begins = run_starts(poll)
        of = poll[begins]
        before_ms = np.roll(at_ms, 1)
        before_ms[begins] = self.last_ms[of]
        gap_ms = np.where(before_ms >= 0, np.minimum(at_ms - before_ms, _LONGEST_MS), _UNKNOWN)
        gap_before_ms = np.roll(gap_ms, 1)
        gap_before_ms[begins] = self.last_gap_ms[of]
        ends = np.append(begins[1:], len(poll)) - 1 if len(poll) else begins
        self.last_ms[of], self.last_gap_ms[of] = at_ms[ends], gap_ms[ends]
        return gap_ms, gap_before_ms

    def learn(self, polls: Int64s, pairs: Int64s, variation: Int64s) -> None:
        """Learn a frame of these polls, each once."""
        self.pairs[polls] += pairs
        self.variation[polls] += variation
        many = polls[self.pairs[polls] > _MOST_PAIRS]
        if len(many):
            self.pairs[many] //= 2
            self.variation[many] //= 2

    def break_off(self) -> None:
        """Compare no gap between votes that began by now with a later one."""
        self.last_ms[:] = self.last_gap_ms[:] = _UNKNOWN

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
