"""Where to begin: votes that share a client, a birth window, odd networks or a kind of handle beyond what the platform explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detectors.columns import Bools, Floats
from detectors.crowd.births import Births, densest
from detectors.crowd.namesakes import Namesakes, named_alike
from detectors.crowd.networks import marked_networks, surprise
from detectors.crowd.platform import Platform
from detectors.crowd.tallied import tallied
from detectors.crowd.window import Votes, born_in, namesakes_among
from detectors.senders import NO_TIME_MS

_MOST_CLIENTS = 3
_LEAST_VOTES = 12
_LEAST_SURPRISE = 10.0
_LEAST_LIFT = 1.15
_LEAST_ALONE = 2.0
_IN, _OUT = 0.95, 0.02


@dataclass(frozen=True)
class Seed:
    """First weights of a group, and the birth window and the kind of handle it was found with, if any."""

    core: Floats
    births: Births | None
    namesakes: Namesakes | None
    surprise: float


@dataclass(frozen=True)
class _Mark:
    """A property that votes share: who has it, of whom it is known, and a crowd's share."""

    inside: Bools
    known: Bools
    usual: float


def seeds(votes: Votes, platform: Platform) -> list[Seed]:
    """Return groups to begin with, the most surprising first: by any two of client, births, networks and handles."""
    marked, usual = marked_networks(votes.network, votes.country, platform)
    odd = _Mark(marked, votes.network != 0, usual)
    codes, counts = tallied(votes.client[votes.client != 0])
    enough = counts >= _LEAST_VOTES
    codes, counts = codes[enough], counts[enough]
    shares = platform.client_share(codes)
    order = np.argsort(-surprise(counts, len(votes) * shares), kind="stable")[:_MOST_CLIENTS]
    clients = [_Mark(votes.client == codes[i], votes.client != 0, float(shares[i])) for i in order]
    found = [seed for client in (*clients, None) for seed in _with_births(votes, client, odd, platform)]
    found += _with_handles(votes, [*clients, odd], platform)
    return sorted(
        (seed for seed in found if seed.surprise > _LEAST_SURPRISE), key=lambda seed: -seed.surprise
    )


def _with_births(votes: Votes, client: _Mark | None, odd: _Mark, platform: Platform) -> list[Seed]:
    """Return groups of one client, or of any, by the window in which its accounts were born and by networks."""
    if client is None and np.count_nonzero(odd.inside) < _LEAST_VOTES:
        return []
    aged = votes.created_ms != NO_TIME_MS
    mine = aged if client is None else aged & client.inside
    births = densest(votes.created_ms[mine], int(votes.time_ms[-1]), platform)
    of = [] if client is None else [client]
    groups = [] if client is None else [[client, odd]]
    if births is not None:
        born = _born(votes, births)
        groups = [[*of, born], [*of, born, odd], *groups] if of else [[born, odd]]
    return [_seed(group, births, None) for group in groups]


def _with_handles(votes: Votes, others: list[_Mark], platform: Platform) -> list[Seed]:
    """Return groups of one kind of handle that have another mark as well."""
    namesakes = namesakes_among(votes, platform)
    if namesakes is None:
        return []
    alike = named_alike(votes.handle, namesakes)
    named = _Mark(alike == 1, alike >= 0, namesakes.usual)
    aged = votes.created_ms != NO_TIME_MS
    births = densest(votes.created_ms[named.inside & aged], int(votes.time_ms[-1]), platform)
    found = [_seed([named, other], None, namesakes) for other in others]
    return found if births is None else [*found, _seed([named, _born(votes, births)], births, namesakes)]


def _born(votes: Votes, births: Births) -> _Mark:
    inside = born_in(votes, births)
    return _Mark(inside == 1, inside >= 0, births.usual)


def _seed(marks: list[_Mark], births: Births | None, namesakes: Namesakes | None) -> Seed:
    """Return the votes that have all marks; they surprise only if no single mark explains that they have the others."""
    inside = np.logical_and.reduce([mark.inside for mark in marks])
    known = np.logical_and.reduce([mark.known for mark in marks])
    count, usual = int(np.count_nonzero(inside)), math.prod(mark.usual for mark in marks)
    surprise = _above(count, len(inside) * usual) if count >= _LEAST_VOTES else 0.0
    for mark in marks if surprise > _LEAST_SURPRISE else ():
        alone = int(np.count_nonzero(mark.inside & known)) * usual / mark.usual
        if count < _LEAST_LIFT * alone or _above(count, alone) < _LEAST_ALONE:
            surprise = 0.0
    return Seed(np.where(inside, _IN, _OUT), births, namesakes, surprise)


def _above(count: int, expected: float) -> float:
    return float(surprise(np.array([count]), np.array([expected]))[0])
