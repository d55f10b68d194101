"""Votes of one poll that come in different rhythms: clocks, crowds, broadcasts. All seeded by their generator."""

from __future__ import annotations

import numpy as np
from ballots_by_hand import START_MS, ballots_of, seconds, together

from detectors.columns import Floats
from detectors.watcher import Ballots


def crowd(rng: np.random.Generator, votes_per_s: float, from_s: float, to_s: float, options: int = 3) -> Ballots:
    """Return votes that come one by one by chance (Poisson)."""
    at_s = rng.uniform(from_s, to_s, rng.poisson(votes_per_s * (to_s - from_s)))
    return _people(rng, at_s, rng.integers(0, options, len(at_s)))


def clock(
    rng: np.random.Generator, votes_per_s: float, from_s: float, length_s: float, jitter_steps: float, option: int = 1
) -> Ballots:
    """Return a vote every step, each up to `jitter_steps` steps early or late."""
    number = np.arange(int(votes_per_s * length_s))
    at_s = from_s + (number + rng.uniform(-jitter_steps, jitter_steps, len(number))) / votes_per_s
    return _people(rng, at_s[at_s >= from_s], option)


def celebrity(rng: np.random.Generator, at_s: float, votes: int) -> Ballots:
    """Return a crowd after a post: a quarter at once, the others with a heavy tail over the next hour."""
    delay_s = rng.pareto(0.8, votes) * 20
    return _people(rng, at_s + delay_s[delay_s < 3600], rng.integers(0, 3, int((delay_s < 3600).sum())))


def television(rng: np.random.Generator, at_s: float, votes_per_s: float) -> Ballots:
    """Return a broadcast's crowd: there at once, even for 80 s, then fewer and fewer."""
    later = celebrity(rng, at_s + 80, int(votes_per_s * 60))
    return together([crowd(rng, votes_per_s, at_s, at_s + 80), later])


def batches(rng: np.random.Generator, per_s: float, to_s: float) -> Ballots:
    """Return a crowd behind gateways that send what they gathered at every third second."""
    rows = crowd(rng, per_s, 0, to_s)
    held_ms = ((rows.effective_ms - START_MS) // 3000 + 1) * 3000
    return ballots_of(held_ms, option=rows.option, account=rows.account)


def in_whole_seconds(rows: Ballots) -> Ballots:
    """Return rows as a source writes them that knows no milliseconds."""
    whole_ms = (rows.effective_ms - START_MS) // 1000 * 1000
    return ballots_of(whole_ms, option=rows.option, account=rows.account)


def _people(rng: np.random.Generator, at_s: Floats, option: object) -> Ballots:
    accounts = rng.integers(0, 1 << 62, len(at_s), dtype=np.uint64)
    return ballots_of(seconds(at_s), option=option, account=accounts)
