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
    """Entries of a run by (row, window), ascending: `of_entry` tells the group of each entry, `first` where it begins.

    `pairs` are, for each of the spans shorter than a window (a column), the ordered pairs of votes that share one of those
    a window is cut into.
    """

    row: Int64s
    window: Int64s
    first: Int64s
    of_entry: Int64s
    votes: Int64s
    pairs: Floats

    @staticmethod
    def of(run: Run, params: RateParams) -> Groups:
        """Gather the entries of a run."""
        row, start_ms = run.row, run.tick * params.tick_ms
        window = start_ms // params.window_ms
        key = (row << _WINDOW_SHIFT) | window
        edge = starts(key)
        first = np.flatnonzero(edge)
        votes = np.diff(np.append(run.until[first], run.until[-1]))
        pairs = [_pairs(run, start_ms // span_ms, edge) for span_ms in params.spans_ms[:-1]]
        shared = np.stack(pairs, axis=1) if pairs else np.zeros((len(first), 0))
        return Groups(row[first], window[first], first, np.cumsum(edge) - 1, votes, shared)


def _pairs(run: Run, span: Int64s, begins: Bools) -> Floats:
    """Return the ordered pairs of votes of each group that share a span; `begins` is where a group begins."""
    edge = np.flatnonzero(starts(span) | begins)
    if not len(edge):
        return np.zeros(0)
    together = np.diff(np.append(run.until[edge], run.until[-1]))
    pairs: Floats = np.add.reduceat(together * (together - 1.0), np.flatnonzero(begins[edge]))
    return pairs
