"""Seeded volumes of votes, in windows of five minutes over weeks, and surges to put into them.

Nothing here is fitted to a recording. What is known of mentions on social networks gives the shapes: a profile of the day
and of the week, multiplicative noise with a memory (log-Gaussian), programmes at a fixed minute, and bursts with Pareto
sizes that relax by a power law (Crane & Sornette 2008, PNAS 105).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Int64s, VoteCells
from lab.traffic import BEGIN_MS

WINDOW_MS = 300_000
PER_DAY = 288
Make = Callable[[np.random.Generator, int, int], Floats]


@dataclass(frozen=True, slots=True)
class Burst:
    """`peak` times the usual is added from `window` on; it stays for `plateau` windows and fades as (1 + t / tau)^-power."""

    poll: int
    window: int
    peak: float
    plateau: int
    tau: float
    power: float


def rhythm(rng: np.random.Generator, polls: int, days: int) -> Floats:
    """Return votes a window (polls x windows): levels from 0.3 to 200, a day, a weekend, and noise that wanders."""
    window = np.arange(days * PER_DAY)
    hour, level = window / 12, np.exp(rng.uniform(np.log(0.3), np.log(200), (polls, 1)))
    day = rng.uniform(0.1, 1.0, (polls, 1)) * np.cos((hour - rng.uniform(0, 24, (polls, 1))) * 2 * np.pi / 24)
    half = rng.uniform(0, 0.4, (polls, 1)) * np.cos((hour - rng.uniform(0, 12, (polls, 1))) * 2 * np.pi / 12)
    weekend = (window // PER_DAY % 7 >= 5) * np.log(rng.uniform(0.4, 1.1, (polls, 1)))
    slow = rng.uniform(0.1, 0.5, (polls, 1)) * wander(rng, polls, len(window))
    white = rng.uniform(0, 0.35, (polls, 1)) * rng.normal(size=(polls, len(window)))
    return np.asarray(level * np.exp(day + half + weekend + slow + white))


def wander(rng: np.random.Generator, polls: int, windows: int) -> Floats:
    """Return Ornstein-Uhlenbeck noise of variance 1 with memories from half an hour to half a day."""
    keep = np.exp(-1 / np.exp(rng.uniform(np.log(6), np.log(144), polls)))
    noise = rng.normal(size=(windows, polls))
    noise[1:] *= np.sqrt(1 - keep**2)
    for i in range(1, windows):
        noise[i] += keep * noise[i - 1]
    return noise.T


def bursty(rng: np.random.Generator, polls: int, days: int) -> Floats:
    """Return rhythms with Pareto bursts (index 0.8 to 1.4), one in two days to eight a day."""
    rate = rhythm(rng, polls, days)
    for poll in range(polls):
        index = rng.uniform(0.8, 1.4)
        for _ in range(rng.poisson(np.exp(rng.uniform(np.log(0.5), np.log(8))) * days)):
            rate = with_burst(rate, burst(rng, poll, int(rng.integers(days * PER_DAY)), min(rng.random() ** (-1 / index), 100)))
    return rate


def scheduled(rng: np.random.Generator, polls: int, days: int) -> Floats:
    """Return rhythms with up to five programmes, each at its minute of the day and on most days."""
    rate = rhythm(rng, polls, days)
    for poll in range(polls):
        for _ in range(int(rng.integers(1, 6))):
            minute, length = int(rng.integers(PER_DAY)), int(rng.choice([1, 2, 3, 6]))
            lift = rng.uniform(0.7, 5) * np.exp(0.3 * rng.normal(size=days)) * (rng.random(days) < 0.9)
            for day in range(days):
                at = day * PER_DAY + minute
                rate[poll, at : at + length] *= 1 + lift[day]
    return rate


KINDS: dict[str, Make] = {"rhythm": rhythm, "scheduled": scheduled, "bursty": bursty}


def burst(rng: np.random.Generator, poll: int, window: int, peak: float) -> Burst:
    """Draw how a burst stays and fades."""
    tau = np.exp(rng.uniform(0, np.log(12)))
    return Burst(poll, window, peak, int(rng.choice([0, 0, 0, 2, 8])), float(tau), float(rng.uniform(0.8, 1.8)))


def with_burst(rate: Floats, of: Burst) -> Floats:
    """Add a burst to a poll's rate, in place, for two days at most; returns the rate."""
    part = rate[of.poll, of.window : of.window + 2 * PER_DAY]
    fading = np.maximum(np.arange(len(part)) - of.plateau, 0)
    part *= 1 + of.peak * (1 + fading / of.tau) ** -of.power
    return rate


def cells(votes: Int64s, begin_ms: int = BEGIN_MS) -> VoteCells:
    """Return counts (polls x windows) as cells of whole windows."""
    window, poll = np.nonzero(votes.T)
    nothing = np.zeros(len(poll), np.int64)
    return VoteCells(
        begin_ms + window * WINDOW_MS, poll.astype(np.int32), nothing.astype(np.int32), votes[poll, window], nothing
    )
