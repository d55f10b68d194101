"""What a group's votes look like, as tables: gives any vote of the poll its probability to belong, also votes yet to come."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.crowd.births import Births
from detectors.crowd.mixture import Dimension, Split, table
from detectors.crowd.namesakes import Namesakes, named_alike
from detectors.crowd.window import Votes, born_in

_STEPS = 4
_MEMORY_VOTES = 20.0
_LEAST_SHARE = 1e-3
_MOST_ODDS = 30.0
_CODED = frozenset({"client", "network", "option"})
"""Dimensions whose codes are any numbers; those of the others count from 0."""


@dataclass(frozen=True)
class Profile:
    """Log odds of the group by dimension and code (the last one for codes not listed), and its share in time.

    `edge_row` are rows where stretches of time begin, `share` the group's share in each.
    """

    codes: dict[str, Int64s]
    odds: dict[str, Floats]
    births: Births | None
    namesakes: Namesakes | None
    edge_row: Int64s
    share: Floats

    def weights(self, votes: Votes) -> Floats:
        """Return the probability to belong of each vote that was looked at."""
        stretch = np.maximum(np.searchsorted(self.edge_row, votes.rows, "right") - 1, 0)
        return _belong(self._odds(votes), self.share[stretch])

    def later(self, votes: Votes, share: float) -> tuple[Floats, float]:
        """Return the same of votes that came later, and the group's share by now; it was `share` before them.

        The share follows the votes: what it was counts as much as so many votes.
        """
        odds, now = self._odds(votes), share
        for _ in range(_STEPS):
            weights = _belong(odds, now)
            now = (_MEMORY_VOTES * share + float(weights.sum())) / (_MEMORY_VOTES + len(votes))
            now = min(max(now, _LEAST_SHARE), 1 - _LEAST_SHARE)
        return weights, now

    def _odds(self, votes: Votes) -> Floats:
        total = np.zeros(len(votes))
        for name, codes in self.codes.items():
            value, known = _value(name, votes, self)
            if name in _CODED:
                place = codes.searchsorted(value)
                place[codes.take(place, mode="clip") != value] = len(codes)
            else:
                place = np.minimum(value, len(codes))
            total += self.odds[name][place] * known
        return total

    def plain(self) -> dict[str, Any]:
        """Return plain data."""
        tables = {name: [codes.tobytes(), self.odds[name].tobytes()] for name, codes in self.codes.items()}
        return {
            "tables": tables,
            "births": None if self.births is None else list(astuple(self.births)),
            "namesakes": None if self.namesakes is None else list(astuple(self.namesakes)),
            "edge": self.edge_row.tobytes(),
            "share": self.share.tobytes(),
        }


def profile(
    dimensions: list[Dimension], found: Split, births: Births | None, namesakes: Namesakes | None, rows: Int64s
) -> Profile:
    """Return the tables of a split of votes in these rows."""
    edges = np.flatnonzero(np.append(True, found.share[1:] != found.share[:-1]))
    codes = {d.name: d.codes for d in dimensions}
    odds = {d.name: table(d, found.weight, found.looseness[d.name]) for d in dimensions}
    return Profile(codes, odds, births, namesakes, rows[edges], found.share[edges])


def restored(state: dict[str, Any]) -> Profile:
    """Return the profile that `plain` told."""
    codes = {name: np.frombuffer(pair[0], np.int64) for name, pair in state["tables"].items()}
    odds = {name: np.frombuffer(pair[1], np.float64) for name, pair in state["tables"].items()}
    births = None if state["births"] is None else Births(*state["births"])
    namesakes = None if state["namesakes"] is None else Namesakes(*state["namesakes"])
    edge, share = np.frombuffer(state["edge"], np.int64), np.frombuffer(state["share"], np.float64)
    return Profile(codes, odds, births, namesakes, edge, share)


def _value(name: str, votes: Votes, of: Profile) -> tuple[Int64s, Any]:
    if name == "born" and of.births is not None:
        value = born_in(votes, of.births)
        return value, value >= 0
    if name == "handle" and of.namesakes is not None:
        value = named_alike(votes.handle, of.namesakes)
        return value, value >= 0
    if name == "referrer":
        return (votes.referrer != 0).astype(np.int64), np.ones(len(votes), np.bool_)
    value = getattr(votes, name).astype(np.int64)
    return value, value != 0 if name in ("client", "network") else value >= 0


def _belong(odds: Floats, share: Floats | float) -> Floats:
    total = odds + np.log(share) - np.log1p(-share)
    weights: Floats = 1.0 / (1.0 + np.exp(-np.minimum(np.maximum(total, -_MOST_ODDS), _MOST_ODDS)))
    return weights
