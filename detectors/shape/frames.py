"""Votes by series and frame: how many there are, and where they lie among the keys. It judges nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from detectors.columns import Int64s, run_starts
from detectors.shape.halves import SERIES_MS
from detectors.shape.params import FRAME_MS, SLOTS

_SERIES_FRAMES = SERIES_MS // FRAME_MS


@dataclass(frozen=True, slots=True)
class FrameVotes:
    """Entry i: a series had `votes[i]` votes in frame `frame[i]`, their keys from place `start[i]` on."""

    series: Int64s
    frame: Int64s
    start: Int64s
    votes: Int64s

    def take(self, entries: Any) -> FrameVotes:
        """Return the entries that a mask or an array of indices selects."""
        return FrameVotes(self.series[entries], self.frame[entries], self.start[entries], self.votes[entries])

    def of_polls(self) -> FrameVotes:
        """Return the entries of whole polls."""
        return self.take(self.series % SLOTS == 0)

    def each(self, from_frame: int, to_frame: int) -> Iterator[Int64s]:
        """Yield the entries of each frame of [from_frame, to_frame), in their order."""
        order = np.argsort(self.frame, kind="stable")
        ends = np.searchsorted(self.frame[order], np.arange(from_frame, to_frame + 1)).tolist()
        for low, high in pairwise(ends):
            yield order[low:high]


def frame_votes(keys: Int64s, base_ms: int, from_frame: int, to_frame: int) -> FrameVotes:
    """Return the votes of frames [from_frame, to_frame), ordered by (series, frame); keys are those of `halves`."""
    cell = keys // FRAME_MS
    start = run_starts(cell)
    votes = np.diff(start, append=len(keys))
    series, frame = np.divmod(cell[start], _SERIES_FRAMES)
    frame += base_ms // FRAME_MS
    return FrameVotes(series, frame, start, votes).take((frame >= from_frame) & (frame < to_frame))


def votes_between(keys: Int64s, series: Int64s, from_ms: int, until_ms: int) -> Int64s:
    """Return the votes of each series between two times of the keys."""
    low, high = (keys.searchsorted(series * SERIES_MS + ms) for ms in (from_ms, until_ms))
    votes: Int64s = high - low
    return votes
