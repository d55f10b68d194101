"""Where to begin: the votes of a window that share a client, a birth window or odd networks beyond what the platform explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Bools, Floats, Int64s
from detectors.crowd_births import Births, densest
from detectors.crowd_platform import Platform
from detectors.crowd_window import Votes
from detectors.senders import NO_TIME_MS, Codes

_MOST_CLIENTS = 3
_LEAST_VOTES = 12
_LEAST_SURPRISE = 10.0
_IN, _OUT = 0.95, 0.02
_NETWORK_DOUBT = 4.0
_UNSEEN_DOUBT = 1.5


@dataclass(frozen=True)
class Seed:
    """First weights of a group, and the birth window it was found with, if any."""

    core: Floats
    births: Births | None
    surprise: float


def seeds(votes: Votes, platform: Platform) -> list[Seed]:
    """Return groups to begin with, the most surprising first: by client with births or networks, and by these two."""
    odd = odd_networks(votes.network, platform)
    odd_share = odd_network_share(platform)
    codes, counts = np.unique(votes.client[votes.client != 0], return_counts=True)
    shares = platform.client_share(codes)
    order = np.argsort(-_surprise(counts, len(votes) * shares), kind="stable")[:_MOST_CLIENTS]
    found = [_seed(votes, votes.client == codes[i], float(shares[i]), odd, odd_share, platform) for i in order]
    found.append(_seed(votes, np.ones(len(votes), np.bool_), 1.0, odd, odd_share, platform))
    good = [seed for pair in found for seed in pair if seed.surprise > _LEAST_SURPRISE]
    return sorted(good, key=lambda seed: -seed.surprise)


def _seed(
    votes: Votes, of: Bools, share: float, odd: Bools, odd_share: float, platform: Platform
) -> list[Seed]:
    n = len(votes)
    aged = of & (votes.created_ms != NO_TIME_MS)
    births = densest(votes.created_ms[aged], int(votes.time_ms[-1]), platform)
    found = []
    if births is not None:
        inside = aged & (votes.created_ms >= births.from_ms) & (votes.created_ms <= births.to_ms)
        if share < 1:
            found.append(_core(inside, n * share * births.usual, births))
        found.append(_core(inside & odd, n * share * births.usual * odd_share, births))
    if share < 1:
        found.append(_core(of & odd, n * share * odd_share, births))
    return found


def _core(inside: Bools, expected: float, births: Births | None) -> Seed:
    count = int(np.count_nonzero(inside))
    surprise = float(_surprise(np.array([count]), np.array([expected]))[0]) if count >= _LEAST_VOTES else 0.0
    return Seed(np.where(inside, _IN, _OUT), births, surprise)


def odd_network_share(platform: Platform) -> float:
    """Return the share of ordinary votes from networks not seen before, with doubt."""
    return min(_UNSEEN_DOUBT * platform.usual("unseen_share") + 0.01, 1.0)


def odd_networks(network: Codes, platform: Platform) -> Bools:
    """Tell of each vote whether its network is one never seen on the platform, or seen far more often here than there."""
    codes, index, counts = np.unique(network, return_inverse=True, return_counts=True)
    seen = platform.network_count(codes)
    expected = _NETWORK_DOUBT * (seen + 1.0) / (platform.network_votes + 1.0) * len(network)
    odd: Bools = ((seen == 0) | (_surprise(counts, expected) > _LEAST_SURPRISE)) & (codes != 0)
    return odd[index]


def _surprise(count: Int64s, expected: Floats) -> Floats:
    surplus = count * np.log(np.maximum(count, 1e-9) / expected) - (count - expected)
    surprise: Floats = np.where(count > expected, surplus, 0.0)
    return surprise
