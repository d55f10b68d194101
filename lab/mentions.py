"""Seeded, labelled volumes: what a company is mentioned in five minutes, over weeks, and what a person would mark in it.

Nothing is fitted to a recording. The parts are what is known of such counts: working days and weekends with rhythms of
their own, holidays, drift, days that are busier than others, posts that everybody repeats for minutes (Pareto sizes, in
clusters: one makes others likelier), stories that relax by a power law for hours (Crane & Sornette 2008, PNAS 105), and
outages. Nothing tells news from noise but how far it stands out; the marks are those of a person who sees the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Int64s
from lab.volumes import PER_DAY, wander

_WORKDAYS, _WEEK = 5, 7
_SCALES = (1, 6, 36)
_APART = PER_DAY


@dataclass(frozen=True, slots=True)
class Family:
    """Ranges that polls are drawn from. level: votes a window. stray: sizes of noise. blips, stories: a day. index: of
    Pareto sizes, smaller is heavier. clustered: others that one brings. weekend: factor of the level."""

    level: tuple[float, float]
    day: tuple[float, float]
    stray: tuple[float, float]
    blips: tuple[float, float]
    stories: tuple[float, float]
    index: tuple[float, float]
    clustered: tuple[float, float]
    weekend: tuple[float, float]


FAMILIES = {
    "giants": Family((30, 250), (0.3, 0.9), (0.03, 0.15), (0.1, 3), (0.1, 0.6), (1.2, 2.5), (0, 0.3), (0.5, 1.0)),
    "companies": Family((3, 60), (0.2, 1.0), (0.08, 0.35), (0.2, 6), (0.1, 1.0), (1.0, 2.2), (0, 0.5), (0.3, 1.0)),
    "small": Family((0.2, 4), (0.2, 1.0), (0.1, 0.4), (0.1, 3), (0.05, 0.6), (0.9, 2.0), (0, 0.5), (0.3, 1.0)),
    "storms": Family((2, 80), (0.1, 0.8), (0.1, 0.4), (1, 12), (0.2, 1.5), (0.8, 1.5), (0.3, 0.8), (0.4, 1.1)),
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """votes: polls x windows. labels: of each poll the first windows of what a person would mark, ascending."""

    votes: Int64s
    labels: list[list[int]]


@dataclass(frozen=True, slots=True)
class _Event:
    """Something that happens in [window, until): seen as far as it stands out; `fall` where votes stay away."""

    window: int
    until: int
    fall: bool = False


def mentions(family: Family, seed: int, polls: int, days: int) -> Labelled:
    """Draw labelled volumes that begin on a Monday."""
    rng = np.random.default_rng(seed)
    rate = _usual(rng, family, polls, days)
    events = [_happen(rng, family, rate[poll]) for poll in range(polls)]
    votes = rng.poisson(rate * rng.gamma(50.0, 1 / 50.0, rate.shape)).astype(np.int64)
    return Labelled(votes, [_marked(rng, votes[poll], events[poll]) for poll in range(polls)])


def label_windows(labels: list[int], windows: int) -> list[tuple[int, int]]:
    """Return a tenth of a series' windows, shared among its labels and centred on them: first and last of each."""
    half = int(0.1 * windows / max(len(labels), 1)) // 2
    return [(max(0, at - half), min(windows - 1, at + half)) for at in labels]


def _usual(rng: np.random.Generator, family: Family, polls: int, days: int) -> Floats:
    window = np.arange(days * PER_DAY)
    day = window // PER_DAY
    off = np.broadcast_to((day % _WEEK >= _WORKDAYS), (polls, len(window))).copy()
    off |= (rng.random((polls, days)) < 1 / 40)[:, day]
    shapes = [_shape_of_day(rng, family, polls)[:, window % PER_DAY] for _ in range(2)]
    shape = np.where(off, 0.4 * shapes[0] + 0.6 * shapes[1], shapes[0])
    shape = shape + off * np.log(_between(rng, family.weekend, polls))
    busier = rng.normal(size=(polls, _WEEK))[:, day % _WEEK] * rng.uniform(0, 0.12, (polls, 1))
    of_the_day = rng.normal(size=(polls, days)) * rng.uniform(0.02, 0.25, (polls, 1))
    drift = rng.normal(size=(polls, days)).cumsum(axis=1) * rng.uniform(0, 0.06, (polls, 1))
    slow = _between(rng, family.stray, polls) * wander(rng, *off.shape)
    white = _between(rng, family.stray, polls) * rng.normal(size=off.shape)
    level = np.exp(_between(rng, _logs(family.level), polls))
    return np.asarray(level * np.exp(shape + busier + (of_the_day + drift)[:, day] + slow + white))


def _between(rng: np.random.Generator, bounds: tuple[float, float], polls: int) -> Floats:
    return rng.uniform(bounds[0], bounds[1], (polls, 1))


def _logs(bounds: tuple[float, float]) -> tuple[float, float]:
    return math.log(bounds[0]), math.log(bounds[1])


def _shape_of_day(rng: np.random.Generator, family: Family, polls: int) -> Floats:
    """Return logarithms over a day: two waves, and what comes at a fixed minute in a third of the polls."""
    hour = np.arange(PER_DAY) / 12
    size = _between(rng, family.day, polls)
    first = np.cos((hour - rng.normal(17, 3, (polls, 1))) * 2 * np.pi / 24)
    second = np.cos((hour - rng.uniform(0, 12, (polls, 1))) * 2 * np.pi / 12)
    shape = size * (first + rng.uniform(0, 0.5, (polls, 1)) * second)
    for poll in np.flatnonzero(rng.random(polls) < 1 / 3):
        at = int(rng.integers(PER_DAY - 6))
        shape[poll, at : at + int(rng.integers(1, 6))] += rng.uniform(0.2, 1.2)
    return np.asarray(shape)


def _happen(rng: np.random.Generator, family: Family, rate: Floats) -> list[_Event]:
    """Put posts, stories and outages into a poll's rate, in place."""
    days, mean = len(rate) / PER_DAY, float(rate.mean())
    index, least = rng.uniform(*family.index), rng.uniform(0.4, 1.5)
    half_follows = 0.5 * (rate + mean)
    events = []
    for kind, often in (("blip", family.blips), ("story", family.stories)):
        per_day = np.exp(rng.uniform(*_logs(often)))
        for at in _clustered(rng, rng.uniform(*family.clustered), int(rng.poisson(per_day * days)), rate):
            size = min(least * rng.random() ** (-1 / index), 60.0)
            shape = _blip(rng) if kind == "blip" else _story(rng)
            part = slice(at, at + len(shape))
            rate[part] += size * shape[: len(rate) - at] * half_follows[part]
            events.append(_Event(at, min(at + len(shape), len(rate))))
    for at in rng.integers(len(rate), size=rng.poisson(days / 60)).tolist():
        until = min(at + int(np.exp(rng.uniform(np.log(3), np.log(100)))), len(rate))
        rate[at:until] *= rng.choice([0.0, 0.0, 0.1, 0.3])
        events.append(_Event(at, until, fall=True))
    return events


def _clustered(rng: np.random.Generator, others: float, first: int, rate: Floats) -> list[int]:
    """Return windows, likelier where votes are many, each of which brings others within hours (Hawkes 1971)."""
    likely = np.cumsum(np.sqrt(rate))
    at: list[int] = np.searchsorted(likely, rng.random(first) * likely[-1]).tolist()
    for parent in at:
        for _ in range(rng.poisson(others)):
            child = parent + 1 + int(rng.exponential(36))
            if child < len(rate) and len(at) < 5000:
                at.append(child)
    return at


def _blip(rng: np.random.Generator) -> Floats:
    fades = [1.0, rng.uniform(0, 0.8), rng.uniform(0, 0.3)]
    return np.array(fades[: int(rng.choice([1, 1, 2, 3]))])


def _story(rng: np.random.Generator) -> Floats:
    rise, stay = int(rng.choice([1, 1, 2, 3, 6, 12])), int(np.exp(rng.uniform(0, np.log(48))))
    tau, power = np.exp(rng.uniform(np.log(2), np.log(72))), rng.uniform(0.8, 2.0)
    t = np.arange(2 * PER_DAY)
    shape = np.minimum(1, (t + 1) / rise) * (1 + np.maximum(t - rise - stay, 0) / tau) ** -power
    shape *= np.exp(0.2 * rng.normal(size=len(t)))
    return np.asarray(shape[: int((shape > 0.05).nonzero()[0][-1]) + 1])


def _marked(rng: np.random.Generator, votes: Int64s, events: list[_Event]) -> list[int]:
    """Return what a person would mark: what stands out furthest, a day apart; sometimes less than what stands out."""
    seen = _Seen(votes)
    ranked = sorted(((seen.stands_out(event) + 0.4 * rng.normal(), event.window) for event in events), reverse=True)
    marks: list[int] = []
    most = 1 + int(rng.binomial(6, 0.4))
    for far, at in ranked:
        if len(marks) < most and far > 1.0 and all(abs(at - mark) > _APART for mark in marks):
            marks.append(at)
    return sorted(marks)


class _Seen:
    """A series as a person sees it: against what its days usually reach, in single windows, half hours and three hours."""

    def __init__(self, votes: Int64s) -> None:
        total = np.concatenate([[0], np.cumsum(votes)])
        self._sums = [total[scale:] - total[:-scale] for scale in _SCALES]
        highs = [np.log(_daily_highs(sums) + 3.0) for sums in self._sums]
        self._usual = [float(np.median(high)) for high in highs]
        self._spread = [0.15 + 1.5 * float(np.median(np.abs(high - usual))) for high, usual in zip(highs, self._usual, strict=True)]
        self._level = float(np.median(votes))

    def stands_out(self, event: _Event) -> float:
        """Return deviations above what days usually reach, or below what they never fall to."""
        if event.fall:
            return min(event.until - event.window, 24) / 24 * math.log1p(self._level)
        far = []
        for sums, usual, spread in zip(self._sums, self._usual, self._spread, strict=True):
            part = sums[event.window : min(event.until, event.window + PER_DAY // 2)]
            far.append((float(np.log(part.max(initial=0) + 3.0)) - usual) / spread)
        return max(far)


def _daily_highs(sums: Int64s) -> Int64s:
    days = len(sums) // PER_DAY
    highs: Int64s = sums[: days * PER_DAY].reshape(days, PER_DAY).max(axis=1)
    return highs
