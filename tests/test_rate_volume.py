"""Volumes in long windows: silence on rhythms, a word when a poll surges, restraint when it bursts by nature."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.columns import Int64s, VoteCells
from detectors.rate.detector import RateDetector, RateFinding, RateParams, RateStep
from lab.traffic import BEGIN_MS, cut
from lab.volumes import KINDS, PER_DAY, WINDOW_MS, Burst, bursty, cells, rhythm, with_burst

PARAMS = RateParams(window_ms=WINDOW_MS, tick_ms=WINDOW_MS)
DAY_MS = PER_DAY * WINDOW_MS
PLATEAU = Burst(poll=0, window=10 * PER_DAY, peak=12, plateau=4, tau=3, power=1.5)


def constant(polls: int, days: int, votes: float) -> Int64s:
    counts: Int64s = np.random.default_rng(1).poisson(np.full((polls, days * PER_DAY), votes))
    return counts


def said(votes: Int64s) -> list[RateFinding]:
    return RateDetector(PARAMS).advance(cells(votes), BEGIN_MS + votes.shape[1] * WINDOW_MS).findings


def opened(votes: Int64s) -> list[RateFinding]:
    return [found for found in said(votes) if found.phase == "opened"]


def end_ms(votes: Int64s) -> int:
    return BEGIN_MS + len(votes[0]) * WINDOW_MS


@pytest.mark.parametrize(("kind", "per_poll_day"), [("rhythm", 0.01), ("scheduled", 0.04)])
def test_rhythms_of_days_keep_silent(kind: str, per_poll_day: float) -> None:
    seed, polls, days = 1001, 40, 28
    rng = np.random.default_rng(seed)
    found = opened(rng.poisson(KINDS[kind](rng, polls, days)))
    most = per_poll_day * polls * days
    assert len(found) <= most + 3 * np.sqrt(most), f"seed {seed}: {len(found)}"


def test_a_poll_that_bursts_by_nature_is_spoken_of_once_in_three_days_at_most() -> None:
    seed, polls, days = 1002, 20, 42
    rng = np.random.default_rng(seed)
    found = opened(rng.poisson(bursty(rng, polls, days)))
    most = max(sum(one.poll == poll for one in found) for poll in range(polls))
    assert most <= days / 3 + 12, f"seed {seed}: {most}"


def test_a_surge_is_told_in_its_first_windows_with_what_was_usual() -> None:
    rate = with_burst(np.full((3, 12 * PER_DAY), 20.0), PLATEAU)
    found = opened(np.random.default_rng(2).poisson(rate))
    assert [one.poll for one in found] == [0]
    assert found[0].at_ms == BEGIN_MS + (PLATEAU.window + 1) * WINDOW_MS
    assert found[0].expected == pytest.approx(20, rel=0.2)
    assert found[0].score > 1


def test_what_comes_at_the_same_minute_every_day_is_soon_expected() -> None:
    rate = np.full((1, 28 * PER_DAY), 20.0)
    for day in range(28):
        rate[0, day * PER_DAY + 200] = 120.0
    found = opened(np.random.default_rng(3).poisson(rate))
    assert all(one.at_ms < BEGIN_MS + 7 * DAY_MS for one in found)


def test_an_equal_surge_within_a_day_is_not_said_again_but_a_much_larger_one_is() -> None:
    rate = np.full((1, 13 * PER_DAY), 20.0)
    first, equal, larger = (10 * PER_DAY + hours * 12 for hours in (0, 6, 12))
    rate[0, first], rate[0, equal], rate[0, larger] = 300, 300, 3000
    found = opened(np.random.default_rng(4).poisson(rate))
    assert [one.at_ms for one in found] == [BEGIN_MS + (at + 1) * WINDOW_MS for at in (first, larger)]


def test_a_surge_of_few_votes_is_none() -> None:
    votes = constant(1, 12, 0.01)
    votes[0, 10 * PER_DAY] = 8
    assert opened(votes) == []
    votes[0, 10 * PER_DAY] = 30
    assert len(opened(votes)) == 1


def eventful(seed: int) -> VoteCells:
    rng = np.random.default_rng(seed)
    votes = rng.poisson(with_burst(rhythm(rng, 5, 4), replace(PLATEAU, window=3 * PER_DAY, peak=40)))
    votes[4, PER_DAY:] = 0
    return cells(votes)


def play(all_cells: VoteCells, stops_ms: list[int], restored: bool) -> tuple[object, ...]:
    detector, steps = RateDetector(PARAMS, keep_scores=True), list[RateStep]()
    for from_ms, until_ms in pairwise(stops_ms):
        steps.append(detector.advance(cut(all_cells, from_ms, until_ms), until_ms))
        if restored:
            kept = msgspec.msgpack.decode(msgspec.msgpack.encode(detector.snapshot()))
            detector = RateDetector(PARAMS, keep_scores=True)
            detector.restore(kept)
    findings = [found for step in steps for found in step.findings]
    columns = [
        np.concatenate([getattr(step.windows, name) for step in steps]).tolist()
        for name in ("poll", "start_ms", "votes", "expected", "score", "alarm")
    ]
    return findings, columns, sorted({poll for step in steps for poll in step.quiet})


@given(seed=st.integers(0, 10**6), restored=st.booleans())
@settings(max_examples=6, deadline=None)
def test_cuts_and_restarts_change_nothing(seed: int, restored: bool) -> None:
    all_cells = eventful(seed)
    end = BEGIN_MS + 12 * DAY_MS
    inner = BEGIN_MS + np.random.default_rng(seed).integers(1, 12 * PER_DAY, 9) * WINDOW_MS
    whole = play(all_cells, [BEGIN_MS, end], restored=False)
    assert play(all_cells, [BEGIN_MS, *np.unique(inner).tolist(), end], restored) == whole


def test_polls_long_without_a_vote_give_their_state_back() -> None:
    detector = RateDetector(PARAMS)
    all_cells = eventful(5)
    detector.advance(all_cells, BEGIN_MS + 4 * DAY_MS)
    before = len(msgspec.msgpack.encode(detector.snapshot()))
    assert len(detector) == 5
    assert before < 5 * 4_000 + 20_000
    assert detector.advance(cut(all_cells, 0, 0), BEGIN_MS + 9 * DAY_MS).quiet == [4]
    assert detector.advance(cut(all_cells, 0, 0), BEGIN_MS + 12 * DAY_MS).quiet == [0, 1, 2, 3]
    assert len(detector) == 0


def test_a_forgotten_number_stands_for_a_poll_without_a_past() -> None:
    votes = constant(1, 12, 20.0)
    used, fresh = (RateDetector(PARAMS, keep_scores=True) for _ in range(2))
    used.advance(cells(votes), end_ms(votes))
    used.forget(np.array([0]))
    launch = cells(np.random.default_rng(7).poisson(50, (1, 60)), begin_ms=end_ms(votes))
    after, alone = (one.advance(launch, end_ms(votes) + 60 * WINDOW_MS).windows for one in (used, fresh))
    assert after is not None
    assert alone is not None
    assert after.score.tolist() == alone.score.tolist()
    assert max(alone.score.tolist()) > 0


def test_the_score_of_a_poll_can_be_asked_for_while_it_surges() -> None:
    rate = with_burst(np.full((2, 11 * PER_DAY), 20.0), PLATEAU)
    detector, all_cells = RateDetector(PARAMS), cells(np.random.default_rng(6).poisson(rate))
    in_surge_ms = BEGIN_MS + (PLATEAU.window + 2) * WINDOW_MS
    detector.advance(cut(all_cells, BEGIN_MS, in_surge_ms), in_surge_ms)
    first, *others = detector.scores_of(np.array([0, 1, 999])).tolist()
    assert first > 1
    assert (others, detector.suspected().tolist()) == ([0.0, 0.0], [0])
    detector.advance(cut(all_cells, in_surge_ms, BEGIN_MS + 11 * DAY_MS), BEGIN_MS + 11 * DAY_MS)
    assert (detector.scores_of(np.array([0])).tolist(), detector.suspected().tolist()) == ([0.0], [])


def among_blips(windows: int) -> Int64s:
    """A poll that bursts for one window a day, four to eight times the usual, and after 20 days six times for `windows`."""
    rng = np.random.default_rng(8)
    rate = np.full((1, 21 * PER_DAY), 20.0)
    for day in range(20):
        rate[0, day * PER_DAY + rng.integers(PER_DAY)] *= rng.uniform(4, 8)
    begin = 20 * PER_DAY + 100
    rate[0, begin : begin + windows] = 120.0
    votes: Int64s = rng.poisson(rate)
    return votes


@pytest.mark.parametrize(("windows", "told"), [(1, 0), (12, 1)])
def test_after_ten_days_of_blips_only_one_that_lasts_is_told_and_within_the_hour(windows: int, told: int) -> None:
    begin_ms = BEGIN_MS + (20 * PER_DAY + 100) * WINDOW_MS
    late = [one.at_ms for one in opened(among_blips(windows)) if one.at_ms > BEGIN_MS + 10 * DAY_MS]
    assert len(late) == told
    assert all(begin_ms < at_ms <= begin_ms + 12 * WINDOW_MS for at_ms in late)


def test_a_burst_of_an_hour_each_day_at_any_time_is_soon_no_news() -> None:
    seed, polls, late = 9, 10, 14
    rng = np.random.default_rng(seed)
    rate = np.full((polls, 28 * PER_DAY), 20.0)
    for poll in range(polls):
        for day in range(28):
            begin = day * PER_DAY + int(rng.integers(PER_DAY - 12))
            rate[poll, begin : begin + 12] *= rng.uniform(3, 5)
    found = [one for one in opened(rng.poisson(rate)) if one.at_ms > BEGIN_MS + late * DAY_MS]
    assert len(found) <= 30, f"seed {seed}: {len(found)} in {polls * late} bursts"
