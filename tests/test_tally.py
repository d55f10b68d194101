"""Of several votes of one account in one poll the last counts, whenever it came; against a dict."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from columns_by_hand import Event, block_of
from hypothesis import example, given
from hypothesis import strategies as st

from detectors.columns import Int64s, hashes, int32s, int64s
from detectors.polls import PollBook
from detectors.senders import unknown_senders
from detectors.strings import strings
from detectors.tallies_at import TalliesAt
from detectors.tally import Tally, TallyChange
from detectors.waiting_rows import Sequence

OPTIONS = 3
POLLS = 2


@dataclass(frozen=True, order=True)
class Vote:
    """A vote in its place of the sequence; `option` is a cell of its poll."""

    effective_ms: int
    event: int
    ts_ms: int
    account: int
    poll: int
    option: int

    @property
    def cell(self) -> int:
        return self.poll * OPTIONS + self.option

    @property
    def rank(self) -> tuple[int, int]:
        return self.ts_ms, self.event


@st.composite
def sequences(draw: st.DrawFn) -> list[Vote]:
    """Few accounts that vote often, many of them late, in the order in which a shard releases them."""
    seed, count = draw(st.integers(0, 10**6)), draw(st.integers(0, 120))
    late_share, accounts = draw(st.sampled_from([0.0, 0.2, 0.8])), draw(st.integers(1, 12))
    rng = np.random.default_rng(seed)
    events = rng.permutation(count)
    votes = []
    for event in events.tolist():
        ts_ms = int(rng.integers(0, 40))
        delay_ms = int(rng.integers(1, 40)) if rng.random() < late_share else 0
        account, poll, option = (int(rng.integers(0, n)) for n in (accounts, POLLS, OPTIONS))
        votes.append(Vote(ts_ms + delay_ms, event, ts_ms, account, poll, option))
    return sorted(votes)


def count(tally: Tally, votes: list[Vote]) -> TallyChange:
    columns = Sequence(
        int64s([v.effective_ms for v in votes]),
        int64s([v.ts_ms for v in votes]),
        hashes([v.event << 44 for v in votes]),
        hashes([v.account for v in votes]),
        int32s([0] * len(votes)),
        int64s([0] * len(votes)),
        unknown_senders(strings([str(v.account) for v in votes])),
    )
    return tally.count(columns, int32s([v.cell for v in votes]), int64s([v.poll + 1 for v in votes]))


def runs_of(votes: list[Vote], cuts: list[int]) -> list[list[Vote]]:
    """Cut by time: votes with one effective time are always released together."""
    bounds = [-1, *sorted(set(cuts)), 10**6]
    return [[v for v in votes if a <= v.effective_ms < b] for a, b in pairwise(bounds)]


def applied(counts: Int64s, change: TallyChange) -> None:
    np.add.at(counts, change.cell, 1)
    np.subtract.at(counts, change.left[change.left >= 0], 1)


def champions(votes: list[Vote]) -> dict[tuple[int, int], Vote]:
    best: dict[tuple[int, int], Vote] = {}
    for vote in votes:
        voter = vote.account, vote.poll
        if voter not in best or vote.rank > best[voter].rank:
            best[voter] = vote
    return best


def oracle(votes: list[Vote]) -> list[int]:
    counts = [0] * (OPTIONS * POLLS)
    for vote in champions(votes).values():
        counts[vote.cell] += 1
    return counts


@given(sequences(), st.lists(st.integers(0, 80), max_size=8))
def test_the_last_vote_by_time_and_event_counts_however_the_votes_arrived_and_were_cut(
    votes: list[Vote], cuts: list[int]
) -> None:
    tally, counts, revotes = Tally(), np.zeros(OPTIONS * POLLS, np.int64), 0
    known: set[tuple[int, int]] = set()
    for run in runs_of(votes, cuts):
        change = count(tally, run)
        for vote, first in zip(run, change.first.tolist(), strict=True):
            assert first == ((vote.account, vote.poll) not in known)
            known.add((vote.account, vote.poll))
        applied(counts, change)
        revotes += change.revotes
    assert counts.tolist() == oracle(votes)
    assert len(tally) == len(champions(votes))
    assert revotes == len(votes) - len(champions(votes))


@given(sequences(), st.integers(0, 80), st.integers(0, 80))
def test_the_standing_at_any_moment_inside_a_run_is_that_of_the_votes_before_it(
    votes: list[Vote], cut: int, at_ms: int
) -> None:
    tally, counts = Tally(), np.zeros(OPTIONS * POLLS, np.int64)
    for run in runs_of(votes, [cut]):
        change = count(tally, run)
        seen = change.effective_ms < at_ms
        part = TallyChange(change.effective_ms[seen], change.cell[seen], change.left[seen], 0, change.first)
        applied(counts, part)
    assert counts.tolist() == oracle([v for v in votes if v.effective_ms < at_ms])


@given(sequences(), st.integers(0, 80))
def test_a_restored_tally_goes_on_as_if_nothing_had_happened(votes: list[Vote], cut: int) -> None:
    tally, restored, counts = Tally(), Tally(), np.zeros(OPTIONS * POLLS, np.int64)
    before, after = runs_of(votes, [cut])
    applied(counts, count(tally, before))
    restored.restore(tally.snapshot())
    applied(counts, count(restored, after))
    assert counts.tolist() == oracle(votes)


@given(sequences())
def test_forgotten_polls_leave_and_the_others_stay(votes: list[Vote]) -> None:
    tally, counts = Tally(), np.zeros(OPTIONS * POLLS, np.int64)
    count(tally, votes)
    tally.forget(int64s([1]))
    assert len(tally) == len([poll for _, poll in champions(votes) if poll == 1])
    again = [Vote(v.effective_ms + 1_000, v.event + 1_000, v.ts_ms + 1_000, v.account, v.poll, 0) for v in votes]
    change = count(tally, again)
    applied(counts, change)
    first_votes = Counter(vote.poll for vote in champions(again).values())
    assert counts[0] == first_votes[0], "the forgotten poll's voters vote for the first time"
    assert counts[OPTIONS:].sum() == 0, "the other poll's voters only changed their votes"


def test_the_table_may_grow_in_the_middle_of_a_run() -> None:
    tally, counts, votes = Tally(), np.zeros(OPTIONS * POLLS, np.int64), list[Vote]()
    for start in range(0, 20_000, 2_500):
        accounts = [*range(max(0, start - 1_000), start + 2_100), *range(start, start + 400)]
        run = [Vote(start + i, start + i, start + i, account, 0, (account + i) % OPTIONS) for i, account in enumerate(accounts)]
        applied(counts, count(tally, run))
        votes += run
        assert counts.tolist() == oracle(votes), f"after {len(votes)} votes"


def test_a_voter_costs_what_the_docstring_says() -> None:
    tally = Tally()
    for start in range(0, 200_000, 10_000):
        count(tally, [Vote(start + i, start + i, start + i, start + i, 0, 0) for i in range(10_000)])
        assert 28 <= tally.nbytes / len(tally) <= 44


@given(sequences(), st.integers(0, 81))
@example([Vote(5, 1, 5, 1, 0, 0), Vote(6, 2, 6, 1, 0, 1)], 6)
def test_tallies_name_the_options_that_have_votes(votes: list[Vote], at_ms: int) -> None:
    """Votes for three options of two polls, entered in one book; what stood before the run counts too."""
    book, tally = PollBook(), Tally()
    names = book.names(block_of("s", 0, 6, [Event(i, 0, i, poll=f"p{i // 3}", option=f"o{i % 3}") for i in range(6)]).rows)
    _, cells = book.enter(names)
    assert cells.tolist() == list(range(6))
    before, run = runs_of(votes, [20])
    applied(book.votes, count(tally, before))
    at = TalliesAt(book, count(tally, run))
    counts = oracle([v for v in votes if v.effective_ms < 20 or v.effective_ms < at_ms])
    for poll in range(POLLS):
        of_poll = {f"o{option}": counts[poll * OPTIONS + option] for option in range(OPTIONS)}
        assert at.at(poll, at_ms) == {name: votes for name, votes in of_poll.items() if votes}
