"""Splits the votes of a window into people like those seen before and one tight group. It does not say what the group is.

A mixture of two: in each, a vote's dimensions are independent given the side (naive Bayes), and a dimension that is not known
says nothing. EM (Dempster, Laird and Rubin 1977) begins at a core of votes. Neither side counts a vote among its own
neighbours when that vote is judged, so that a value seen once can't vouch for itself. The group's share may change in time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.crowd.tallied import lengths

_STEPS = 10
_CLOSE_ENOUGH = 0.05
_BLOCK_VOTES = 40
_MOST_BLOCKS = 32
_SHARE_DOUBT = 2.0
_MOST_ODDS = 30.0
_LEAST_PART = 0.4
_LEAK = 0.2
_LOOSENESS = (2.0, 30.0, 500.0, 10_000.0)


@dataclass(frozen=True)
class Dimension:
    """One property of n votes: `value` is an index into `codes` or -1; `past` counts and `usual` shares are by code.

    `pure` is one that a script has alike in nearly all its votes, or not at all. In a `loose` one it is found out how far the
    group keeps to the usual shares.
    """

    name: str
    codes: Int64s
    value: Int64s
    past: Floats
    usual: Floats
    usual_votes: float
    pure: bool = False
    loose: bool = False


@dataclass(frozen=True)
class Split:
    """What EM found: `odds` are n log odds of the group without the share in time, `parts` the same by dimension."""

    weight: Floats
    share: Floats
    parts: dict[str, Floats]
    looseness: dict[str, float]

    def without(self, name: str) -> Floats:
        """Return the weights as they would be if one dimension were not known."""
        total = sum(part for other, part in self.parts.items() if other != name)
        return _weights(np.asarray(total), self.share)


def split(dimensions: list[Dimension], core: Floats) -> Split:
    """Return the two sides of n votes in order of time; `core` are first weights of the group."""
    if not dimensions:
        return Split(core, _Stretches(len(core)).share(core), {}, {})
    stack, stretches = _Stack(dimensions, len(core)), _Stretches(len(core))
    weight, loose = core, np.full(len(dimensions), _LOOSENESS[0])
    for step in range(_STEPS):
        share = stretches.share(weight)
        if step % 5 == 1:
            loose = np.array([_fit_looseness(d, weight) if d.loose else _LOOSENESS[0] for d in dimensions])
        parts = stack.odds(weight, loose)
        new = _weights(parts.sum(axis=0), share)
        moved = float(np.max(np.abs(new - weight), initial=0.0))
        weight = new
        if step > 2 and moved < _CLOSE_ENOUGH:
            break
    looseness = {d.name: float(a) for d, a in zip(dimensions, loose, strict=True)}
    by_name = {d.name: part for d, part in zip(dimensions, parts, strict=True)}
    return Split(weight, share, by_name, looseness)


class _Stack:
    """All dimensions of n votes in one table, a slot for each code and one more in each dimension for what is not known."""

    def __init__(self, dimensions: list[Dimension], n: int) -> None:
        self._sizes = np.array([len(d.codes) + 1 for d in dimensions])
        self._ends = np.cumsum(self._sizes)
        self._starts = self._ends - self._sizes
        value = np.stack([d.value for d in dimensions])
        self._known = value >= 0
        self._slot = np.where(self._known, value + self._starts[:, None], self._ends[:, None] - 1)
        self._usual = _joined([d.usual for d in dimensions])
        self._pure = [i for i, d in enumerate(dimensions) if d.pure]
        # without the group's votes these are the rest's
        seen = self._counted(np.ones(n)) + _joined([d.past for d in dimensions])
        usual_votes = np.array([d.usual_votes for d in dimensions])
        self._all = seen + np.repeat(usual_votes, self._sizes) * self._usual
        self._total = np.add.reduceat(seen, self._starts) + usual_votes

    def _counted(self, weight: Floats) -> Floats:
        each = np.broadcast_to(weight, self._slot.shape).ravel()
        sums: Floats = np.bincount(self._slot.ravel(), each, int(self._ends[-1])).astype(
            np.float64, copy=False
        )
        sums[self._ends - 1] = 0.0
        return sums

    def odds(self, weight: Floats, loose: Floats) -> Floats:
        """Return the log odds of the group by dimension and vote, the vote itself left out of both sides' counts."""
        raw = self._counted(weight)
        group = raw.copy()
        for i in self._pure:
            of = slice(self._starts[i], self._ends[i])
            group[of] = _pure(group[of])
        prior = np.repeat(loose, self._sizes) * self._usual
        least = prior[self._slot]
        here = np.maximum((group + prior)[self._slot] - weight, least)
        here /= (np.add.reduceat(group, self._starts) + loose)[:, None] - weight
        there = (self._all - raw)[self._slot] - (1 - weight)
        there /= (self._total - np.add.reduceat(raw, self._starts))[:, None] - (1 - weight)
        odds: Floats = np.log(np.maximum(here, 1e-12) / np.maximum(there, 1e-12))
        return np.where(self._known, odds, 0.0)


def _joined(columns: list[Floats]) -> Floats:
    return np.concatenate([part for column in columns for part in (column, np.zeros(1))])


def _pure(group: Floats) -> Floats:
    # else votes that are half believed make room for more of their kind
    return np.where(group < _LEAST_PART * group.max(initial=0.0), _LEAK * group, group)


def _weights(odds: Floats, share: Floats) -> Floats:
    prior = np.log(share) - np.log1p(-share)
    weights: Floats = 1.0 / (1.0 + np.exp(-np.minimum(np.maximum(odds + prior, -_MOST_ODDS), _MOST_ODDS)))
    return weights


class _Stretches:
    """n votes in order of time, cut into stretches of equally many."""

    def __init__(self, n: int) -> None:
        blocks = max(1, min(_MOST_BLOCKS, n // _BLOCK_VOTES))
        self._first = -(-np.arange(blocks) * n // blocks)
        self._votes = lengths(self._first, n)

    def share(self, weight: Floats) -> Floats:
        """Return the group's share around each vote, from the votes of its stretch."""
        group = np.add.reduceat(weight, self._first) + _SHARE_DOUBT * float(weight.mean())
        share = group / (self._votes + _SHARE_DOUBT)
        return np.repeat(np.minimum(np.maximum(share, 1e-4), 1 - 1e-4), self._votes)


def _sums(d: Dimension, weight: Floats) -> tuple[Floats, Floats]:
    known = d.value >= 0
    size = len(d.codes)
    group = np.bincount(d.value[known], weight[known], size).astype(np.float64)
    rest = np.bincount(d.value[known], 1 - weight[known], size)
    if d.pure:
        group = _pure(group)
    return group, rest + d.past


def _fit_looseness(d: Dimension, weight: Floats) -> float:
    """Return how many votes' worth the usual shares count in the group: that which foretells each vote best from the others."""
    group, _ = _sums(d, weight)
    known = d.value >= 0
    v, r = d.value[known], weight[known]
    gains = [
        float(np.dot(r, np.log((group[v] - r + a * d.usual[v]) / (group.sum() - r + a)))) for a in _LOOSENESS
    ]
    return _LOOSENESS[int(np.argmax(gains))]


def table(d: Dimension, weight: Floats, loose: float) -> Floats:
    """Return the log odds of each code, and last those of a code not seen here."""
    group, rest = _sums(d, weight)
    usual = np.append(d.usual, 1e-4)
    group, rest = np.append(group, 0.0), np.append(rest, 0.0)
    here = (group + loose * usual) / (group.sum() + loose)
    there = (rest + d.usual_votes * usual) / (rest.sum() + d.usual_votes)
    odds: Floats = np.log(here) - np.log(there)
    return odds
