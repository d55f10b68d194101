"""Votes gathered by series and window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Bools, Floats, Int64s
from detectors.rate_params import RateParams
from detectors.rate_recent import Run, starts

_WINDOW_SHIFT = 36


@dataclass(frozen=True, slots=True)
class Groups:
    """Entries of a run by (row, window), ascending: `of_entry` tells the group of each entry, `first` where it begins."""

    row: Int64s
    window: Int64s
    first: Int64s
    of_entry: Int64s
    votes: Int64s
    clumped: Floats

    @staticmethod
    def of(run: Run, params: RateParams) -> Groups:
        """Gather the entries of a run."""
        row, start_ms = run.row, run.tick * params.tick_ms
        window = start_ms // params.window_ms
        key = (row << _WINDOW_SHIFT) | window
        edge = starts(key)
        first = np.flatnonzero(edge)
        votes = np.diff(np.append(run.until[first], run.until[-1]))
        clumped = _clumped(run, start_ms, edge, votes, params)
        return Groups(row[first], window[first], first, np.cumsum(edge) - 1, votes, clumped)


def _clumped(run: Run, start_ms: Int64s, begins: Bools, votes: Int64s, params: RateParams) -> Floats:
    """Return variance over mean of the votes in the shortest spans of each group, about, 1 where they are even.

    Of x votes spread evenly over n spans, x (x - 1) / n ordered pairs share one; pairs beyond that, for each vote, are
    what the variance has beyond the mean.
    """
    short_ms = params.spans_ms[0]
    spans = params.window_ms / short_ms
    if spans == 1 or not len(begins):
        return np.full(len(votes), np.nan)
    edge = np.flatnonzero(starts(start_ms // short_ms) | begins)
    together = np.diff(np.append(run.until[edge], run.until[-1]))
    of_group = np.flatnonzero(begins[edge])
    pairs = np.add.reduceat(together * (together - 1.0), of_group)
    return np.where(votes > 1, 1.0 + pairs / votes - (votes - 1.0) / spans, np.nan)
