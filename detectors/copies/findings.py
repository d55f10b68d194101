"""What the detector of copied replies says of a swarm. It must not know how the swarm was found."""

from __future__ import annotations

import numpy as np

from detectors.copies.memory import Votes
from detectors.copies.trial import Swarm
from detectors.findings import Evidence, rounded
from detectors.watcher import Suspected

CORE_SCORE = 0.99
"""Of an account that copied in two polls or more."""
ONCE_SCORE = 0.9
"""Of one that copied a text of a swarm once."""


def named(swarm: Swarm) -> dict[int, float]:
    """Return the score of each account of a swarm."""
    accounts = np.unique(swarm.copies.account)
    scores = np.where(np.isin(accounts, swarm.core), CORE_SCORE, ONCE_SCORE)
    return dict(zip(accounts.tolist(), scores.tolist(), strict=True))


def suspects(swarm: Swarm, votes: Votes) -> tuple[Suspected, ...]:
    """Return the votes of a swarm's accounts in each poll it works.

    Below, every fiftieth may be somebody else's; above, so many may not have been found as copy less often than they came.
    """
    mine = np.isin(votes["account"], swarm.copies.account)
    found = []
    for poll in swarm.polls.tolist():
        options, counts = np.unique(votes["option"][mine & (votes["poll"] == poll)], return_counts=True)
        total = int(counts.sum())
        if total:
            low = max(0.98 * total - 1, 0.0)
            high = total / max(swarm.least_return, 0.5) + 1
            by_option = dict(zip(options.tolist(), counts.astype(float).tolist(), strict=True))
            found.append(Suspected(poll, float(total), rounded(low), rounded(high), by_option))
    return tuple(found)


def evidence(swarm: Swarm, suspected: tuple[Suspected, ...]) -> tuple[Evidence, ...]:
    """Return sentences for both sides; the first one holds the numbers the score is made of."""
    accounts = len(np.unique(swarm.copies.account))
    return (
        _returning(swarm, accounts),
        _their_words(swarm),
        *_their_votes(suspected),
        _once(swarm, accounts),
    )


def _returning(swarm: Swarm, accounts: int) -> Evidence:
    sentence = (
        f"{accounts} accounts copied from {len(swarm.texts)} long texts in {len(swarm.polls)} polls: of {swarm.came} times that one "
        f"of them voted in another of these polls, {swarm.again} came with a copy again, where {swarm.expected:.3g} would "
        f"if the copies were anybody's (chance {swarm.p_value:.2g})."
    )
    return Evidence(
        "copies", "coordinated", sentence, float(swarm.again), rounded(swarm.expected), rounded(swarm.p_value)
    )


def _their_words(swarm: Swarm) -> Evidence:
    share = len(swarm.copies) / swarm.written
    sentence = f"{share:.0%} of the {swarm.written} long replies of these accounts are copies of the same {len(swarm.texts)} texts."
    return Evidence("copies", "coordinated", sentence, float(len(swarm.copies)), None, None)


def _their_votes(suspected: tuple[Suspected, ...]) -> list[Evidence]:
    votes = sum(poll.votes for poll in suspected)
    if not votes:
        return []
    one_option = sum(max(poll.options.values()) for poll in suspected)
    sentence = f"{one_option / votes:.0%} of their {votes:,.0f} votes went to one option in each poll."
    return [Evidence("copies", "coordinated", sentence, one_option, None, None)]


def _once(swarm: Swarm, accounts: int) -> Evidence:
    once = accounts - len(swarm.core)
    sentence = (
        f"{once} of these {accounts} accounts copied in one poll only, as people do who share a text that goes round. "
        "How old the accounts are and where they come from was not looked at here."
    )
    return Evidence("copies", "organic", sentence, float(once), None, None)
