"""One platform of a world: the mix its people are drawn from, and the people who may vote. Knows no poll and no attack.

The ranges are wide on purpose: what a detector learns of one platform must not be true of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.columns import Bools, Floats, Int64s
from lab.handles import Registry
from lab.people import DAY_MS, Names, People

YEAR_MS = 365 * DAY_MS
CLIENTS = ("ios", "android", "web", "tablet", "lite", "desktop", "thirdparty")
_CODES = "US BR JP IN GB TR DE FR UA PL IT ES MX ID NG CA KR PH NL SE EG AR RO CZ"
COUNTRIES = tuple(_CODES.split())


@dataclass(frozen=True, slots=True)
class Platform:
    """Shares of clients and countries, how networks and ages are spread, and a wave of registrations some time ago."""

    client_share: Floats
    countries: Names
    country_share: Floats
    networks: int
    network_fall: float
    national_networks: bool
    median_age_ms: float
    age_spread: float
    fresh_share: float
    wave_ago_ms: float
    wave_share: float
    median_followers: float
    follower_spread: float


class Ids:
    """Hands out account ids that are distinct in a world: by `naming`, see `lab.handles.NAMINGS`, else scattered numbers.

    Only names that are `made` for a script tell who belongs together, and only where people choose theirs.
    """

    def __init__(self, rng: np.random.Generator, naming: str = "") -> None:
        self._key = rng.integers(0, 2**48, dtype=np.uint64)
        # other draws of the world are the same whatever its accounts are called
        self._names = Registry(np.random.default_rng(int(self._key)), naming) if naming else None
        self._next = 0

    def take(self, size: int) -> Names:
        """Return so many ids that nobody has."""
        return self._scattered(size) if self._names is None else self._names.take(size)

    def made(self, size: int) -> Names:
        """Return ids that nobody has for accounts that one script made."""
        return self._scattered(size) if self._names is None else self._names.made(size)

    def _scattered(self, size: int) -> Names:
        numbers = np.arange(self._next, self._next + size, dtype=np.uint64)
        self._next += size
        # an odd factor maps the numbers below 2**48 onto themselves
        scattered = (numbers * np.uint64(0x9E3779B97F4B) ^ self._key) % np.uint64(2**48)
        return np.array([f"u{number:012x}" for number in scattered.tolist()], dtype=object)


@dataclass(frozen=True, slots=True)
class Electorate:
    """Everybody who may vote in a world's polls: their columns, numbers of country and client, age, and how active they are."""

    people: People
    country: Int64s
    client: Int64s
    age_ms: Int64s
    activity: Floats

    def __len__(self) -> int:
        return len(self.activity)

    def draw(self, rng: np.random.Generator, size: int, used: Bools, weight: Floats | None = None) -> Int64s:
        """Return rows of people outside `used`, and mark them; the active sooner, each weighed by `weight`.

        Weighted sampling without replacement by exponential keys (Efraimidis and Spirakis, "Weighted random sampling
        with a reservoir", Information Processing Letters 97, 2006). Fewer than `size` where fewer are left.
        """
        weights = self.activity if weight is None else self.activity * weight
        key = rng.exponential(size=len(self)) / np.maximum(weights, 1e-12)
        key[used] = np.inf
        size = min(size, int(np.count_nonzero(~used)))
        rows: Int64s = np.argpartition(key, size - 1)[:size] if size else np.zeros(0, np.int64)
        rng.shuffle(rows)
        used[rows] = True
        return rows


def draw_platform(rng: np.random.Generator) -> Platform:
    """Draw one platform: 9 to 18 countries, one to four common clients, accounts of 2 to 6 years in the median."""
    countries = rng.choice(np.array(COUNTRIES, dtype=object), rng.integers(9, 19), replace=False)
    common = np.array([4.0, 4.0, 2.0, 0.4, 0.3, 0.3, 0.2]) * rng.gamma(4.0, 0.25, len(CLIENTS))
    has_wave = rng.random() < 0.4
    return Platform(
        client_share=common / common.sum(),
        countries=countries,
        country_share=rng.dirichlet(np.full(len(countries), rng.uniform(2, 8))),
        networks=int(rng.integers(8_000, 40_000)),
        network_fall=rng.uniform(0.6, 0.95),
        national_networks=bool(rng.random() < 0.5),
        median_age_ms=rng.uniform(2, 6) * YEAR_MS,
        age_spread=rng.uniform(0.5, 0.9),
        fresh_share=rng.uniform(0.003, 0.05),
        wave_ago_ms=rng.uniform(20, 400) * DAY_MS,
        wave_share=rng.uniform(0.02, 0.08) if has_wave else 0.0,
        median_followers=rng.uniform(40, 160),
        follower_spread=rng.uniform(1.5, 2.1),
    )


def electorate(rng: np.random.Generator, platform: Platform, ids: Ids, size: int, now_ms: int) -> Electorate:
    """Return people of whom most vote once in a while, and some in everything."""
    who = people(rng, platform, ids.take(size), now_ms)
    country, client = _numbers(who.country, platform.countries), _numbers(who.client, CLIENTS)
    return Electorate(who, country, client, now_ms - who.created_ms, rng.lognormal(0, 1.1, size))


def _numbers(names: Names, known: Sequence[str] | Names) -> Int64s:
    order = {name: number for number, name in enumerate(known)}
    return np.array([order[name] for name in names.tolist()], dtype=np.int64)


def people(rng: np.random.Generator, platform: Platform, ids: Names, now_ms: int) -> People:
    """Return people who have nothing in common but the platform."""
    size = len(ids)
    country = rng.choice(len(platform.countries), size, p=platform.country_share)
    return People(
        account_id=ids,
        created_ms=now_ms - ages_ms(rng, platform, size),
        followers=rng.lognormal(np.log(platform.median_followers), platform.follower_spread, size).astype(np.int64),
        client=clients(rng, platform, size),
        network=_networks(rng, platform, country),
        country=platform.countries[country],
    )


def ages_ms(rng: np.random.Generator, platform: Platform, size: int) -> Int64s:
    """Return ages of accounts: gamma around the median, a few of the last weeks, and one week's wave."""
    shape = 1 / platform.age_spread**2
    old = rng.gamma(shape, platform.median_age_ms / shape, size) * 1.15
    kind = rng.random(size)
    fresh = rng.lognormal(np.log(10 * DAY_MS), 1.2, size)
    wave = platform.wave_ago_ms + rng.gamma(2.0, 2 * DAY_MS, size)
    age = np.where(kind < platform.fresh_share, fresh, old)
    age = np.where(kind > 1 - platform.wave_share, wave, age)
    return np.clip(age, 60_000, 15 * YEAR_MS + rng.uniform(0, 180 * DAY_MS, size)).astype(np.int64)


def clients(rng: np.random.Generator, platform: Platform, size: int) -> Names:
    """Return the application each of so many people uses."""
    return np.array(CLIENTS, dtype=object)[rng.choice(len(CLIENTS), size, p=platform.client_share)]


def _networks(rng: np.random.Generator, platform: Platform, country: Int64s) -> Names:
    """Few networks carry many people and many carry a few; on some platforms each belongs to one country."""
    nations = len(platform.countries) if platform.national_networks else 1
    fall = np.arange(1, platform.networks // nations + 1) ** -platform.network_fall
    rank = rng.choice(len(fall), len(country), p=fall / fall.sum())
    number = rank * nations + country % nations
    return np.array([f"n{one}" for one in number.tolist()], dtype=object)
