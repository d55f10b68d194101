"""How evenly votes fall on both halves of spans: what each split says for a clock and against chance. Pure tables.

Given that a span holds N votes, chance puts Binomial(N, 1/2) of them in its left half, independently for all spans of
a dyadic tree; a rate that changes makes halves only less equal. A clock makes them more equal. For any lambda > 0,
exp(-lambda (left - right)^2 / N) / E is an e-value, E being the mean under Binomial(N, 1/2): it is Schur-concave in
(left, right), so its mean is at most 1 whatever the rate does (Marshall, Olkin and Arnold 2011, chapter 11).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import gammaln

from compiled.library import COLUMN, INTEGER, address, function
from detectors.columns import Bools, Floats, Int64s, run_starts
from detectors.shape.params import FRAME_MS, PROFILES, TICK_MS

SPANS_MS = (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000)
"""Lengths of the spans that are halved."""

NATS = 1_000
"""Evidence is whole thousandths of a nat: sums then do not depend on their order."""

SERIES_MS = FRAME_MS << 20
"""In a key, a series is this many milliseconds: keys are series * SERIES_MS + time, and sort by both."""

_FEWEST = 3
_halves = function("pollwatch_halves", COLUMN, *[INTEGER] * 5, *[COLUMN] * 4)
_EXACT = 512
_APPROXIMATION_NATS = 0.01
_DOUBT = 0.03
_LONG_MS = 4_000
_LONG_DOUBT = 0.1


@dataclass(frozen=True)
class _Profile:
    """A kind of clock: of N votes, (left - right)^2 is `jitter` + `crowd` * N on average; it shows in spans so long."""

    jitter: float
    crowd: float
    shortest_ms: int
    longest_ms: int

    def shows_in(self, span_ms: int) -> bool:
        """Tell whether spans of this length are judged."""
        return self.shortest_ms <= span_ms <= self.longest_ms


# exact; jittered by a step or so; more jittered or within a crowd; slow, or with times that are whole seconds
_KINDS = (
    _Profile(1.0, 0.1, 250, 8_000),
    _Profile(2.0, 0.03, 250, 8_000),
    _Profile(3.0, 0.15, 250, 16_000),
    _Profile(2.0, 0.1, 2_000, 32_000),
)


@dataclass(frozen=True, slots=True)
class Steps:
    """What was seen in ticks, ordered by (series, tick): entry i has a gain of evidence (1/1000 nat) by profile.

    `tick` is the number of the tick that ended: its end is at (tick + 1) * TICK_MS. `gain` has a column a profile.
    """

    series: Int64s
    tick: Int64s
    gain: Int64s

    def take(self, entries: Bools) -> Steps:
        """Return the entries that a mask selects."""
        return Steps(self.series[entries], self.tick[entries], self.gain[entries])


def steps(keys: Int64s, base_ms: int, from_tick: int, to_tick: int) -> Steps:
    """Judge all spans that end in ticks [from_tick, to_tick).

    `keys` are sorted, their times from `base_ms` on, which begins a frame; they hold all votes since the beginning of
    the frame of `from_tick`.
    """
    found = [_judged(halved, base_ms, from_tick, to_tick) for halved in _halved(keys)]
    series, tick, gain = (np.concatenate(column) for column in zip(*found, strict=True))
    return _by_tick(series, tick, gain)


@dataclass(frozen=True, slots=True)
class _Halved:
    """The spans of one length that hold enough votes to be judged: how many, and how many of those in the left half."""

    span_ms: int
    span: Int64s
    votes: Int64s
    left: Int64s


def _halved(keys: Int64s) -> Iterator[_Halved]:
    """Yield the spans of each length, from the shortest to the longest: each is two of those before."""
    keys, lengths, room = np.ascontiguousarray(keys, np.int64), len(SPANS_MS), len(keys) // _FEWEST + 1
    columns = [np.empty((lengths, room), np.int64) for _ in range(3)]
    counts = np.empty(lengths, np.int64)
    into = [address(column) for column in (*columns, counts)]
    _halves(address(keys), len(keys), SPANS_MS[0] // 2, lengths, _FEWEST, room, *into)
    for row, count in enumerate(counts.tolist()):
        yield _Halved(SPANS_MS[row], *(column[row, :count] for column in columns))


def _judged(of: _Halved, base_ms: int, from_tick: int, to_tick: int) -> tuple[Int64s, Int64s, Int64s]:
    """Return series, tick and gains of the spans that end in ticks [from_tick, to_tick)."""
    series, place = np.divmod(of.span, SERIES_MS // of.span_ms)
    last = ((place + 1) * of.span_ms + base_ms - 1) // TICK_MS
    now = (last >= from_tick) & (last < to_tick)
    return series[now], last[now], _gains(of.votes[now], of.left[now], of.span_ms)


def _by_tick(series: Int64s, tick: Int64s, gain: Int64s) -> Steps:
    if not len(series):
        return Steps(series, tick, gain)
    first = int(tick.min())
    ticks = int(tick.max()) - first + 1
    cell = series * ticks + (tick - first)
    # the stable sort is fast where the values come in sorted runs, one for each length of spans
    order = np.argsort(cell, kind="stable")
    cell = cell[order]
    starts = run_starts(cell)
    series, tick = np.divmod(cell[starts], ticks)
    total = np.add.reduceat(gain[order], starts, axis=0)
    return Steps(series, tick + first, _whole(_doubted(total / NATS, _DOUBT)))


def _doubted(nats: Floats, doubt: float) -> Floats:
    """Mix e-values with 1, so that what is uneven because a clock begins there costs -log(doubt) at most."""
    mixed: Floats = np.logaddexp(nats + np.log1p(-doubt), np.log(doubt))
    return mixed


def _whole(nats: Floats) -> Int64s:
    return np.floor(nats * NATS).astype(np.int64)


def _gains(votes: Int64s, left: Int64s, span_ms: int) -> Int64s:
    sharpness, log_mean = _tables()
    row = np.minimum(votes, _EXACT)
    uneven = (2 * left - votes) ** 2 / votes
    gain: Floats = -sharpness[row] * uneven[:, None] - log_mean[row]
    if span_ms >= _LONG_MS:
        gain = _doubted(gain, _LONG_DOUBT)
    gain[:, [not kind.shows_in(span_ms) for kind in _KINDS]] = 0
    return _whole(gain)


@cache
def _tables() -> tuple[Floats, Floats]:
    """Return lambda and the log of the mean by (votes, profile); the last row stands for all larger numbers.

    The best lambda for a variance of d times chance is (1/d - 1) / 2.
    """
    votes = np.arange(_EXACT + 1)
    sharpness, log_mean = np.zeros((_EXACT + 1, PROFILES)), np.zeros((_EXACT + 1, PROFILES))
    for column, kind in enumerate(_KINDS):
        spread = np.minimum(1.0, kind.jitter / np.maximum(votes, 1) + kind.crowd)
        sharpness[:, column] = (1 / spread - 1) / 2
    for n in range(_FEWEST, _EXACT):
        k = np.arange(n + 1)
        chance = np.exp(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * np.log(2))
        log_mean[n] = np.log(chance @ np.exp(-np.outer((2 * k - n) ** 2 / n, sharpness[n])))
    log_mean[_EXACT] = -0.5 * np.log1p(2 * sharpness[_EXACT]) + _APPROXIMATION_NATS
    return sharpness, log_mean
