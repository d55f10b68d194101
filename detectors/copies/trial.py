"""Who copies on with whom: texts that the same accounts copy in poll after poll, weighed against chance. Pure functions.

In a meme many copy one text and go. In a swarm the accounts that copied in one poll copy again in the next, most of
them, and from several texts. So for each poll: of V voters, a copied one of these texts in a poll before; if the n who
copy here were any of the voters, a n / V of them would be among those (hypergeometric). Who comes to which poll is
given, so a community that meets again and again is no evidence; only that it copies again is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, betaincinv

from detectors.columns import Bools, Floats, Hashes, Int32s, Int64s
from detectors.copies.memory import Votes
from detectors.copies.params import CopiesParams
from detectors.copies.texts import united

FEWEST_USERS = 3
"""Accounts that wrote a text before it is one that is copied."""

SETTLED_MS = 180_000
"""A vote so long ago has got its reply, if it was to get one."""

_RARE = 1e-3
_LEAST_P = 1e-300


@dataclass(frozen=True, slots=True)
class Copies:
    """Long replies by account, poll and family of texts (-1 forgotten), each once, and when first."""

    account: Hashes
    poll: Int32s
    text: Int64s
    at_ms: Int64s

    def __len__(self) -> int:
        return len(self.account)

    def take(self, rows: Any) -> Copies:
        """Return the rows that a mask or indices select."""
        return Copies(self.account[rows], self.poll[rows], self.text[rows], self.at_ms[rows])


@dataclass(frozen=True, slots=True)
class Swarm:
    """Texts that the same accounts copy; `copies` are their replies from them, in `polls` in which several did so.

    `core` are the accounts that copied in two polls or more. Of `came` who had copied before and voted in another of the
    polls, `again` copied there, where `expected` would have if it were chance (`p_value`); `least_return` is a lower
    bound of again / came (95 %). `written` counts all long replies of these accounts.
    """

    copies: Copies
    texts: Int64s
    polls: Int32s
    core: Hashes
    came: int
    again: int
    expected: float
    p_value: float
    least_return: float
    written: int
    score: float


def groups(replies: Copies, params: CopiesParams) -> list[Copies]:
    """Return the copies of each group of texts that accounts connect by copying from several, in poll after poll."""
    copies = replies.take(_copied(replies))
    core = _in_two_polls(copies)
    if len(core) < params.fewest_accounts:
        return []
    linked = [_alike(copies.take(np.isin(copies.text, texts))) for texts in _linked(copies, core, params)]
    worked = [group.take(np.isin(group.poll, _worked(group))) for group in linked]
    return [group for group in worked if len(group)]


def judged(
    copies: Copies, written: int, votes: Votes, voters: Int64s, now_ms: int, params: CopiesParams
) -> Swarm:
    """Return how surely a group is a swarm: above 1 it is one.

    Its accounts wrote `written` long replies in all; `votes` are their last ones in each poll, `voters` counts the votes of
    each poll.
    """
    polls = np.unique(copies.poll)
    texts = np.unique(copies.text)
    core = _in_two_polls(copies)
    came, again = _returns(copies, votes, polls, now_ms)
    expected = _expected(copies, polls, came, voters)
    total, back = int(came.sum()), int(again.sum())
    # the sum of draws without replacement is less spread than one of as many independent draws (Hoeffding 1963, section 6)
    p_value = max(float(bdtrc(back - 1, total, expected / total)), _LEAST_P) if back else 1.0
    least = float(betaincinv(back + 0.5, total - back + 0.5, 0.05)) if back else 0.0
    score = min(
        len(texts) / (params.fewest_texts - 1),
        len(core) / (params.fewest_accounts - 1),
        least / params.least_return,
        -np.log10(p_value) / 8,
    )
    return Swarm(copies, texts, polls, core, total, back, expected, p_value, least, written, float(score))


def _copied(replies: Copies) -> Bools:
    """Tell which replies are of a text that several accounts wrote."""
    users = _users(replies)
    texts, count = np.unique(users.text, return_counts=True)
    return np.isin(replies.text, texts[(count >= FEWEST_USERS) & (texts >= 0)])


def _users(copies: Copies) -> Copies:
    """Return the first row of each account with each text."""
    return copies.take(_first_rows(copies.text, copies.account))


def _in_two_polls(copies: Copies) -> Hashes:
    accounts, polls = np.unique(copies.account[_first_rows(copies.account, copies.poll)], return_counts=True)
    return accounts[polls >= 2]


def _worked(copies: Copies) -> Int32s:
    """Return the polls in which several accounts copied."""
    polls, accounts = np.unique(copies.poll[_first_rows(copies.poll, copies.account)], return_counts=True)
    return polls[accounts >= FEWEST_USERS]


def _first_rows(one: NDArray[Any], other: NDArray[Any]) -> Int64s:
    """Return the first row of each pair of values, ascending."""
    order = np.lexsort((other, one))
    new = np.ones(len(order), np.bool_)
    new[1:] = (np.diff(one[order]) != 0) | (np.diff(other[order]) != 0)
    return np.sort(order[new])


def _linked(copies: Copies, core: Hashes, params: CopiesParams) -> list[Int64s]:
    """Return groups of texts that accounts of the core connect, those that are large enough to be a swarm.

    A text with one such account connects nothing. All texts of an account are in one group.
    """
    users = _users(copies.take(np.isin(copies.account, core)))
    _, place, count = np.unique(users.text, return_inverse=True, return_counts=True)
    users = users.take(count[place] >= 2)
    order = np.argsort(users.account, kind="stable")
    text, account = users.text[order], users.account[order]
    same = account[1:] == account[:-1]
    names, root = united(text[1:][same], text[:-1][same])
    text, account = text[np.isin(text, names)], account[np.isin(text, names)]
    _, group, texts = np.unique(root, return_inverse=True, return_counts=True)
    once = np.unique(account, return_index=True)[1]
    accounts = np.bincount(group[np.searchsorted(names, text[once])], minlength=len(texts))
    large = np.flatnonzero((texts >= params.fewest_texts) & (accounts >= params.fewest_accounts))
    return [names[group == one] for one in large.tolist()]


def _alike(copies: Copies) -> Copies:
    """Leave out texts whose users come back less than half as often as those of the rest: memes that a swarm took up."""
    for _ in range(3):
        users = _users(copies)
        back = np.isin(users.account, _in_two_polls(copies))
        texts, place, count = np.unique(users.text, return_inverse=True, return_counts=True)
        returned = np.bincount(place, weights=back, minlength=len(texts))
        usual = _weighted_median(returned / np.maximum(count, 1), count)
        odd = (bdtr(returned, count, usual / 2) < _RARE / max(len(texts), 1)) | (returned < usual / 4 * count)
        if not odd.any():
            break
        copies = copies.take(np.isin(copies.text, texts[~odd]))
    return copies


def _weighted_median(values: Floats, weights: Int64s) -> float:
    if not len(values):
        return 0.0
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])


def _returns(copies: Copies, votes: Votes, polls: Int32s, now_ms: int) -> tuple[Int64s, Int64s]:
    """Return for each poll how many voted in it who had copied in another before, and how many of these copied there."""
    accounts, first = np.unique(copies.account, return_index=True)
    place = np.minimum(np.searchsorted(accounts, votes["account"]), len(accounts) - 1)
    mine = (accounts[place] == votes["account"]) & np.isin(votes["poll"], polls)
    mine &= votes["at_ms"] < now_ms - SETTLED_MS
    began = first[place]
    mine &= (votes["at_ms"] > copies.at_ms[began]) & (votes["poll"] != copies.poll[began])
    pair = _pair(votes["account"][mine], votes["poll"][mine], accounts)
    again = np.isin(pair, _pair(copies.account, copies.poll, accounts))
    number = np.searchsorted(polls, votes["poll"][mine])
    return np.bincount(number, minlength=len(polls)), np.bincount(number[again], minlength=len(polls))


def _expected(copies: Copies, polls: Int32s, came: Int64s, voters: Int64s) -> float:
    """Return how many of those who came would copy again if those who copy were any of a poll's voters."""
    accounts = np.unique(copies.account)
    pairs = np.unique(_pair(copies.account, copies.poll, accounts))
    writing = np.bincount(
        np.searchsorted(polls, _polls_of(pairs)[np.isin(_polls_of(pairs), polls)]), minlength=len(polls)
    )
    size = np.maximum(voters[polls], np.maximum(writing, 1))
    return float((came * np.minimum(writing / size, 1.0)).sum())


def _pair(account: Hashes, poll: Int32s, accounts: Hashes) -> Int64s:
    """Return one number for each account and poll; `accounts` holds all accounts, sorted."""
    return np.searchsorted(accounts, account).astype(np.int64) << 32 | poll.astype(np.int64)


def _polls_of(pairs: Int64s) -> Int64s:
    return pairs & 0xFFFF_FFFF
