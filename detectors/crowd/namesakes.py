"""Finds the stem, shape or pattern that surprisingly many of a group's handles share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Int64s
from detectors.crowd.handles import KINDS, SAYS_NOTHING, HandleCodes
from detectors.crowd.platform import Platform

_LEAST = 12
_LEAST_SURPRISE = 10.0


@dataclass(frozen=True)
class Namesakes:
    """Handles that have one code of a kind (its number in `KINDS`): `usual` is a crowd's share of it, with doubt."""

    kind: int
    code: int
    usual: float
    surprise: float


def commonest(codes: HandleCodes, young: bool, platform: Platform) -> Namesakes | None:
    """Return what most surprisingly many of n handles (3 x n) share, or None where nothing surprises.

    The surprise of a count c where e were expected is c ln(c/e) - (c - e), Chernoff's exponent for Poisson tails.
    """
    codes = codes[:, codes[0] > SAYS_NOTHING]
    n = codes.shape[1]
    found: list[Namesakes] = []
    for kind in range(len(KINDS)) if n >= _LEAST and platform.handles.tell else ():
        values, counts = np.unique(codes[kind], return_counts=True)
        values, counts = values[counts >= _LEAST], counts[counts >= _LEAST]
        if len(values):
            usual = platform.handles.usual(kind, values, young)
            surprise = counts * np.log(counts / (n * usual)) - (counts - n * usual)
            surprise[counts < n * usual] = 0.0
            best = int(np.argmax(surprise))
            found.append(Namesakes(kind, int(values[best]), float(usual[best]), float(surprise[best])))
    best_of = max(found, key=lambda one: one.surprise, default=None)
    return best_of if best_of and best_of.surprise > _LEAST_SURPRISE else None


def named_alike(codes: HandleCodes, namesakes: Namesakes) -> Int64s:
    """Tell of each handle whether it has that code (1), not (0), or says nothing (-1)."""
    of = codes[namesakes.kind]
    return np.where(of > SAYS_NOTHING, (of == namesakes.code).astype(np.int64), -1)
