"""How evenly votes fall on both halves of spans: what each split says for a clock and against chance. Pure tables.

Given that a span holds N votes, chance puts Binomial(N, 1/2) of them in its left half, independently for all spans of
a dyadic tree; a rate that changes makes halves only less equal. A clock makes them more equal. For any lambda > 0,
exp(-lambda (left - right)^2 / N) / E is an e-value, E being the mean under Binomial(N, 1/2): it is Schur-concave in
(left, right), so its mean is at most 1 whatever the rate does (Marshall, Olkin and Arnold 2011, chapter 11).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import gammaln

from detectors.columns import Bools, Floats, Int64s
from detectors.shape_params import FRAME_MS, PROFILES, TICK_MS

SPANS_MS = (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000)
"""Lengths of the spans that are halved."""

NATS = 1_000
"""Evidence is whole thousandths of a nat: sums then do not depend on their order."""

SERIES_MS = FRAME_MS << 20
"""In a key, a series is this many milliseconds: keys are series * SERIES_MS + time, and sort by both."""

_FEWEST = 3
_EXACT = 512
_APPROXIMATION_NATS = 0.01
_DOUBT = 0.03


@dataclass(frozen=True)
class _Profile:
    """A kind of clock: of N votes, (left - right)^2 is `jitter` + `crowd` * N on average; spans below are passed over."""

    jitter: float
    crowd: float
    shortest_ms: int


_KINDS = (_Profile(0.6, 0.03, 0), _Profile(2.0, 0.05, 0), _Profile(3.0, 0.3, 0), _Profile(2.0, 0.1, 2_000))


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
    series, tick, gain = [], [], []
    fresh = keys[keys % SERIES_MS >= from_tick * TICK_MS - base_ms]
    for span_ms in SPANS_MS:
        found = _halved(fresh if span_ms <= TICK_MS else keys, span_ms)
        last = (found.span % (SERIES_MS // span_ms) * span_ms + span_ms + base_ms - 1) // TICK_MS
        now = (last >= from_tick) & (last < to_tick)
        series.append(found.span[now] * span_ms // SERIES_MS)
        tick.append(last[now])
        gain.append(_gains(found.votes[now], found.left[now], span_ms))
    return _by_tick(np.concatenate(series), np.concatenate(tick), np.concatenate(gain))


@dataclass(frozen=True, slots=True)
class _Halved:
    span: Int64s
    votes: Int64s
    left: Int64s


def _halved(keys: Int64s, span_ms: int) -> _Halved:
    span = keys // span_ms
    starts = np.flatnonzero(np.diff(span, prepend=-1))
    votes = np.diff(np.append(starts, len(keys)))
    enough = votes >= _FEWEST
    starts, votes = starts[enough], votes[enough]
    span = span[starts]
    return _Halved(span, votes, np.searchsorted(keys, span * span_ms + span_ms // 2) - starts)


def _by_tick(series: Int64s, tick: Int64s, gain: Int64s) -> Steps:
    if not len(series):
        return Steps(series, tick, gain)
    order = np.lexsort((tick, series))
    series, tick, gain = series[order], tick[order], gain[order]
    starts = np.flatnonzero((np.diff(series, prepend=-1) != 0) | (np.diff(tick, prepend=-1) != 0))
    total = np.add.reduceat(gain, starts, axis=0)
    return Steps(series[starts], tick[starts], _doubted(total))


def _doubted(total: Int64s) -> Int64s:
    """Mix each tick's e-value with 1, so that one uneven tick (where a clock begins) costs 3.5 nats at most."""
    mixed: Floats = np.logaddexp(total / NATS + np.log1p(-_DOUBT), np.log(_DOUBT))
    return np.floor(mixed * NATS).astype(np.int64)


def _gains(votes: Int64s, left: Int64s, span_ms: int) -> Int64s:
    sharpness, log_mean = _tables()
    row = np.minimum(votes, _EXACT)
    uneven = (2 * left - votes) ** 2 / votes
    gain: Floats = -sharpness[row] * uneven[:, None] - log_mean[row]
    gain[:, [span_ms < kind.shortest_ms for kind in _KINDS]] = 0
    return np.floor(gain * NATS).astype(np.int64)


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
