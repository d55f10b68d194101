"""The traffic on which all detectors must keep the contract: an hour of people, and an attack of each kind among them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from ballots_by_hand import START_MS, ballots_of, seconds, together

from detectors.columns import Bools, Floats, Int64s
from detectors.senders import NO_CODE, NO_COUNT, NO_COUNTRY, NO_TIME_MS, SKETCH_WIDTH
from detectors.sketch import sketch
from detectors.watcher import Ballots

SEED = 20
LENGTH_S = 3_600
POLLS = 12
DAY_MS = 86_400_000
_PEOPLE = 9_000
_TEXTS = [
    "every honest neighbour of mine already voted against this shameful plan because of the harbour",
    "look at what the ministry promised last winter and count how little of it was ever built here",
    "my grandmother said the same thing forty years ago and nobody in the capital listened then either",
    "if they really wanted our opinion they would publish the whole contract before asking the people",
    "ask yourself who earns money when this poll ends the way the newspapers want it to end tonight",
    "the only sensible answer is the second one and everybody who lives by the river knows it well",
]


@cache
def people() -> Ballots:
    """Return an hour of people: each poll at its own pace, one of them with a celebrity's crowd."""
    rng = np.random.default_rng(SEED)
    at_s = [rng.uniform(0, LENGTH_S, rng.poisson(LENGTH_S * rng.uniform(0.05, 0.25))) for _ in range(POLLS)]
    crowd_s = 1_500 + rng.pareto(1.0, 900) * 30
    at_s[POLLS - 1] = np.concatenate([at_s[POLLS - 1], crowd_s[crowd_s < LENGTH_S]])
    parts = []
    for poll, times in enumerate(at_s):
        who = rng.choice(_PEOPLE, len(times), replace=False)
        parts.append(_sent(rng, times, poll, rng.integers(0, 3, len(times)), who))
    said = _sent(rng, rng.uniform(0, LENGTH_S, 60), 3, -1, rng.choice(_PEOPLE, 60, replace=False))
    return together([*parts, said])


@cache
def attacked() -> Ballots:
    """Return the same hour with a flood, a hijack like clockwork, accounts in lockstep, and a swarm that copies texts."""
    rng = np.random.default_rng(SEED + 1)
    return together([people(), _flood(rng), _clock(rng), *_lockstep(rng), *_swarm(rng)])


def without_fields(rows: Ballots, which: Bools | slice = slice(None)) -> Ballots:
    """Return rows of which all that is optional is not said, or not by the chosen rows."""
    nothing = {
        "created_ms": NO_TIME_MS,
        "followers": NO_COUNT,
        "client": NO_CODE,
        "network": NO_CODE,
        "country": NO_COUNTRY,
        "referrer": NO_CODE,
        "sketch": 0,
    }
    columns = {name: getattr(rows.sender, name).copy() for name in nothing}
    for name, missing in nothing.items():
        columns[name][which] = missing
    return replace(rows, sender=replace(rows.sender, **columns))


def _sent(
    rng: np.random.Generator, at_s: Floats, poll: int, option: object, who: Int64s, text: list[str] | None = None
) -> Ballots:
    """Return rows of these accounts; what an account is follows from its number, people and scripts alike."""
    n = len(at_s)
    face = np.random.default_rng(SEED + 2)
    ages_ms = (face.lognormal(np.log(1_400), 1.0, 1 << 15) * DAY_MS).astype(np.int64)
    number = np.asarray(who) % (1 << 15)
    draws = face.random((4, 1 << 15))
    return ballots_of(
        seconds(at_s),
        poll=poll,
        option=option,
        account=np.asarray(who),
        created_ms=START_MS - ages_ms[number],
        followers=np.exp(4.5 + 1.5 * face.standard_normal(1 << 15))[number].astype(np.int32),
        client=np.searchsorted([0.45, 0.8, 0.95, 0.98], draws[0][number]).astype(np.uint32) + 1,
        network=(1 + 3_000 * draws[1][number] ** 3).astype(np.uint32),
        country=(draws[2][number] ** 2 * 12).astype(np.int16),
        referrer=np.where(rng.random(n) < 0.2, rng.integers(1, 50, n), NO_CODE).astype(np.uint32),
        sketch=sketch(text) if text else np.zeros((n, SKETCH_WIDTH), np.uint32),
    )


def _flood(rng: np.random.Generator) -> Ballots:
    n = 1_500
    rows = _sent(rng, rng.uniform(2_000, 2_120, n), 0, 1, np.arange(n) + 100_000)
    return replace(
        rows,
        sender=replace(
            rows.sender,
            created_ms=START_MS - rng.integers(DAY_MS, 3 * DAY_MS, n),
            followers=rng.poisson(3, n).astype(np.int32),
            client=np.full(n, 3, np.uint32),
            network=rng.integers(9_000, 9_060, n).astype(np.uint32),
            referrer=np.zeros(n, np.uint32),
        ),
    )


def _clock(rng: np.random.Generator) -> Ballots:
    at_s = 1_000 + (np.arange(1_500) + rng.uniform(-1, 1, 1_500)) * 0.133
    return _sent(rng, at_s, 1, 2, np.arange(1_500) + 200_000)


def _lockstep(rng: np.random.Generator) -> list[Ballots]:
    who = np.arange(80) + 300_000
    return [_sent(rng, 400 * poll + rng.uniform(0, 15, 80), poll, 0, who) for poll in range(2, 9)]


def _swarm(rng: np.random.Generator) -> list[Ballots]:
    parts = []
    for poll in range(4, 11):
        who = rng.choice(60, 50, replace=False) + 400_000
        at_s = 300 * poll + rng.uniform(0, 600, len(who))
        text = [f"@user{name} {_TEXTS[number]} #now" for name, number in rng.integers((900, len(_TEXTS)), size=(50, 2))]
        parts += [_sent(rng, at_s, poll, 1, who), _sent(rng, at_s + 1, poll, -1, who, text)]
    return parts
