"""The parts of the composition detector, each by its own promise."""

from __future__ import annotations

import numpy as np
import pytest
from ballots_by_hand import START_MS, ballots_of
from crowd_traffic import DAY_MS, people
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.columns import Int64s
from detectors.crowd.births import Births, densest
from detectors.crowd.followers import follower_bin
from detectors.crowd.judgement import Trait, judge
from detectors.crowd.log import VoteLog
from detectors.crowd.mixture import Dimension, Split, split
from detectors.crowd.params import CrowdParams
from detectors.crowd.platform import Platform
from detectors.crowd.screen import Chunker
from detectors.crowd.surges import Surge, Surges
from detectors.crowd.window import Votes, born_in, votes_at
from detectors.senders import NO_TIME_MS
from detectors.watcher import Ballots


def platform_of(votes: int, seed: int = 0) -> Platform:
    """Return a platform that has seen so many ordinary votes."""
    rows = people(np.random.default_rng(seed), np.zeros(votes), 0)
    platform = Platform()
    columns = {name: getattr(rows.sender, name) for name in ("client", "network", "country", "referrer")}
    platform.learn({**columns, "follower_bin": follower_bin(rows.sender.followers), "age_ms": rows.effective_ms - rows.sender.created_ms})
    return platform


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), max_size=40), max_size=8))
def test_chunks_are_every_so_many_votes_of_a_poll_however_they_come(calls: list[list[int]]) -> None:
    chunker = Chunker(4, 1_000)
    found: list[tuple[int, int, list[int], int]] = []
    row = 0
    for polls in calls:
        chunks = chunker.add(np.array(polls, np.int32), row)
        found += zip(
            chunks.poll.tolist(), chunks.number.tolist(), chunks.rows.tolist(), chunks.before.tolist(), strict=True
        )
        row += len(polls)
    polls_of_rows = np.array([poll for polls in calls for poll in polls])
    expected = []
    for poll in range(5):
        rows = np.flatnonzero(polls_of_rows == poll).tolist()
        for number in range(len(rows) // 4):
            before = rows[4 * (number - 1)] if number else 0
            expected.append((poll, number, rows[4 * number : 4 * number + 4], before))
    assert found == sorted(expected, key=lambda chunk: chunk[2][-1])


def test_a_vote_that_was_forgotten_before_its_chunk_was_whole_is_left_out() -> None:
    chunker = Chunker(4, 10)
    chunker.add(np.zeros(2, np.int32), 0)
    chunker.add(np.ones(20, np.int32), 2)
    chunks = chunker.add(np.zeros(2, np.int32), 22)
    assert chunks.rows.tolist() == [[23, 23, 22, 23]]


def log_of(parts: int, votes: int, memory: int) -> VoteLog:
    log = VoteLog(memory)
    for part in range(parts):
        log.append(ballots_of(np.arange(votes) + 1_000 * part, np.arange(votes) % 3, account=np.arange(votes) + votes * part))
        log.trim()
    return log


def test_the_log_holds_the_last_votes_and_their_accounts_by_row() -> None:
    log = log_of(parts=50, votes=37, memory=500)
    rows = log.rows_of(1, 0, log.end)
    assert rows[0] >= log.end - 500
    assert rows.tolist() == [row for row in range(log.end - 500, log.end) if row % 37 % 3 == 1]
    assert log.account_ids(rows) == [f"account-{row}" for row in rows.tolist()]
    assert log.get("account", rows).tolist() == rows.tolist()


def test_a_restored_log_goes_on_as_the_one_it_was_taken_from() -> None:
    log, other = log_of(parts=9, votes=37, memory=200), VoteLog(200)
    other.restore(log.snapshot())
    for each in (log, other):
        each.append(ballots_of(np.arange(40) + 90_000, 2))
        each.trim()
    rows = log.rows_of(2, 0, log.end)
    assert other.rows_of(2, 0, other.end).tolist() == rows.tolist()
    assert other.account_ids(rows) == log.account_ids(rows)


def test_a_log_of_many_votes_takes_no_more_than_it_says() -> None:
    log = VoteLog(20_000)
    for part in range(40):
        log.append(ballots_of(np.arange(2_000) + 2_000 * part, 0))
        log.trim()
    assert len(log.column("poll")) == 20_000
    assert sum(column.nbytes for column in log._columns.values()) <= 72 * 2 * 20_000


@pytest.mark.parametrize(("days", "age_d"), [(0.3, 2), (4, 80), (90, 10), (250, 130)])
def test_the_window_in_which_accounts_were_made_together_is_found(days: float, age_d: float) -> None:
    rng = np.random.default_rng(int(age_d))
    burst = START_MS - ((age_d + rng.uniform(0, days, 120)) * DAY_MS).astype(np.int64)
    others = people(rng, np.zeros(120), 0).sender.created_ms
    found = densest(np.concatenate([burst, others]), START_MS, platform_of(4_000))
    assert found is not None
    inside = (burst >= found.from_ms) & (burst <= found.to_ms)
    assert inside.mean() > 0.85
    assert found.days < 1.6 * days + 0.5


def test_ordinary_accounts_have_no_window_that_surprises_much() -> None:
    platform = platform_of(4_000)
    windows = [densest(people(np.random.default_rng(seed), np.zeros(200), 0).sender.created_ms, START_MS, platform) for seed in range(1, 30)]
    assert max(window.surprise for window in windows if window) < 20


def dimension(value: Int64s, codes: int, name: str = "client") -> Dimension:
    return Dimension(name, np.arange(codes), value, np.zeros(codes), np.full(codes, 1 / codes), 75.0, loose=True)


def test_a_value_that_only_one_vote_has_does_not_put_it_into_the_group() -> None:
    rng = np.random.default_rng(3)
    same = np.where(np.arange(400) < 200, 0, rng.integers(1, 5, 400))
    alone = np.arange(400) + 1
    alone[:200] = 0
    found = split([dimension(same, 5), dimension(alone, 401, "network")], np.where(np.arange(400) < 180, 0.95, 0.05))
    assert (found.weight[:200] > 0.9).all()
    assert (found.weight[200:] < 0.1).all()


def test_what_is_not_known_says_nothing() -> None:
    value = np.where(np.arange(300) < 100, 0, np.arange(300) % 4 + 1)
    unknown = np.full(300, -1)
    core = np.where(np.arange(300) < 90, 0.95, 0.05)
    told = split([dimension(value, 5), dimension(unknown, 3, "network")], core)
    assert told.parts["network"].tolist() == [0.0] * 300
    assert told.weight.tolist() == split([dimension(value, 5)], core).weight.tolist()
    assert (told.weight[:100] > 0.8).all()


def votes_of(rows: Ballots) -> Votes:
    log = VoteLog(10_000)
    log.append(rows)
    return votes_at(log, np.arange(len(rows)))


def test_what_a_group_was_chosen_by_is_no_evidence_against_it() -> None:
    rng = np.random.default_rng(7)
    votes = votes_of(people(rng, np.sort(rng.uniform(0, 600, 600)), 0, client=np.full(600, 13, np.uint32)))
    births = Births(int(np.quantile(votes.created_ms, 0.3)), int(np.quantile(votes.created_ms, 0.6)), 0.3, 0.0)
    by_birth = np.where(born_in(votes, births) == 1, 9.0, -9.0)
    by_client = np.full(600, 0.2)
    weight = 1 / (1 + np.exp(-by_birth))
    found = Split(weight, np.full(600, 0.5), {"born": by_birth, "client": by_client}, {})
    traits = {trait.name: trait for trait in judge(votes, votes.take([]), found, births, None, platform_of(4_000), 1e-8, 1).traits}
    assert traits["client"].tells
    assert not traits["born"].tells
    assert judge(votes, votes.take([]), found, births, None, platform_of(4_000), 1e-8, 1).score == 0


def test_an_account_whose_age_is_not_known_was_born_neither_in_the_window_nor_outside() -> None:
    rows = people(np.random.default_rng(7), np.arange(3.0), 0, created_ms=np.array([NO_TIME_MS, START_MS - 5, START_MS - 900]))
    assert born_in(votes_of(rows), Births(START_MS - 10, START_MS, 0.1, 0.0)).tolist() == [-1, 1, 0]


def test_the_platform_follows_what_it_becomes_and_comes_back_from_a_snapshot() -> None:
    platform, other = platform_of(3_000), Platform()
    other.restore(platform.snapshot())
    codes = np.array([11, 12, 99], np.uint32)
    assert other.client_share(codes).tolist() == platform.client_share(codes).tolist()
    assert platform.client_share(codes)[2] < 0.001
    assert platform.client_share(codes)[0] == pytest.approx(0.45, abs=0.05)
    assert other.network_count(np.arange(1, 50, dtype=np.uint32)).tolist() == platform.network_count(np.arange(1, 50, dtype=np.uint32)).tolist()
    assert platform.younger(400 * DAY_MS) == pytest.approx(0.13, abs=0.05)


def test_ages_that_are_not_known_are_not_learned() -> None:
    platform = Platform()
    nothing = np.zeros(10, np.uint32)
    platform.learn(
        {
            "client": nothing, "network": nothing, "referrer": nothing, "country": np.full(10, -1, np.int16),
            "follower_bin": np.full(10, -1), "age_ms": np.full(10, NO_TIME_MS),
        }
    )  # fmt: skip
    assert platform.aged_votes == 0
    assert platform.network_votes == 0
    assert platform.votes == 10


def test_a_surge_is_looked_at_when_it_begins_and_whenever_it_is_three_times_as_large() -> None:
    surges = Surges()

    def added(first_row: int, first_ms: int, every_ms: int, chunks: int) -> list[tuple[int, Surge]]:
        rows, times_ms = first_row + 32 * np.arange(chunks), first_ms + every_ms * np.arange(chunks)
        return surges.add(np.full(chunks, 3, np.int32), rows, times_ms, times_ms + every_ms - 1, 32)

    assert added(0, 0, 60_000, 20) == []
    fast = added(640, 1_200_000, 2_000, 16)
    assert [place + 1 for place, _ in fast] == [1, 3, 9]
    assert {surge.start_row for _, surge in fast} == {640}


@pytest.mark.parametrize(
    ("name", "value"), [("step_ms", 700), ("log_votes", 10), ("chunk_votes", 4), ("false_accusations", 0.5), ("min_members", 2)]
)
def test_a_setting_out_of_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be"):
        CrowdParams(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(("purity", "new", "known"), [(0.65, True, True), (0.55, False, True), (0.45, False, False)])
def test_a_group_accused_before_is_asked_for_less_purity_than_a_new_one(purity: float, new: bool, known: bool) -> None:
    assert Trait("born", 163, 92, 0.04, purity, -60.0).tells is new
    assert Trait("born", 163, 92, 0.04, purity, -60.0, known=True).tells is known
