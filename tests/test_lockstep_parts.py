"""Parts of lockstep by themselves: orders, rows that return, meetings that wait, and what was said last."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.columns import hashes
from detectors.lockstep.chance import WIDE_MS
from detectors.lockstep.meetings import Burst, Meeting, peaks
from detectors.lockstep.returns import TURNS, Returns
from detectors.lockstep.standing import Attended, roll_of, standing_of
from detectors.lockstep.told import NOBODY
from detectors.lockstep.waiting import Waiting


def test_rows_of_accounts_that_voted_before_are_returned_by_the_turn_of_their_poll() -> None:
    rng = np.random.default_rng(13)
    returns, rows, poll = (
        Returns(),
        np.sort(rng.choice(90_000, 6_000, replace=False)),
        rng.integers(0, 50, 6_000),
    )
    for start in range(0, 6_000, 500):
        returns.add(rows[start : start + 500], poll[start : start + 500].astype(np.int32))
    recent = rows >= 30_000
    assert returns.count(30_000) == np.count_nonzero(recent)
    assert returns.since(30_000).tolist() == rows[recent].tolist()
    assert returns.of_turn(30_000, 7).tolist() == rows[recent & (poll % TURNS == 7)].tolist()


def windows(key: list[int], width: int, least: int) -> list[tuple[int, int]]:
    """Reference: of the windows that begin in one bin the fullest, unless the one in the bin before or after is fuller."""
    fullest: dict[int, tuple[int, int]] = {}
    for at, begin in enumerate(key):
        met = sum(begin <= one <= begin + width for one in key[at:])
        if met >= least and met > fullest.get(begin // width, (0, 0))[1]:
            fullest[begin // width] = (at, met)
    best = list(fullest.values())
    kept = []
    for one, (at, met) in enumerate(best):
        before = [m for other, m in best[:one][-1:] if key[other] + width >= key[at]]
        after = [m for other, m in best[one + 1 :][:1] if key[at] + width >= key[other]]
        if all(met > m for m in before) and all(met >= m for m in after):
            kept.append((at, at + met))
    return kept


@pytest.mark.parametrize("seed", range(14, 24))
def test_windows_that_stand_out_are_found_without_looking_at_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    key = np.sort(rng.integers(0, 3_000, 160) * rng.choice([1, 7, 40], 160))
    start, stop = peaks(key, 50, 5)
    assert list(zip(start.tolist(), stop.tolist(), strict=True)) == windows(key.tolist(), 50, 5), (
        f"seed {seed}"
    )


def meeting(start_ms: int, end_ms: int, there_ms: int, size: int = 5) -> Meeting:
    there = Burst(2, there_ms, there_ms + 9_000)
    return Meeting(Burst(1, start_ms, end_ms), there, 30_000, np.arange(size, dtype=np.uint64), 3)


def test_meetings_of_one_burst_wait_for_each_other() -> None:
    waiting, early, late = Waiting(), meeting(0, 20_000, 500_000), meeting(10_000, 50_000, 700_000)
    other = meeting(900_000, 910_000, 500_000)
    for one in (early, late, other):
        waiting.add(one)
    assert waiting.take_due(20_000 + WIDE_MS) == []
    assert waiting.take_due(50_000 + WIDE_MS) == [early, late]
    assert len(waiting) == 1
    assert other in waiting


def test_a_larger_look_at_a_meeting_takes_the_place_of_a_smaller_one() -> None:
    waiting, smaller, larger = Waiting(), meeting(0, 20_000, 500_000, 5), meeting(1_000, 25_000, 501_000, 8)
    waiting.add(smaller)
    waiting.add(larger)
    assert (smaller in waiting, larger in waiting) == (False, True)
    restored = Waiting()
    restored.restore(waiting.snapshot())
    assert restored.snapshot() == waiting.snapshot()
    restored.forget(np.array([2]))
    assert len(restored) == 0


def attended(
    poll: int, accounts: list[int], bystanders: float = 0.0, options: list[int] | None = None
) -> Attended:
    option = np.array(options or [1] * len(accounts), np.int32)
    alike = np.full(len(accounts), bystanders / 2)
    return Attended(
        Burst(poll, poll * 1_000_000, poll * 1_000_000 + 9_000),
        hashes(accounts),
        option,
        bystanders,
        alike,
        True,
    )


def test_who_was_in_two_bursts_is_named_unless_it_was_chance() -> None:
    bursts = [attended(1, [1, 2, 3, 4], 0.4), attended(2, [2, 3, 5], 0.3), attended(3, [3, 6], 2.0)]
    roll, standing = roll_of(bursts), standing_of(bursts)
    assert roll.account.tolist() == standing.account.tolist() == [1, 2, 3, 4, 5, 6]
    assert roll.polls.tolist() == standing.polls.tolist() == [1, 2, 3, 1, 1, 1]
    assert roll.polls_of(hashes([3, 9, 5])).tolist() == [3, 0, 1]
    assert standing.score[[1, 2]].tolist() == [0.99, 0.99]
    assert standing.named.tolist() == [2, 3]


def test_in_a_pool_that_rotates_who_came_once_and_answered_alike_is_named() -> None:
    once = list(range(100, 140))
    bursts = [attended(1, [1, 2, *once], 1.0, [1, 1, *[1] * 39, 0]), attended(2, [1, 2, 3], 0.5)]
    named = set(standing_of(bursts).named.tolist())
    assert named == {1, 2, *once[:-1]}


def test_only_changes_of_a_group_are_told_again() -> None:
    told = NOBODY.then(hashes([3, 5, 9]), np.array([0.9, 0.8, 0.7]), hashes())
    assert told.score_of(hashes([9, 4, 3])).tolist() == [0.7, 0.0, 0.9]
    assert told.without(hashes([3, 9])).tolist() == [5]
    later = told.then(hashes([4, 9]), np.array([0.6, 1.0]), hashes([5]))
    assert (later.account.tolist(), later.score.tolist()) == ([3, 4, 9], [0.9, 0.6, 1.0])
