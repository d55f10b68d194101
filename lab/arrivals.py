"""When people and scripts act: times of one kind of traffic each, as sorted columns. Knows nobody and no poll."""

from __future__ import annotations

import numpy as np

from detectors.columns import Floats, Int64s

RELAXATION = 1.4
"""Exponent of the fading interest after a push from outside: Crane and Sornette, "Robust dynamic classes revealed by
measuring the response function of a social system", PNAS 105 (2008), where the rate falls as 1 / t ** (1 + theta),
theta near 0.4."""


def steady(rng: np.random.Generator, start_ms: int, end_ms: int, per_s: float) -> Int64s:
    """Return the times of people who come one by one, at `per_s` on average: a Poisson process."""
    count = rng.poisson(per_s * (end_ms - start_ms) / 1000)
    return np.sort(rng.integers(start_ms, end_ms, count))


def crowd(
    rng: np.random.Generator, start_ms: int, people: int, rise_ms: float, fade_ms: float, shares: int
) -> Int64s:
    """Return the time at which each of `people` comes after a call at `start_ms`, in no order.

    Half of them saw the call itself, the others one of `shares` repeats of it by people who saw it, some of them with
    many followers of their own. After each, the rate rises within about `rise_ms` and then fades with a heavy tail that
    begins at `fade_ms`.
    """
    reached_s = _response_ms(rng, shares, rise_ms, fade_ms)
    weight = 1 / np.arange(1, shares + 1) ** 1.2
    via = rng.choice(shares, people, p=weight / weight.sum())
    shared = rng.random(people) < 0.5
    delay_ms = _response_ms(rng, people, rise_ms, fade_ms) + np.where(shared, reached_s[via], 0)
    return (start_ms + delay_ms).astype(np.int64)


def scripted(rng: np.random.Generator, start_ms: int, end_ms: int, votes: int) -> Int64s:
    """Return the times of a script: on, one constant rate, off; each vote up to 40 ms off its beat."""
    beat = np.linspace(start_ms, end_ms, votes, endpoint=False)
    return np.sort((beat + rng.uniform(0, 40, votes)).astype(np.int64))


def _response_ms(rng: np.random.Generator, people: int, rise_ms: float, fade_ms: float) -> Floats:
    # a Pareto tail of exponent theta in the number still to come is 1 + theta in the rate
    return rng.gamma(2.0, rise_ms / 2, people) + fade_ms * rng.pareto(RELAXATION - 1, people)
