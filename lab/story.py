"""The story of the demo: a poll, a crowd sent to it by another poll, and a script that hides in the crowd. All invented.

After 3 October 2022, when a poll about a peace plan drew 2.6 million answers, mostly no, its owner spoke of a bot attack,
and a head of state answered with a poll of his own and sent real people; here far smaller and in three minutes.

    0 s    a dozen polls and the peace plan, each at its own steady rate
    60 s   the president asks his own question: a crowd of his followers
    72 s   many of them go on to the peace plan and say no there
    115 s  a script begins: accounts of one week say no to the peace plan at a constant rate, for 40 s
    180 s  the end, in the long tail of the crowds
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from lab.arrivals import crowd, scripted, steady
from lab.people import Names, People, account_ids, audience, pick, script_accounts
from lab.tell import Acts, Event, labels, tell
from lab.words import replies

PEACE_PLAN = "peace-plan"
PRESIDENT = "presidents-question"
BACKGROUND_POLLS = 12
LENGTH_MS = 180_000
PRESIDENT_ASKS_MS = 60_000
CROWD_MOVES_MS = 72_000
SCRIPT_BEGINS_MS, SCRIPT_ENDS_MS = 115_000, 155_000

BYSTANDERS = 40_000
FOLLOWERS = 50_000
SCRIPT_ACCOUNTS = 12_000
REPLY_SHARE = 0.06

WORLD = {
    "US": 0.34,
    "GB": 0.1,
    "IN": 0.1,
    "BR": 0.08,
    "DE": 0.07,
    "CA": 0.06,
    "JP": 0.06,
    "FR": 0.05,
    "NG": 0.04,
}
NEIGHBOURS = {
    "UA": 0.38,
    "PL": 0.12,
    "US": 0.11,
    "DE": 0.09,
    "GB": 0.08,
    "CZ": 0.05,
    "LT": 0.04,
    "CA": 0.04,
    "FR": 0.04,
}


@dataclass(frozen=True, slots=True)
class Story:
    """`events` in arrival order, as votes and replies of a recording, and the truth about them in `labels`.

    The labels name the attacks, the accounts and votes of each, every poll, and the surges that are no attack
    (`hard_negatives`).
    """

    events: list[Event]
    labels: dict[str, object]


def story(seed: int, start_ms: int, scale: float = 1.0) -> Story:
    """Tell the story with about 78,000 * `scale` events, the first just after `start_ms`; the same seed tells the same story."""
    rng = np.random.default_rng(seed)
    sizes = [round(size * scale) for size in (BYSTANDERS, FOLLOWERS, SCRIPT_ACCOUNTS)]
    names = np.split(account_ids(rng, sum(sizes)), np.cumsum(sizes)[:-1])
    people = audience(rng, names[0], WORLD, start_ms)
    followers = audience(rng, names[1], NEIGHBOURS, start_ms)
    script = script_accounts(rng, names[2], start_ms)
    asks_ms, moves_ms = start_ms + PRESIDENT_ASKS_MS, start_ms + CROWD_MOVES_MS
    organic = [
        *_background(rng, people, start_ms, scale),
        _trickle(rng, people, PEACE_PLAN, start_ms, 30 * scale, {"yes": 0.45, "no": 0.55}),
        _crowd(rng, followers, PRESIDENT, asks_ms, {"with-us": 0.93, "against": 0.07}),
        _crowd(rng, followers, PEACE_PLAN, moves_ms, {"no": 0.94, "yes": 0.06}),
    ]
    acts = [*organic, *(_replies_to(rng, votes) for votes in organic), _script(rng, script, start_ms)]
    told = tell(rng, acts, start_ms + LENGTH_MS)
    surges: list[dict[str, object]] = [
        {"kind": "celebrity", "poll_id": PRESIDENT, "start": asks_ms},
        {"kind": "celebrity", "poll_id": PEACE_PLAN, "start": moves_ms},
    ]
    return Story(told.events, labels(told, surges))


def _background(rng: np.random.Generator, people: People, start_ms: int, scale: float) -> list[Acts]:
    rates = rng.uniform(1, 6, BACKGROUND_POLLS) * scale
    options = [{"yes": 0.5, "no": 0.5}, {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1}]
    return [
        _trickle(rng, people, f"poll-{number:02d}", start_ms, rate, options[number % 2])
        for number, rate in enumerate(rates.tolist(), 1)
    ]


def _trickle(
    rng: np.random.Generator,
    people: People,
    poll_id: str,
    start_ms: int,
    per_s: float,
    options: Mapping[str, float],
) -> Acts:
    ts_ms = steady(rng, start_ms, start_ms + LENGTH_MS, per_s)[: len(people)]
    who = people.rows(rng.choice(len(people), len(ts_ms), replace=False))
    seen_at: dict[str, float] = {"": 0.7, f"post-{poll_id}": 0.25, "search": 0.05}
    return Acts(poll_id, who, ts_ms, pick(rng, options, len(ts_ms)), pick(rng, seen_at, len(ts_ms)))


def _crowd(
    rng: np.random.Generator, followers: People, poll_id: str, start_ms: int, options: Mapping[str, float]
) -> Acts:
    """Four in five followers come, sooner or later: the later ones after the story's end."""
    who = followers.rows(np.flatnonzero(rng.random(len(followers)) < 0.8))
    ts_ms = crowd(rng, start_ms, len(who), rise_ms=4_000, fade_ms=6_000, shares=300)
    posts = np.array([f"post-{number:x}" for number in rng.integers(0, 2**40, 300)], dtype=object)
    share = 1 / np.arange(1, 301) ** 1.2
    via = posts[rng.choice(300, len(who), p=share / share.sum())]
    via[rng.random(len(who)) < 0.15] = ""
    return Acts(poll_id, who, ts_ms, pick(rng, options, len(who)), via)


def _replies_to(rng: np.random.Generator, votes: Acts) -> Acts:
    """Some of those who voted say something, a few seconds later."""
    rows = np.flatnonzero(rng.random(len(votes)) < REPLY_SHARE)
    later_ms = rng.lognormal(9, 0.8, len(rows)).astype(np.int64)
    return replace(
        votes,
        who=votes.who.rows(rows),
        ts_ms=votes.ts_ms[rows] + later_ms,
        said=replies(rng, len(rows)),
        via=votes.via[rows],
        type="reply",
    )


def _script(rng: np.random.Generator, accounts: People, start_ms: int) -> Acts:
    ts_ms = scripted(rng, start_ms + SCRIPT_BEGINS_MS, start_ms + SCRIPT_ENDS_MS, len(accounts))
    nothing: Names = np.full(len(accounts), "", dtype=object)
    return Acts(
        PEACE_PLAN, accounts, ts_ms, np.full(len(accounts), "no", dtype=object), nothing, kind="flood"
    )
