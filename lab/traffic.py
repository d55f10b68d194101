"""Seeded vote traffic for the rate detector: what nothing happens looks like, and surges to put into it.

Rates are votes a second. A platform is a set of polls that one shard watches; its votes are columns sorted by time. Nothing
here is fitted to a recording: the shapes are the textbook ones, with constants written beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Int64s, VoteCells

BEGIN_MS = 1_664_755_200_000
"""Midnight, 3 October 2022, UTC."""
DAY_S = 86_400
_BIN_S = 20

Make = Callable[[np.random.Generator, int, int], Floats]


@dataclass(frozen=True, slots=True)
class Votes:
    """One vote each: event time, poll and option, sorted by time."""

    ts_ms: Int64s
    poll: Int64s
    option: Int64s

    def __len__(self) -> int:
        return len(self.ts_ms)


def joined(*parts: Votes) -> Votes:
    """Return the votes of all parts, sorted by time."""
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in Votes.__slots__)
    ts_ms, poll, option = columns
    order = np.argsort(ts_ms, kind="stable")
    return Votes(ts_ms[order], poll[order], option[order])


def cells(votes: Votes, tick_ms: int) -> VoteCells:
    """Count votes by (tick, poll, option)."""
    polls, options = (int(column.max(initial=0)) + 1 for column in (votes.poll, votes.option))
    tick = votes.ts_ms // tick_ms
    key, count = np.unique((tick * polls + votes.poll) * options + votes.option, return_counts=True)
    tick, poll = np.divmod(key // options, polls)
    option = (key % options).astype(np.int32)
    return VoteCells(tick * tick_ms, poll.astype(np.int32), option, count, np.zeros(len(key), np.int64))


def cut(cells_: VoteCells, from_ms: int, until_ms: int) -> VoteCells:
    """Return the cells in [from_ms, until_ms)."""
    low, high = np.searchsorted(cells_.tick_ms, [from_ms, until_ms])
    part = slice(int(low), int(high))
    columns = (cells_.tick_ms, cells_.poll, cells_.option, cells_.votes, cells_.arrived_ms)
    tick_ms, poll, option, votes, arrived_ms = (column[part] for column in columns)
    return VoteCells(tick_ms, poll, option, votes, arrived_ms)  # type: ignore[arg-type]


def rates(rng: np.random.Generator, polls: int, fast_share: float = 0.005) -> Floats:
    """Draw how fast polls are: most log-uniform from 0.001 to 0.3, a few from 0.3 to 50 votes a second."""
    fast = rng.random(polls) < fast_share
    power = np.where(fast, rng.uniform(np.log10(0.3), np.log10(50), polls), rng.uniform(-3, np.log10(0.3), polls))
    drawn: Floats = 10.0**power
    return drawn


def steady(rng: np.random.Generator, polls: int, bins: int) -> Floats:
    """Return constant rates (polls x bins of 20 s)."""
    return np.repeat(rates(rng, polls)[:, None], bins, axis=1)


def bunched(rng: np.random.Generator, polls: int, bins: int) -> Floats:
    """Return rates with an independent Gamma factor (shape 2) in every bin: negative binomial counts."""
    return steady(rng, polls, bins) * rng.gamma(2.0, 0.5, (polls, bins))


def wandering(rng: np.random.Generator, polls: int, bins: int) -> Floats:
    """Return log-Gaussian rates: each poll's log rate wanders with deviation 0.2 to 0.5 and memory 5 min to 2 h."""
    deviation = rng.uniform(0.2, 0.5, polls)[:, None]
    memory_s = np.exp(rng.uniform(np.log(300), np.log(7200), polls))
    keep = np.exp(-_BIN_S / memory_s)
    noise = rng.normal(size=(polls, bins)) * np.sqrt(1 - keep**2)[:, None]
    noise[:, 0] /= np.sqrt(1 - keep**2)
    for i in range(1, bins):
        noise[:, i] += keep * noise[:, i - 1]
    return np.asarray(steady(rng, polls, bins) * np.exp(deviation * noise - deviation**2 / 2))


def tide(rng: np.random.Generator, bins: int) -> Floats:
    """Return a platform's day (mean about 1): 24 h and 12 h waves of random phase, about four times from low to high."""
    hour = np.arange(bins) * _BIN_S / 3600
    first, second = rng.uniform(0, 24, 2)
    log_rate = 0.6 * np.cos((hour - first) * 2 * np.pi / 24) + 0.2 * np.cos((hour - second) * 2 * np.pi / 12)
    wave: Floats = np.exp(log_rate)
    return wave


def tidal(rng: np.random.Generator, polls: int, bins: int) -> Floats:
    """Return rates that follow the platform's day, each poll a little in its own way, and wander."""
    own = 1 + rng.uniform(-0.2, 0.2, polls)[:, None]
    return wandering(rng, polls, bins) * tide(rng, bins) ** own


def fading(rng: np.random.Generator, polls: int, bins: int) -> Floats:
    """Return polls that launch at any time, rise within 1 to 5 minutes and fade as (1 + t / T)^-a; with the day's wave.

    Peaks are log-normal around 0.3 votes a second (deviation 1.2); T 5 to 60 min, a 0.8 to 1.6; a poll gets at least one
    vote in 3 minutes at first.
    """
    second = np.arange(bins)[None, :] * _BIN_S
    since = second - rng.uniform(0, bins * _BIN_S * 0.9, polls)[:, None]
    rise_s = rng.uniform(20, 100, polls)[:, None]
    peak = np.maximum(0.3 * np.exp(1.2 * rng.normal(size=polls)), 0.005)[:, None]
    scale_s = np.exp(rng.uniform(np.log(300), np.log(3600), polls))[:, None]
    power = rng.uniform(0.8, 1.6, polls)[:, None]
    live = np.maximum(since, 0)
    shape = (1 - np.exp(-(live + _BIN_S) / rise_s)) * (1 + live / scale_s) ** -power * (since >= 0)
    return np.asarray(peak * shape * tide(rng, bins))


def short_lived(rng: np.random.Generator, polls: int, bins: int) -> Floats:
    """Return fading polls that end after two hours."""
    rate = fading(rng, polls, bins)
    live = np.cumsum(rate > 0, axis=1)
    return np.where(live * _BIN_S <= 7200, rate, 0.0)


KINDS: dict[str, Make] = {
    "steady": steady,
    "bunched": bunched,
    "wandering": wandering,
    "tidal": tidal,
    "fading": fading,
    "short-lived": short_lived,
}


def poll_days(rate: Floats) -> float:
    """Return for how many poll-days these rates are above zero."""
    return float(np.count_nonzero(rate > 0)) * _BIN_S / DAY_S


def drawn(rng: np.random.Generator, rate: Floats, begin_ms: int = BEGIN_MS) -> Votes:
    """Draw the votes of these rates (polls x bins of 20 s), over two to four options for each poll."""
    count = rng.poisson(rate * _BIN_S)
    poll, bin_ = np.nonzero(count)
    times = count[poll, bin_]
    poll, bin_ = np.repeat(poll, times), np.repeat(bin_, times)
    ts_ms = begin_ms + bin_ * _BIN_S * 1000 + rng.integers(0, _BIN_S * 1000, len(poll))
    option = _options(rng, len(rate))[poll, rng.integers(0, 64, len(poll))]
    order = np.argsort(ts_ms, kind="stable")
    return Votes(ts_ms[order], poll[order], option[order])


def _options(rng: np.random.Generator, polls: int) -> Int64s:
    """Return 64 equally likely answers for each poll: shares of two to four options."""
    edges = np.sort(rng.random((polls, 3)), axis=1) * (np.arange(3) < rng.integers(1, 4, polls)[:, None])
    answers: Int64s = (np.linspace(0, 1, 64)[None, :, None] > np.where(edges > 0, edges, 2.0)[:, None, :]).sum(axis=2)
    return answers


def surge(rng: np.random.Generator, poll: int, option: int, start_ms: int, votes_per_s: float, seconds: float) -> Votes:
    """Draw votes for one option at a constant rate: a spike where that is high, a drip where it is low and long."""
    count = rng.poisson(votes_per_s * seconds)
    ts_ms = np.sort(start_ms + rng.integers(0, int(seconds * 1000), count))
    return Votes(ts_ms, np.full(count, poll), np.full(count, option))
