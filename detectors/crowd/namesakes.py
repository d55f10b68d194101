"""Finds the stem, shape or pattern that surprisingly many of a group's handles share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.crowd.handles import KINDS, SAYS_NOTHING, Handles, codes
from detectors.crowd.platform import Platform
from detectors.crowd.tallied import tallied

_LEAST = 12
_LEAST_SURPRISE = 10.0


@dataclass(frozen=True)
class Namesakes:
    """Handles that have one code of a kind (its number in `KINDS`): `usual` is a crowd's share of it, with doubt."""

    kind: int
    code: int
    usual: float
    surprise: float


def commonest(handles: Handles, young: bool, platform: Platform) -> Namesakes | None:
    """Return what most surprisingly many of the handles share, or None where nothing surprises.

    The surprise of a count c where e were expected is c ln(c/e) - (c - e), Chernoff's exponent for Poisson tails.
    """
    if len(handles) < _LEAST or not platform.handles.tell:
        return None
    found: list[Namesakes] = []
    for kind in range(len(KINDS)):
        code = codes(handles, kind)
        values, counts = tallied(code[code > SAYS_NOTHING])
        many = counts >= _LEAST
        if many.any():
            usual = platform.handles.usual(kind, values[many], young)
            surprise = _surprise(counts[many], int(counts.sum()) * usual)
            best = int(np.argmax(surprise))
            found.append(Namesakes(kind, int(values[many][best]), float(usual[best]), float(surprise[best])))
    best_of = max(found, key=lambda one: one.surprise, default=None)
    return best_of if best_of and best_of.surprise > _LEAST_SURPRISE else None


def _surprise(count: Int64s, expected: Floats) -> Floats:
    surprise: Floats = np.where(count > expected, count * np.log(count / expected) - (count - expected), 0.0)
    return surprise


def named_alike(handles: Handles, namesakes: Namesakes) -> Int64s:
    """Tell of each handle whether it has that code (1), not (0), or says nothing (-1)."""
    of = codes(handles, namesakes.kind)
    return np.where(of > SAYS_NOTHING, (of == namesakes.code).astype(np.int64), -1)
