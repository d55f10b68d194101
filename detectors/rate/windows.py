"""Votes gathered by series and window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Bools, Floats, Int64s, begins
from detectors.rate.params import RateParams
from detectors.rate.recent import Run

_WINDOW_SHIFT = 36


@dataclass(frozen=True, slots=True)
class Groups:
    """Entries of a run by (row, window), ascending: `of_entry` tells the group of each entry, `first` where it begins.

    A window is cut into spans of each length shorter than it (a column): `pairs` are the ordered pairs of votes that share
    such a span, `most` the votes in the fullest.
    """

    key: Int64s
    row: Int64s
    window: Int64s
    first: Int64s
    of_entry: Int64s
    votes: Int64s
    pairs: Floats
    most: Floats

    @staticmethod
    def of(run: Run, params: RateParams) -> Groups:
        """Gather the entries of a run."""
        row, start_ms = run.row, run.tick * params.tick_ms
        window = start_ms // params.window_ms
        key = (row << _WINDOW_SHIFT) | window
        edge = begins(key)
        first = np.flatnonzero(edge)
        votes = np.diff(np.append(run.until[first], run.until[-1]))
        cut = np.zeros((2, len(first), len(params.spans_ms) - 1))
        for number, span_ms in enumerate(params.spans_ms[:-1]):
            cut[:, :, number] = _pairs_and_most(run, start_ms // span_ms, edge)
        return Groups(key[first], row[first], window[first], first, np.cumsum(edge) - 1, votes, cut[0], cut[1])

    def find(self, row: int, window: int) -> int:
        """Return the place of a group, -1 if there is none."""
        key = row << _WINDOW_SHIFT | window
        at = int(self.key.searchsorted(key))
        return at if at < len(self.key) and self.key[at] == key else -1


def _pairs_and_most(run: Run, span: Int64s, new_group: Bools) -> Floats:
    """Return, of each group, the ordered pairs of votes that share a span, and the votes in the fullest (2 x groups)."""
    edge = (begins(span) | new_group).nonzero()[0]
    if not len(edge):
        return np.zeros((2, 0))
    together = run.until[np.append(edge[1:], len(span))] - run.until[edge]
    group = new_group[edge].nonzero()[0]
    return np.stack([np.add.reduceat(together * (together - 1.0), group), np.maximum.reduceat(together, group)])
