"""A course cut into equal spans, as the drawings need it: votes, suspect and expected ones, and the suspect share. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streams.console.course import Column, States
from streams.report.bars import Bar, Bars

MOST_BARS = 120
_S = 1_000
_SPANS_MS = [
    seconds * _S
    for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400, 604_800)
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class SharePoint:
    """The share of a poll's votes so far that was suspect at `at_ms`, and its 95 % interval."""

    at_ms: int
    share: float
    low: float
    high: float


def bars(states: States, from_ms: int, to_ms: int, suspect_from_ms: int) -> Bars | None:
    """Return the votes between two times in at most MOST_BARS bars; None where fewer than two states are known.

    What became suspect is laid on the votes before it was known, latest first, back to `suspect_from_ms`: an estimate tells how many
    were suspect so far, not which.
    """
    if len(states) < 2:
        return None
    from_ms, to_ms = max(from_ms, int(states.at_ms[0])), min(to_ms, int(states.at_ms[-1]))
    if to_ms <= from_ms:
        return None
    span_ms = next((span for span in _SPANS_MS if span * (MOST_BARS - 1) >= to_ms - from_ms), _SPANS_MS[-1])
    first, last = from_ms // span_ms, -(-to_ms // span_ms)
    edges = np.arange(max(first, last - MOST_BARS), last + 1, dtype=np.float64) * span_ms
    votes = np.maximum(0.0, np.diff(np.interp(edges, states.at_ms, states.votes)))
    suspect = _laid_back(votes, np.diff(np.interp(edges, states.at_ms, states.suspect)), (edges[1:] > suspect_from_ms).tolist())
    expected = _expected(states, edges[:-1] + span_ms / 2) * span_ms / _S
    rows = zip(edges[:-1].tolist(), votes.tolist(), suspect.tolist(), expected.tolist(), strict=True)
    return Bars(span_ms, [Bar(int(at), all_ - of, of, None if np.isnan(level) else level) for at, all_, of, level in rows])


def shares(states: States, from_ms: int, to_ms: int) -> list[SharePoint]:
    """Return the suspect share at the states between two times, at most MOST_BARS of them, evenly chosen; the last is kept."""
    inside = np.flatnonzero((states.at_ms >= from_ms) & (states.at_ms <= to_ms))
    if len(inside) > MOST_BARS:
        inside = inside[np.unique(np.linspace(0, len(inside) - 1, MOST_BARS).round().astype(int))]
    return [
        SharePoint(
            int(states.at_ms[row]),
            float(states.suspect[row] / max(1.0, states.votes[row])),
            float(states.low[row]),
            float(states.high[row]),
        )
        for row in inside.tolist()
    ]


def _laid_back(votes: Column, growth: Column, allowed: list[bool]) -> Column:
    laid = np.zeros(len(votes))
    left = 0.0
    for row in range(len(votes) - 1, -1, -1):
        left += growth[row]
        laid[row] = min(max(left, 0.0), votes[row]) if allowed[row] else 0.0
        left -= laid[row]
    return laid


def _expected(states: States, at_ms: Column) -> Column:
    """Return what was last expected before each time, nan where nothing was."""
    rows = np.searchsorted(states.at_ms, at_ms, side="right") - 1
    return np.where(rows >= 0, states.expected[np.maximum(rows, 0)], np.nan)
