"""How the people of a surge compare with those of the poll's own past and the platform, one property at a time. It names nobody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.crowd.networks import odd_network_share
from detectors.crowd.platform import Platform
from detectors.crowd.tallied import among, counted, tallied
from detectors.crowd.window import Votes
from detectors.senders import NO_TIME_MS

_DAY_MS = 86_400_000
_AGE_EDGES_MS = np.array([1, 7, 30, 100, 200, 400, 800, 1600, 2400]) * _DAY_MS
_USUAL_VOTES = 100.0
_LEAST_KNOWN = 24
_LEAST_SHARE_KNOWN = 0.5
_ODD = 0.25
_YOUNG_VOTES = 500.0


@dataclass(frozen=True)
class Likeness:
    """Of `votes` that tell a property, the share `apart` that is not explained by people seen before (chance taken off).

    `top` is the largest share that one value has among them, `usual` what it has elsewhere.
    """

    name: str
    votes: int
    apart: float
    top: float
    usual: float

    @property
    def odd(self) -> bool:
        """Whether the surge differs here by more than crowds of the same platform do."""
        return self.apart > _ODD


@dataclass(frozen=True)
class View:
    """A surge of `votes`: what was compared, what the votes did not tell, and what share came through the commonest referrer."""

    votes: int
    alike: tuple[Likeness, ...]
    untold: tuple[str, ...]
    referrer: float

    @property
    def odd(self) -> tuple[str, ...]:
        """Names of the properties that are odd."""
        return tuple(one.name for one in self.alike if one.odd)

    @property
    def explained(self) -> float:
        """The share of the surge that looks like people seen before in the property where it looks least so."""
        return 1.0 - max((one.apart for one in self.alike), default=1.0)


NOBODY = View(0, (), (), 0.0)
"""Nobody came but those who always do, and accused groups."""


def view(votes: Votes, past: Votes, platform: Platform) -> View:
    """Compare the votes of a surge with those before it."""
    untold, alike = [], []
    for name, compared in (("client", _client), ("born", _ages), ("network", _networks)):
        likeness = compared(votes, past, platform)
        told = (
            likeness.votes >= max(_LEAST_KNOWN, _LEAST_SHARE_KNOWN * len(votes))
            and platform.votes >= _YOUNG_VOTES
        )
        if told:
            alike.append(likeness)
        else:
            untold.append(name)
    return View(
        len(votes), tuple(alike), tuple(untold), _top(votes.referrer[votes.referrer != 0], len(votes))
    )


def _client(votes: Votes, past: Votes, platform: Platform) -> Likeness:
    here, before = votes.client[votes.client != 0], past.client[past.client != 0]
    codes, _ = tallied(np.concatenate([here, platform.clients]))
    counts = counted(here, codes)
    usual = counted(before, codes) + _USUAL_VOTES * platform.client_share(codes)
    return _likeness("client", counts, usual)


def _ages(votes: Votes, past: Votes, platform: Platform) -> Likeness:
    usual = _bands(past) + _USUAL_VOTES * platform.bands(_AGE_EDGES_MS)
    return _likeness("born", _bands(votes), usual)


def _bands(votes: Votes) -> Floats:
    aged = votes.created_ms != NO_TIME_MS
    band = np.searchsorted(_AGE_EDGES_MS, votes.time_ms[aged] - votes.created_ms[aged], "right")
    return np.bincount(band, minlength=len(_AGE_EDGES_MS) + 1).astype(np.float64)


def _networks(votes: Votes, past: Votes, platform: Platform) -> Likeness:
    here = votes.network[votes.network != 0]
    if not len(here):
        return Likeness("network", 0, 0.0, 0.0, 0.0)
    codes, counts = tallied(here)
    before = platform.network_count(codes)
    unseen = codes[before == 0]
    new = counts[before == 0][~among(unseen, past.network)].sum() / len(here) if len(unseen) else 0.0
    top = int(np.argmax(counts))
    usual = float(before[top] / max(platform.network_votes, 1.0))
    apart = max(float(new) - odd_network_share(platform), float(counts[top] / len(here)) - usual - 0.05, 0.0)
    return Likeness("network", len(here), apart, float(counts[top] / len(here)), usual)


def _likeness(name: str, counts: Floats, usual: Floats) -> Likeness:
    n = float(counts.sum())
    if not n:
        return Likeness(name, 0, 0.0, 0.0, 0.0)
    share = (usual + 1e-3) / (usual.sum() + 1e-3 * len(usual))
    apart = 0.5 * float(np.abs(counts / n - share).sum())
    # the mean of |count - expected| of a Poisson count is sqrt(2 expected / pi): so far apart two samples of one crowd are
    chance = 0.5 * float(np.sqrt(2 * share * (1 / n + 1 / max(float(usual.sum()), 1.0)) / np.pi).sum())
    top = int(np.argmax(counts))
    return Likeness(name, int(n), max(apart - chance, 0.0), float(counts[top] / n), float(share[top]))


def _top(values: Int64s, votes: int) -> float:
    return float(tallied(values)[1].max(initial=0) / max(votes, 1))
