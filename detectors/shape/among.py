"""How many votes came by chance among those of a clock, told by how much numbers vary. It knows no poll and no past.

Of a clock and a crowd, numbers of equal spans vary as the crowd's alone would (a Poisson count's variance is its mean);
the jitter of the clock adds the same to spans of any length. Differences of neighbouring halves stay small when the
crowd fades. So (left - right)^2, averaged by length, is a line: its slope is the crowd, its height the jitter.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from detectors.columns import Floats, Int64s

HALVES_MS = (125, 250, 500, 1_000, 2_000, 4_000, 8_000)
"""Lengths of the halves that are compared."""

_FEWEST_VOTES = 24
_LENGTHS = 3
_FEWEST_SPANS = 24
_STEP = 9
"""A difference of three times what chance alone would bring is a beginning or an end, no variance."""

_BLOCK_MS = 8_000
_ROUNDS = 8
_DOUBT = 1.4
"""Variance of the slope, over that of a crowd that stays as it is."""


@dataclass
class Spread:
    """What was measured of a series: `votes` in `ms` milliseconds, and by `HALVES_MS`, pairs and their squares summed."""

    votes: int = 0
    ms: int = 0
    squares: list[int] = field(default_factory=lambda: [0] * len(HALVES_MS))
    pairs: list[int] = field(default_factory=lambda: [0] * len(HALVES_MS))

    def add(self, other: Spread) -> None:
        """Take in what was measured in another time."""
        self.votes += other.votes
        self.ms += other.ms
        self.squares = [a + b for a, b in zip(self.squares, other.squares, strict=True)]
        self.pairs = [a + b for a, b in zip(self.pairs, other.pairs, strict=True)]


@dataclass(frozen=True, slots=True)
class Chance:
    """Votes that came by chance, with their standard error, in the time that was measured."""

    votes: float
    error: float


def measure(times_ms: Int64s, from_ms: int, until_ms: int) -> Spread:
    """Measure the votes of [from_ms, until_ms); both are ends of ticks."""
    spread = Spread(len(times_ms), until_ms - from_ms)
    if until_ms <= from_ms:
        return spread
    base_ms = from_ms // HALVES_MS[-1] * HALVES_MS[-1]
    fine = np.bincount((times_ms - base_ms) // HALVES_MS[0], minlength=(until_ms - base_ms) // HALVES_MS[0])
    for length, half_ms in enumerate(HALVES_MS):
        begin_ms = -(-from_ms // (2 * half_ms)) * 2 * half_ms
        pairs = max(0, until_ms - begin_ms) // (2 * half_ms)
        low, step = (begin_ms - base_ms) // HALVES_MS[0], half_ms // HALVES_MS[0]
        left, right = fine[low : low + 2 * pairs * step].reshape(pairs, 2, step).sum(axis=2).T
        square = (left - right) ** 2
        counted = square <= _STEP * (left + right)
        spread.squares[length], spread.pairs[length] = int(square[counted].sum()), int(counted.sum())
    return spread


def began_ms(times_ms: Int64s, from_ms: int, known_ms: int, until_ms: int) -> int:
    """Return from when on votes came as evenly as in [known_ms, until_ms), not before `from_ms`, and a block more.

    In a crowd evidence adds up late. Blocks before are taken in as long as they are, together, nearer to what is known
    than to chance, which has an unevenness of 1 (Page 1954, backwards).
    """
    per_half = len(times_ms) * np.array(HALVES_MS) / max(until_ms - from_ms, 1)
    lengths = np.flatnonzero(per_half >= _FEWEST_VOTES / 2)
    half_ms = HALVES_MS[int(lengths[0]) if len(lengths) else -1]
    inside = _unevenness(times_ms, known_ms, until_ms, half_ms)
    between = (1 + min(1.0, float(inside.mean()))) / 2 if len(inside) else 0.0
    best, total, begin_ms = 0.0, 0.0, known_ms
    for block_ms in range(known_ms - _BLOCK_MS, from_ms - 1, -_BLOCK_MS):
        total += float((between - _unevenness(times_ms, block_ms, block_ms + _BLOCK_MS, half_ms)).sum())
        if total > best:
            best, begin_ms = total, block_ms
    return max(begin_ms - _BLOCK_MS, from_ms)


def _unevenness(times_ms: Int64s, from_ms: int, until_ms: int, half_ms: int) -> Floats:
    """Return (left - right)^2 / (left + right) of pairs of halves and of halves twice as long; 1 by chance."""
    inside = times_ms[(times_ms >= from_ms) & (times_ms < until_ms)]
    halves = np.bincount((inside - from_ms) // half_ms, minlength=4 * ((until_ms - from_ms) // (4 * half_ms)))
    found = []
    for step in (1, 2):
        whole = len(halves) // (2 * step) * 2 * step
        left, right = halves[:whole].reshape(-1, 2, step).sum(axis=2).T
        found.append(np.minimum((left - right) ** 2 / np.maximum(left + right, 1), _STEP))
    return np.concatenate(found).astype(np.float64)


def by_chance(of: Spread) -> Chance | None:
    """Return how many of the votes came by chance; None where too little was measured."""
    halves_ms, pairs = np.array(HALVES_MS, np.float64), np.array(of.pairs, np.float64)
    first = int(np.argmax(of.votes * halves_ms >= _FEWEST_VOTES * max(of.ms, 1)))
    chosen = slice(first, first + _LENGTHS)
    too_few = of.votes * halves_ms[first] < _FEWEST_VOTES * of.ms
    if too_few or first + 1 == len(HALVES_MS) or pairs[first] < _FEWEST_SPANS or pairs[chosen].min() < 2:
        return None
    slope, error = _line(halves_ms[chosen], np.array(of.squares)[chosen] / pairs[chosen], pairs[chosen])
    return Chance(min(slope * of.ms, float(of.votes)), error * of.ms)


def _line(halves_ms: Floats, square: Floats, pairs: Floats) -> tuple[float, float]:
    """Fit square = jitter + 2 * slope * half, neither below 0; return the slope and its error.

    A sum of squares of normal numbers has a relative variance of 2 / pairs, so lengths weigh by what the line says.
    """
    design = np.stack([2 * halves_ms, np.ones_like(halves_ms)], axis=1)
    line = np.array([float((square * pairs).sum() / (2 * halves_ms * pairs).sum()), 0.0])
    for _ in range(_ROUNDS):
        weight = pairs / (2 * np.maximum(design @ line, 1.0) ** 2)
        line = np.linalg.solve((design.T * weight) @ design, (design.T * weight) @ square)
        if line[1] < 0:
            line = np.array([float((weight * design[:, 0]) @ square / (weight @ design[:, 0] ** 2)), 0.0])
        line[0] = max(line[0], 0.0)
    # squares that happen to be small make their own error look small: it is taken at the slope that may well be
    error = _error(design, line, pairs)
    return float(line[0]), _error(design, line + np.array([error, 0.0]), pairs)


def _error(design: Floats, line: Floats, pairs: Floats) -> float:
    weight = pairs / (2 * np.maximum(design @ line, 1.0) ** 2)
    return float(np.sqrt(_DOUBT * np.linalg.inv((design.T * weight) @ design)[0, 0]))
