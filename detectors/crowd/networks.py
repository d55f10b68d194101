"""What networks say of a group: ones the platform has not seen, ones seen too often here, and many votes from few of them."""

from __future__ import annotations

import numpy as np

from detectors.columns import Bools, Floats, Int64s
from detectors.crowd.platform import Platform
from detectors.crowd.tallied import coded
from detectors.senders import Codes

_LEAST_SURPRISE = 10.0
_DOUBT = 4.0
_UNSEEN_DOUBT = 1.5
_SHARED_DOUBT = 2.0
_COUNTRIES_UNKNOWN = 4.0

SAYS_LITTLE = 0.5
"""Share of ordinary votes from networks not seen before, from which on such a network is no sign of anything: a platform is young."""


def surprise(count: Int64s, expected: Floats) -> Floats:
    """Return c ln(c/e) - (c - e) for counts above what was expected, else 0: the exponent of Chernoff's bound for Poisson tails."""
    surplus = count * np.log(np.maximum(count, 1e-9) / expected) - (count - expected)
    surprising: Floats = np.where(count > expected, surplus, 0.0)
    return surprising


def odd_network_share(platform: Platform) -> float:
    """Return the share of ordinary votes from networks not seen before, with doubt."""
    return min(_UNSEEN_DOUBT * platform.usual("unseen_share") + 0.01, 1.0)


def odd_networks(network: Codes, platform: Platform) -> Bools:
    """Tell of each vote whether its network is one never seen on the platform, or seen far more often here than there."""
    codes, index, counts = coded(network)
    seen = platform.network_count(codes)
    expected = _DOUBT * (seen + 1.0) / (platform.network_votes + 1.0) * len(network)
    odd: Bools = ((seen == 0) | (surprise(counts, expected) > _LEAST_SURPRISE)) & (codes != 0)
    return odd[index]


def shared_chance(country: Int64s, platform: Platform) -> float:
    """Return the chance that two people of these countries vote from one network, with doubt."""
    return _SHARED_DOUBT * platform.shared_network * _fewer_countries(country, platform)


def marked_networks(network: Codes, country: Int64s, platform: Platform) -> tuple[Bools, float]:
    """Return which votes come from networks to begin a group with, and a crowd's share of such.

    Where most votes come from networks not seen before, as while a platform is young, that they are new says nothing: then
    those are marked that others of these votes come from too.
    """
    usual = odd_network_share(platform)
    if usual < SAYS_LITTLE:
        return odd_networks(network, platform), usual
    codes, index, counts = coded(network)
    alone = float(np.exp(-shared_chance(country, platform) * (len(network) - 1)))
    return ((counts > 1) & (codes != 0))[index], max(1 - alone, 0.01)


def _fewer_countries(country: Int64s, platform: Platform) -> float:
    """People of few countries share networks more often: at most in proportion to how much fewer the countries are."""
    known = country[country >= 0]
    usual = platform.country_votes / max(platform.country_votes.sum(), 1.0)
    if 2 * len(known) < len(country) or not usual.any():
        return _COUNTRIES_UNKNOWN
    here = np.bincount(known) / len(known)
    return max(float((here**2).sum() / (usual**2).sum()), 1.0)
