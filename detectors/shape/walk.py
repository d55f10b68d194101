"""Evidence for a clock, added up for each series since it was last nought. It knows neither polls nor what is said.

A walk goes up by what each tick says for a clock, down by what it says for chance, never below 0 (Page 1954); one walk
for each profile. All is whole numbers, so that a cut anywhere changes nothing. State: 64 bytes a series.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.columns import Bools, Int64s
from detectors.shape.halves import Steps
from detectors.shape.params import PROFILES

_APART = 1 << 40


@dataclass(frozen=True, slots=True)
class Heights:
    """Where the walks stood after each entry of the steps: `height` in 1/1000 nat and `since` by (entry, profile).

    `since` is the first tick after the walk stood at 0.
    """

    height: Int64s
    since: Int64s

    def take(self, entries: Bools) -> Heights:
        """Return the entries that a mask selects."""
        return Heights(self.height[entries], self.since[entries])


class Walks:
    """The walks of all series."""

    def __init__(self) -> None:
        self.height = np.zeros((0, PROFILES), np.int64)
        self.since = np.zeros((0, PROFILES), np.int64)

    def grow(self, series: int) -> None:
        """Make room for so many series."""
        more = series - len(self.height)
        if more > 0:
            self.height = np.concatenate([self.height, np.zeros((more, PROFILES), np.int64)])
            self.since = np.concatenate([self.since, np.zeros((more, PROFILES), np.int64)])

    def ahead(self, steps: Steps) -> Heights:
        """Return how the walks go on with these steps, without going on."""
        starts = np.flatnonzero(np.diff(steps.series, prepend=-1))
        run = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(steps.series))))[:, None]
        sums = np.cumsum(steps.gain, axis=0)
        before = sums[starts] - steps.gain[starts]
        free = sums - before[run[:, 0]] + self.height[steps.series]
        # later runs are pushed down by more than any walk is high, so that one running minimum serves all of them
        lowest = np.minimum.accumulate(free - run * _APART, axis=0) + run * _APART
        height = free - np.minimum(lowest, 0)
        earlier = np.concatenate([height[:1], height[:-1]])
        earlier[starts] = self.height[steps.series[starts]]
        began = np.where(earlier == 0, steps.tick[:, None], self.since[steps.series])
        since = np.maximum.accumulate(began + run * _APART, axis=0) - run * _APART
        return Heights(height, since)

    def go(self, steps: Steps, heights: Heights) -> None:
        """Go on to where `ahead` said."""
        ends = np.flatnonzero(np.diff(steps.series, append=-1))
        self.height[steps.series[ends]] = heights.height[ends]
        self.since[steps.series[ends]] = heights.since[ends]

    def begin_anew(self, series: Int64s | slice) -> None:
        """Put the walks of these series at 0."""
        self.height[series] = 0

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {"height": self.height.tobytes(), "since": self.since.tobytes()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self.height = np.frombuffer(state["height"], np.int64).reshape(-1, PROFILES).copy()
        self.since = np.frombuffer(state["since"], np.int64).reshape(-1, PROFILES).copy()
