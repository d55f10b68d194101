"""The score of the Numenta Anomaly Benchmark, version 1 (Lavin & Ahmad 2015, ICMLA; the rules are those of its scorer).

Of each series the first 15 % (750 rows at most) are not scored. In a labelled window the earliest detection earns
s(p) / s(-1), with p = -(rows to the window's end, 1 at its last row) / width and s(p) = 2 / (1 + e^(5 p)) - 1; a window with
none costs. Elsewhere every detection costs, less just after a window. 0 is a detector that is silent, 100 a perfect one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Bools, Floats, Int64s

_PROBATION, _PROBATION_ROWS = 0.15, 5000


@dataclass(frozen=True)
class Profile:
    """What a false detection and a missed window cost, a window found being worth 1."""

    name: str
    false: float
    missed: float


PROFILES = (Profile("standard", 0.11, 1.0), Profile("low FP", 0.22, 1.0), Profile("low FN", 0.11, 2.0))


@dataclass(frozen=True)
class Series:
    """Detections of one series by row, and its labelled windows: first and last row of each, in order."""

    name: str
    alarm: Bools
    windows: list[tuple[int, int]]


@dataclass(frozen=True)
class Result:
    """What was found in one series."""

    name: str
    found: int
    windows: int
    false_rows: int
    earned: float
    charged: float


def judge(series: Series) -> Result:
    """Return what the detections of a series earn, and what the false ones are charged with before their weight."""
    rows = len(series.alarm)
    alarms = np.flatnonzero(series.alarm & (np.arange(rows) >= int(min(_PROBATION * rows, _PROBATION * _PROBATION_ROWS))))
    earned, found, inside = 0.0, 0, np.zeros(len(alarms), np.bool_)
    for first, last in series.windows:
        within = (alarms >= first) & (alarms <= last)
        inside |= within
        if within.any():
            found += 1
            earned += float((_squashed(-(last - alarms[within] + 1) / (last - first + 1)) / _squashed(np.array(-1.0))).max())
    false = alarms[~inside]
    return Result(series.name, found, len(series.windows), len(false), earned, _charged(false, series.windows))


def _charged(false: Int64s, windows: list[tuple[int, int]]) -> float:
    """Return the sum of the weights of false detections: 1 far from any window before them, less near it."""
    total = 0.0
    for row in false.tolist():
        before = [window for window in windows if window[1] < row]
        distance = (row - before[-1][1]) / (before[-1][1] - before[-1][0]) if before else np.inf
        total += 1.0 if distance > 3 else -float(_squashed(np.array(distance)))
    return total


def score(results: list[Result], profile: Profile) -> float:
    """Return the normalised score, 0 to 100 (below 0 for a detector that is worse than silence)."""
    windows, found = sum(one.windows for one in results), sum(one.found for one in results)
    raw = sum(one.earned - profile.false * one.charged for one in results) - profile.missed * (windows - found)
    return 100.0 * (raw + profile.missed * windows) / ((1.0 + profile.missed) * windows)


def _squashed(place: Floats) -> Floats:
    squashed: Floats = 2.0 / (1.0 + np.exp(5.0 * place)) - 1.0
    return squashed
