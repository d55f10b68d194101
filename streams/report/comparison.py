"""What the named accounts share, beside what others share who voted in the same polls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from streams.report.sample import Sample, Vote
from streams.report.words import percent

_DAY_MS = 86_400_000
LEAST_VOTES = 10
"""Below so many votes on either side there is no comparison."""


@dataclass(frozen=True, slots=True)
class Line:
    """One trait in words, for the named accounts' votes and the others'."""

    trait: str
    named: str
    others: str


def comparison(sample: Sample) -> list[Line]:
    """Return what is known of at least half of the votes on both sides, a line each; texts are as they came."""
    named = [vote for vote in sample.votes if vote.named]
    others = [vote for vote in sample.votes if not vote.named]
    if min(len(named), len(others)) < LEAST_VOTES:
        return []
    lines: list[Line] = []
    for trait, known, say in _TRAITS:
        sides = [[vote for vote in side if known(vote)] for side in (named, others)]
        if all(2 * len(some) >= len(side) for some, side in zip(sides, (named, others), strict=True)):
            # as many of both: more votes would show more networks
            size = min(map(len, sides))
            lines.append(Line(trait, say(_thinned(sides[0], size)), say(_thinned(sides[1], size))))
    return lines


def _thinned(votes: list[Vote], size: int) -> list[Vote]:
    return [votes[number * len(votes) // size] for number in range(size)]


def _ages(votes: list[Vote]) -> str:
    ages = sorted((vote.at_ms - (vote.created_ms or 0)) / _DAY_MS for vote in votes)
    low, middle, high = (ages[len(ages) * part // 20] for part in (1, 10, 19))
    return f"{_age(middle)} (nine of ten: {_age(low)} to {_age(high)})"


def _age(days: float) -> str:
    if days >= 730:
        return f"{days / 365:.1f} years"
    return f"{days:.0f} days" if days >= 10 else f"{days:.1f} days" if days >= 1 else f"{days * 24:.1f} h"


def _followers(votes: list[Vote]) -> str:
    counts = sorted(vote.followers or 0 for vote in votes)
    return f"{counts[len(counts) // 2]:,}"


def _most(of: Callable[[Vote], str | None]) -> Callable[[list[Vote]], str]:
    def say(votes: list[Vote]) -> str:
        counts = Counter(of(vote) for vote in votes)
        name, votes_of = min(counts.items(), key=lambda item: (-item[1], str(item[0])))
        return f"{name} ({percent(votes_of / len(votes))})"

    return say


def _networks(votes: list[Vote]) -> str:
    return f"{len({vote.network for vote in votes}):,} for {len(votes):,} votes"


def _linked(votes: list[Vote]) -> str:
    return percent(sum(vote.referrer is not None for vote in votes) / len(votes))


_TRAITS: tuple[tuple[str, Callable[[Vote], bool], Callable[[list[Vote]], str]], ...] = (
    ("Account age, middle one", lambda vote: vote.created_ms is not None, _ages),
    ("Followers, middle one", lambda vote: vote.followers is not None, _followers),
    ("Commonest client", lambda vote: vote.client is not None, _most(lambda vote: vote.client)),
    ("Commonest country", lambda vote: vote.country is not None, _most(lambda vote: vote.country)),
    ("Different networks", lambda vote: vote.network is not None, _networks),
    ("Came through a link", lambda vote: True, _linked),
    ("Commonest answer", lambda vote: True, _most(lambda vote: vote.option)),
)
