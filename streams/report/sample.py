"""What of a recording is kept to draw a case: bounded, whatever the recording holds. Pure data; how to get it, others know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

MOST_NAMED, MOST_OTHERS = 360, 240
"""Votes kept of a case one by one: of named accounts, and of others who voted in the same polls, at the time if possible."""
MOST_QUOTES = 6
QUOTE_CHARS = 280
MOST_POLLS_OF_A_CASE = 24
MOST_BARS = 160


@dataclass(frozen=True, slots=True)
class Wanted:
    """A case to be looked at: its polls (the first is drawn), when it was (event time), and the accounts it names."""

    case_id: str
    poll_ids: list[str]
    start_ms: int
    end_ms: int
    account_ids: Collection[str]


@dataclass(frozen=True, slots=True)
class Vote:
    """One vote; what the record didn't say is None."""

    poll_id: str
    at_ms: int
    named: bool
    option: str
    created_ms: int | None
    followers: int | None
    client: str | None
    network: str | None
    country: str | None
    referrer: str | None


@dataclass(frozen=True, slots=True)
class Quote:
    """The beginning of a reply by a named account."""

    account_id: str
    at_ms: int
    text: str


@dataclass(slots=True)
class Near:
    """Votes of a poll about the time of a case: bar k is [start_ms + k * span_ms, + span_ms), MOST_BARS at most."""

    start_ms: int
    span_ms: int
    named: list[int]
    others: list[int]

    @property
    def end_ms(self) -> int:
        """Where the last bar ends."""
        return self.start_ms + len(self.named) * self.span_ms

    def holds(self, at_ms: int) -> bool:
        """Tell whether a time falls into one of the bars."""
        return self.start_ms <= at_ms < self.end_ms


@dataclass(frozen=True, slots=True)
class Sample:
    """About 300 kB at most: `votes` are drawn evenly from all there were, and come in order of time."""

    near: Mapping[str, Near]
    votes: list[Vote]
    quotes: list[Quote]


@dataclass(slots=True)
class Named:
    """The accounts a case names, counted: `victims` look taken over; `reasons` is how many accounts each stands at."""

    accounts: int = 0
    victims: int = 0
    cleared: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
