"""Who acts: audiences of real people, and accounts that one script works. Columns of what a platform knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Int64s

DAY_MS = 86_400_000
NETWORKS = 30_000

Names = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class People:
    """One row for each account."""

    account_id: Names
    created_ms: Int64s
    followers: Int64s
    client: Names
    network: Names
    country: Names

    def __len__(self) -> int:
        return len(self.account_id)

    def rows(self, rows: Int64s) -> People:
        """Return those of the given rows."""
        return People(*(getattr(self, column.name)[rows] for column in fields(self)))


def account_ids(rng: np.random.Generator, size: int) -> Names:
    """Return distinct ids that tell nothing of who belongs together."""
    # an odd factor maps the numbers below 2**48 onto themselves
    scattered = np.arange(size, dtype=np.uint64) * np.uint64(0x9E3779B97F4B) ^ rng.integers(
        0, 2**48, dtype=np.uint64
    )
    return np.array([f"u{number:012x}" for number in (scattered % np.uint64(2**48)).tolist()], dtype=object)


def audience(rng: np.random.Generator, ids: Names, countries: Mapping[str, float], now_ms: int) -> People:
    """Return people who have nothing in common but whom they follow: any age of account, many networks and clients."""
    size = len(ids)
    years = rng.triangular(0, 2, 14, size)
    return People(
        account_id=ids,
        created_ms=(now_ms - years * 365 * DAY_MS - rng.integers(0, DAY_MS, size)).astype(np.int64),
        followers=rng.lognormal(4.2, 1.7, size).astype(np.int64),
        client=pick(rng, {"ios": 0.4, "android": 0.36, "web": 0.21, "tablet": 0.02, "other": 0.01}, size),
        network=_networks(rng, size),
        country=pick(rng, countries, size),
    )


def script_accounts(rng: np.random.Generator, ids: Names, now_ms: int) -> People:
    """Return accounts made in one week for one purpose: few followers, five networks, one client."""
    size = len(ids)
    week_began_ms = now_ms - 40 * DAY_MS
    hosts = [f"n{number}" for number in rng.choice(np.arange(NETWORKS, 2 * NETWORKS), 5, replace=False)]
    return People(
        account_id=ids,
        created_ms=rng.integers(week_began_ms, week_began_ms + 7 * DAY_MS, size),
        followers=rng.geometric(0.4, size) - 1,
        client=np.full(size, "web", dtype=object),
        network=rng.choice(np.array(hosts, dtype=object), size),
        country=pick(rng, {"US": 0.7, "NL": 0.3}, size),
    )


def _networks(rng: np.random.Generator, size: int) -> Names:
    """Few networks carry many people, and many carry a few: Zipf."""
    share = 1 / (np.arange(NETWORKS) + 20.0)
    number = rng.choice(NETWORKS, size, p=share / share.sum())
    return np.array([f"n{i}" for i in range(NETWORKS)], dtype=object)[number]


def pick(rng: np.random.Generator, shares: Mapping[str, float], size: int) -> Names:
    """Return so many of the names, each drawn with its share."""
    names = np.array(list(shares), dtype=object)
    weights = np.array(list(shares.values()))
    return names[rng.choice(len(names), size, p=weights / weights.sum())]
