"""People and scripts by hand, as rows with all that is known of senders: for tests of who voted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from ballots_by_hand import START_MS, ballots_of, seconds, together

from detectors.columns import Floats
from detectors.senders import NO_CODE, NO_COUNT, NO_COUNTRY, NO_TIME_MS
from detectors.watcher import Ballots

DAY_MS = 86_400_000
LENGTH_S = 3_000.0
BEGINS_S = 1_500.0
POLLS = 8
SURGING = POLLS - 1
SCRIPT = 1 << 40
"""Numbers of accounts from here on belong to a script."""

_CLIENTS = np.array([11, 12, 13, 14], np.uint32)
_NOTHING = {
    "created_ms": NO_TIME_MS,
    "followers": NO_COUNT,
    "client": NO_CODE,
    "network": NO_CODE,
    "country": NO_COUNTRY,
    "referrer": NO_CODE,
}


def people(rng: np.random.Generator, at_s: Floats, poll: int, **known: Any) -> Ballots:
    """Return a vote of a person at each time; `known` sets columns of their senders."""
    n = len(at_s)
    sender = {
        "created_ms": START_MS - (rng.lognormal(np.log(1_400), 1.1, n) * DAY_MS).astype(np.int64),
        "followers": rng.lognormal(np.log(90), 1.5, n).astype(np.int32),
        "client": rng.choice(_CLIENTS, n, p=[0.45, 0.35, 0.15, 0.05]),
        "network": (1 + rng.zipf(1.3, n) % 5_000).astype(np.uint32),
        "country": rng.integers(0, 12, n).astype(np.int16),
        "referrer": np.where(rng.random(n) < 0.2, rng.integers(1, 60, n), 0).astype(np.uint32),
    }
    accounts = rng.choice(1 << 30, n, replace=False)
    return ballots_of(seconds(at_s), poll, rng.integers(0, 3, n), accounts, **(sender | known))


def script(rng: np.random.Generator, at_s: Floats, poll: int, young_d: float, old_d: float, networks: int) -> Ballots:
    """Return a script's votes: one client, accounts made from `old_d` to `young_d` days ago, on few networks (0: anybody's)."""
    n = len(at_s)
    rows = people(rng, np.sort(at_s), poll)
    born = START_MS - (rng.uniform(young_d, old_d, n) * DAY_MS).astype(np.int64)
    network = 900_000 + rng.integers(0, networks, n) if networks else rows.sender.network
    sender = replace(
        rows.sender,
        created_ms=born,
        client=np.full(n, 12, np.uint32),
        network=np.asarray(network, np.uint32),
        followers=rng.poisson(6, n).astype(np.int32),
        referrer=np.zeros(n, np.uint32),
    )
    ids = ballots_of(np.zeros(n), account=SCRIPT + rng.choice(1 << 30, n, replace=False))
    option = np.where(rng.random(n) < 0.95, 1, rows.option).astype(np.int32)
    return replace(
        rows, option=option, account=ids.account, sender=replace(sender, account_ids=ids.sender.account_ids)
    )


def ordinary(rng: np.random.Generator) -> Ballots:
    """Return 50 minutes of polls at their own pace, one to six votes in 10 s."""
    paces = rng.uniform(0.1, 0.6, POLLS)
    return together(
        [people(rng, rng.uniform(0, LENGTH_S, rng.poisson(pace * LENGTH_S)), poll) for poll, pace in enumerate(paces)]
    )


def celebrity(rng: np.random.Generator, votes: int = 1_200) -> Ballots:
    """Return a crowd that one post sent: two countries, one answer, sharp on and slowly off."""
    at_s = BEGINS_S + rng.pareto(1.0, votes) * 40
    at_s = at_s[at_s < LENGTH_S]
    n = len(at_s)
    referrer = np.where(rng.random(n) < 0.6, 777, 0).astype(np.uint32)
    rows = people(rng, at_s, SURGING, country=rng.integers(0, 2, n).astype(np.int16), referrer=referrer)
    return replace(rows, option=np.where(rng.random(n) < 0.9, 2, rows.option).astype(np.int32))


def television(rng: np.random.Generator) -> Ballots:
    """Return a plateau of 80 s that is switched on, and what follows."""
    return people(rng, np.append(rng.uniform(0, 80, 1_500), 80 + rng.exponential(120, 700)) + BEGINS_S, SURGING)


def campus(rng: np.random.Generator) -> Ballots:
    """Return people of one country on one network."""
    n = 600
    country = np.full(n, 3, np.int16)
    return people(rng, rng.uniform(BEGINS_S, BEGINS_S + 400, n), SURGING, network=np.full(n, 999, np.uint32), country=country)


def newcomers(rng: np.random.Generator) -> Ballots:
    """Return people who joined within the last days, most within the hour."""
    at_s = rng.uniform(BEGINS_S, LENGTH_S, 1_500)
    ages_ms = (np.minimum(rng.lognormal(np.log(0.03), 1.2, len(at_s)), 3) * DAY_MS).astype(np.int64)
    return people(rng, at_s, SURGING, created_ms=START_MS + seconds(at_s) - ages_ms, followers=rng.poisson(3, len(at_s)).astype(np.int32))


def one_client(rng: np.random.Generator) -> Ballots:
    """Return people whom a link within one application sent."""
    n = 800
    return people(rng, rng.uniform(BEGINS_S, BEGINS_S + 600, n), SURGING, client=np.full(n, 13, np.uint32))


def flood(rng: np.random.Generator) -> Ballots:
    """Return 2,000 new accounts in two minutes."""
    return script(rng, rng.uniform(BEGINS_S, BEGINS_S + 120, 2_000), SURGING, 0.5, 4, 40)


def undercover(rng: np.random.Generator) -> Ballots:
    """Return 1,200 accounts that were made in four days 80 days ago, beside a celebrity's crowd."""
    return script(rng, rng.uniform(BEGINS_S, BEGINS_S + 240, 1_200), SURGING, 80, 84, 40)


def drip(rng: np.random.Generator) -> Ballots:
    """Return 900 accounts of less than 100 days at a constant rate, on networks like anybody's."""
    return script(rng, rng.uniform(600, LENGTH_S, 900), SURGING, 0, 100, 0)


def pulse(rng: np.random.Generator) -> Ballots:
    """Return 84 accounts of one country within 25 s, on twelve networks."""
    rows = script(rng, rng.uniform(BEGINS_S, BEGINS_S + 25, 84), SURGING, 116, 384, 12)
    return replace(rows, sender=replace(rows.sender, country=np.full(84, 7, np.int16)))


def without(rows: Ballots, *names: str) -> Ballots:
    """Return rows that do not tell these properties."""
    columns = {name: np.full_like(getattr(rows.sender, name), _NOTHING[name]) for name in names}
    return replace(rows, sender=replace(rows.sender, **columns))
