"""Finds the stretch of calendar time in which surprisingly many of a group's accounts were made: a scan statistic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.crowd.platform import Platform

_DAY_MS = 86_400_000
_WIDTHS_MS = np.geomspace(0.2, 450.0, 18) * _DAY_MS
_DOUBT_VOTES = 2.0
_LEAST = 8
_MARGIN = 3.0
_MOST_STARTS = 150


@dataclass(frozen=True)
class Births:
    """Accounts made in [from_ms, to_ms]: `usual` is the platform's share of votes by accounts of that age (with doubt)."""

    from_ms: int
    to_ms: int
    usual: float
    surprise: float

    @property
    def days(self) -> float:
        """Length of the window."""
        return (self.to_ms - self.from_ms) / _DAY_MS


def densest(created_ms: Int64s, now_ms: int, platform: Platform) -> Births | None:
    """Return the window with the most surprising number of births among `created_ms` (all known), or None.

    Widths from 5 hours to 15 months, each beginning at a birth (of 150 at most, evenly chosen); surprise is n times the divergence of the share seen from
    the platform's (with doubt): the log likelihood ratio of Kulldorff's scan statistic (1997), section 3, for Bernoulli counts.
    """
    if len(created_ms) < _LEAST:
        return None
    born = np.sort(created_ms)
    start = np.arange(0, len(born), -(-len(born) // _MOST_STARTS))
    from_ms = born[start][:, None]
    to_ms = from_ms + _WIDTHS_MS[None]
    stop = np.searchsorted(born, to_ms, "right")
    count = stop - start[:, None]
    row, width = (count >= _LEAST).nonzero()
    if not len(row):
        return None
    many = count[row, width]
    older = platform.younger(np.maximum(now_ms - from_ms[:, 0], 0))[row]
    share = older - platform.younger(np.maximum(now_ms - to_ms[row, width], 0))
    surprise = _divergence(many, len(born), _doubted(share, platform))
    best = int(np.argmax(surprise))
    if surprise[best] <= 0:
        return None
    first, last = int(start[row[best]]), int(stop[row[best], width[best]]) - 1
    return _widened(
        int(born[first]), int(born[last]), int(many[best]), float(surprise[best]), now_ms, platform
    )


def _widened(
    from_ms: int, to_ms: int, count: int, surprise: float, now_ms: int, platform: Platform
) -> Births:
    # the next birth of the same burst may lie beyond those seen, by a few gaps
    margin = int(_MARGIN * (to_ms - from_ms) / count) + 60_000
    a, b = from_ms - margin, to_ms + margin
    younger = platform.younger(np.maximum(now_ms - np.array([a, b]), 0))
    usual = float(_doubted(younger[:1] - younger[1:], platform)[0])
    return Births(a, b, usual, surprise)


def _divergence(count: Int64s, votes: int, usual: Floats) -> Floats:
    others = votes - count
    inside = count * np.log(np.maximum(count, 1) / (votes * usual))
    outside = others * np.log(np.maximum(others, 1e-9) / np.maximum(votes * (1 - usual), 1e-9))
    divergence: Floats = np.where(count > votes * usual, inside + outside, 0.0)
    return divergence


def _doubted(share: Floats, platform: Platform) -> Floats:
    votes = platform.aged_votes
    usual: Floats = np.minimum((share * votes + _DOUBT_VOTES) / (votes + _DOUBT_VOTES), 1.0)
    return usual
