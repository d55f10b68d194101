"""How real interest moves: bursts that fade with a heavy tail, trickles that wander, a broadcast. Times only; knows nobody.

Times come in no order and may lie past the end of a recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Int64s


@dataclass(frozen=True, slots=True)
class Burst:
    """A rise, then a fade whose rate falls as 1 / t ** (1 + theta) once it is `fade_ms` old."""

    rise_ms: float
    fade_ms: float
    theta: float


def draw_burst(rng: np.random.Generator) -> Burst:
    """Draw an ordinary burst: half of it within half a minute to five minutes."""
    return Burst(
        rise_ms=float(np.exp(rng.uniform(np.log(100), np.log(20_000)))),
        fade_ms=float(np.exp(rng.uniform(np.log(8_000), np.log(120_000)))),
        theta=rng.uniform(0.4, 1.1),
    )


def burst_ms(rng: np.random.Generator, burst: Burst, start_ms: int, end_ms: int, size: int) -> Int64s:
    """Return when so many people come after a call at `start_ms`: a power law cut at `end_ms`.

    The shape is that of Crane and Sornette, "Robust dynamic classes revealed by measuring the response function of a
    social system", PNAS 105 (2008), where theta is near 0.4 for what comes from outside.
    """
    horizon_ms = max(end_ms - start_ms, 1)
    within = 1 - (1 + horizon_ms / burst.fade_ms) ** -burst.theta
    wait_ms = burst.fade_ms * ((1 - rng.random(size) * within) ** (-1 / burst.theta) - 1)
    times_ms: Int64s = (start_ms + wait_ms + rng.gamma(2.0, burst.rise_ms / 2, size)).astype(np.int64)
    return times_ms


def trickle_ms(rng: np.random.Generator, start_ms: int, end_ms: int, size: int) -> Int64s:
    """Return times of people who find a poll by themselves: the rate wanders from minute to minute and slowly fades."""
    bins = max((end_ms - start_ms) // 60_000, 1)
    steps = rng.normal(0, rng.uniform(0.02, 0.12), bins)
    fade = (1 + np.arange(bins) / rng.uniform(20, 200)) ** -rng.uniform(0, 0.8)
    rate: Floats = np.exp(np.clip(np.cumsum(steps), -1.5, 1.5)) * fade
    minute = rng.choice(bins, size, p=rate / rate.sum())
    return (start_ms + (minute + rng.random(size)) * (end_ms - start_ms) / bins).astype(np.int64)


def broadcast_ms(rng: np.random.Generator, start_ms: int, plateau_ms: int, end_ms: int, size: int) -> Int64s:
    """Return times of people before a screen: a constant rate from the call to its end, then a fade."""
    on_air = rng.random(size) < rng.uniform(0.5, 0.7)
    fade = Burst(1_000, rng.uniform(20_000, 90_000), rng.uniform(0.7, 1.3))
    after_ms = burst_ms(rng, fade, start_ms + plateau_ms, end_ms, size)
    seen_ms = start_ms + rng.uniform(0, plateau_ms, size) + rng.gamma(2.0, 1_500, size)
    return np.where(on_air, seen_ms, after_ms).astype(np.int64)


def hump_ms(rng: np.random.Generator, start_ms: int, length_ms: int, size: int) -> Int64s:
    """Return times of people whom word of mouth or the news brings: a slow rise and a slow fall."""
    return (start_ms + length_ms * rng.beta(rng.uniform(1.5, 3), rng.uniform(2, 4), size)).astype(np.int64)
