"""What lockstep says depends on the rows alone: not on calls, restarts or late arrival; and its memory is bounded."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from lockstep_traffic import BEGIN_MS, HOUR_MS, Traffic, ballots, clusters, end_of, kinds, watch

from detectors.lockstep.detector import Lockstep
from detectors.lockstep.log import VoteLog
from detectors.lockstep.meetings import find_meetings
from detectors.lockstep.params import LockstepParams
from detectors.watcher import Ballots, Sighting


def busy(seed: int) -> Ballots:
    """A script, a ring and background traffic within four hours."""
    traffic = Traffic(seed)
    traffic.background(polls=10, votes_each=500, people=3_000)
    traffic.script("bot", 150, list(range(6)), part=0.85, width_ms=20_000)
    traffic.script("ring", 30, list(range(10)), part=0.9, width_ms=55_000)
    return traffic.ballots()


def whole(votes: Ballots) -> tuple[list[Sighting], bytes]:
    watcher = Lockstep(LockstepParams())
    seen = watch(watcher, votes, [], end_of(votes))
    return seen, packed(watcher)


def packed(watcher: Lockstep) -> bytes:
    return msgspec.msgpack.encode(watcher.snapshot())


@pytest.mark.parametrize("seed", [1, 2])
def test_sightings_and_state_are_the_same_however_calls_are_cut(seed: int) -> None:
    votes = busy(seed)
    rng = np.random.default_rng(seed)
    cuts_ms = (rng.choice(end_of(votes) - BEGIN_MS, 400, replace=False) // 250 * 250 + BEGIN_MS).tolist()
    watcher = Lockstep(LockstepParams())
    seen = watch(watcher, votes, cuts_ms, end_of(votes))
    assert seen, "nothing to compare"
    assert (seen, packed(watcher)) == whole(votes), f"seed {seed}"


@pytest.mark.parametrize("seed", [1, 13])
def test_with_many_votes_polls_take_turns_and_nothing_depends_on_cuts(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    votes = busy(seed)
    monkeypatch.setattr("detectors.lockstep.detector._MANY", 100)
    monkeypatch.setattr("detectors.lockstep.detector.MOST_ROWS", 10)
    turns, (seen, state) = Lockstep(LockstepParams()), whole(votes)
    rng = np.random.default_rng(seed)
    cuts_ms = (rng.choice(end_of(votes) - BEGIN_MS, 400, replace=False) // 250 * 250 + BEGIN_MS).tolist()
    assert (watch(turns, votes, cuts_ms, end_of(votes)), packed(turns)) == (seen, state), f"seed {seed}"
    assert any(one.at_ms % 60_000 for one in seen), f"seed {seed}: nothing was said within a minute"
    ring, script = sorted(len(one) for one in clusters(seen).values())
    assert (ring, script > 145) == (30, True), f"seed {seed}: {ring}, {script}"


def test_leaving_out_pairs_that_lie_alone_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = busy(14)
    seen, state = whole(votes)
    monkeypatch.setattr("detectors.lockstep.meetings._MANY_PAIRS", 0)
    assert seen, "nothing to compare"
    assert whole(votes) == (seen, state)


@pytest.mark.parametrize("seed", [3, 4])
def test_a_restart_at_any_time_changes_nothing(seed: int) -> None:
    votes = busy(seed)
    rng = np.random.default_rng(seed)
    cuts_ms = sorted(
        (rng.choice(end_of(votes) - BEGIN_MS, 12, replace=False) // 250 * 250 + BEGIN_MS).tolist()
    )
    watcher, seen, start = Lockstep(LockstepParams()), list[Sighting](), 0
    for cut_ms in [*cuts_ms, end_of(votes)]:
        stop = int(np.searchsorted(votes.effective_ms, cut_ms))
        seen += watcher.observe(votes.take(slice(start, stop)), cut_ms)
        state, start = msgspec.msgpack.decode(packed(watcher)), stop
        watcher = Lockstep(LockstepParams())
        watcher.restore(state)
    assert (seen, packed(watcher)) == whole(votes), f"seed {seed}"


def test_sightings_come_in_order_of_time() -> None:
    at_ms = [one.at_ms for one in whole(busy(5))[0]]
    assert len(at_ms) > 3
    assert at_ms == sorted(at_ms)


def test_votes_that_come_late_count_when_they_were_cast() -> None:
    votes = busy(6)
    rng = np.random.default_rng(6)
    late = rng.random(len(votes)) < 0.3
    came_ms = votes.ts_ms + np.where(late, rng.integers(0, 9_000, len(votes)), 0)
    order = np.argsort(came_ms, kind="stable")
    votes = replace(votes, effective_ms=came_ms).take(order)
    named = clusters(whole(votes)[0])
    assert sorted(len(of) for of in named.values()) == [30, 150]


def test_a_batch_that_arrives_at_once_is_no_meeting_if_it_was_cast_over_hours() -> None:
    traffic = Traffic(7)
    traffic.background(polls=5, votes_each=500, people=3_000)
    for poll in range(3):
        times_ms = poll * HOUR_MS + traffic.rng.integers(0, HOUR_MS, 400)
        traffic.add("offline", np.arange(400), poll, times_ms)
    votes = traffic.ballots()
    offline = np.array([one.startswith("offline") for one in votes.sender.account_ids.texts()])
    came_ms = np.where(offline, BEGIN_MS + (votes.poll.astype(np.int64) + 1) * HOUR_MS, votes.ts_ms)
    votes = replace(votes, effective_ms=came_ms).take(np.argsort(came_ms, kind="stable"))
    assert whole(votes)[0] == []


def test_the_log_keeps_to_its_bound_and_still_finds_who_meets_now() -> None:
    traffic = Traffic(8)
    traffic.background(polls=10, votes_each=2_000, people=15_000)
    traffic.script("bot", 100, [0, 1, 2, 3, 4], part=1.0, width_ms=15_000)
    votes = traffic.ballots()
    watcher = Lockstep(LockstepParams(max_votes=10_000))
    named = clusters(watch(watcher, votes, [], end_of(votes)))
    (one,) = named.values()
    assert kinds(one)["bot"] == 100
    assert len(watcher._log) <= 10_000


def test_votes_are_forgotten_when_they_are_old_however_few_came_since() -> None:
    traffic = Traffic(12)
    traffic.background(polls=4, votes_each=1_500, people=9_000, hours=96)
    votes, watcher = traffic.ballots(), Lockstep(LockstepParams(keep_ms=12 * HOUR_MS))
    watch(watcher, votes, [], end_of(votes))
    seen_ms, oldest_ms = int(votes.effective_ms[-1]), int(watcher._log.at_ms[0])
    assert 11.5 <= (seen_ms - oldest_ms) / HOUR_MS <= 13
    kept = votes.effective_ms >= oldest_ms
    gone = set(votes.sender.account_ids.texts()) - set(votes.take(kept).sender.account_ids.texts())
    held = set(watcher._log.ids(np.arange(len(watcher._log))))
    assert len(gone) > 1_000
    assert not held & gone


def test_a_million_active_accounts_take_a_few_hundred_megabytes() -> None:
    log, accounts, rows = VoteLog(), 1_000_000, 100_000
    ids = [f"account-{n:09d}" for n in range(rows)]
    part = ballots(np.zeros(rows, np.int64), ids, np.arange(rows) + BEGIN_MS, np.zeros(rows, np.int64))
    rng = np.random.default_rng(9)
    accounts_seen = rng.integers(1, 1 << 62, accounts).astype(np.uint64)
    for start in [*range(0, accounts, rows), *range(0, accounts, rows)]:
        log.append(replace(part, account=accounts_seen[start : start + rows]), np.arange(rows))
    assert len(log) == 2_000_000
    assert log.nbytes < 300e6


def test_accounts_are_linked_to_their_own_earlier_votes_only() -> None:
    rng = np.random.default_rng(10)
    log, seen = VoteLog(), list[int]()
    for _ in range(30):
        account = rng.integers(0, 40, rng.integers(1, 50))
        part = ballots(
            np.zeros(len(account), np.int64), ["x"] * len(account), np.arange(len(account)), account
        )
        log.append(replace(part, account=account.astype(np.uint64)), np.arange(len(account)))
        seen += account.tolist()
        log.shrink(400, since_ms=0)
    kept = seen[-len(log) :]
    row, was = log.earlier(np.arange(len(kept)), 100)
    expected = {(i, j) for i, one in enumerate(kept) for j in range(i) if kept[j] == one}
    assert set(zip(row.tolist(), was.tolist(), strict=True)) == expected
    last = {account: at for at, account in enumerate(kept)}
    assert log.last_rows(np.arange(41, dtype=np.uint64)).tolist() == [last.get(one, -1) for one in range(41)]


@pytest.mark.parametrize("is_forgotten", [True, False])
def test_votes_of_a_forgotten_poll_are_no_longer_met(is_forgotten: bool) -> None:
    traffic = Traffic(11)
    traffic.background(polls=4, votes_each=300, people=3_000)
    for poll in range(2):
        traffic.add("bot", np.arange(100), poll, (1 + poll) * HOUR_MS + traffic.rng.integers(0, 15_000, 100))
    votes = traffic.ballots()
    watcher, half = Lockstep(LockstepParams()), int(np.searchsorted(votes.ts_ms, BEGIN_MS + 3 * HOUR_MS // 2))
    half_ms = int(votes.ts_ms[half]) // 60_000 * 60_000
    half = int(np.searchsorted(votes.ts_ms, half_ms))
    watcher.observe(votes.take(slice(0, half)), half_ms)
    if is_forgotten:
        watcher.forget(np.array([0]))
    seen = watcher.observe(votes.take(slice(half, None)), end_of(votes))
    assert bool(seen) != is_forgotten


def test_late_votes_are_found_by_when_they_were_cast() -> None:
    cast_ms = np.repeat([5_000, 305_000], 10) + np.tile(np.arange(10) * 1_000, 2) + BEGIN_MS
    poll = np.repeat([0, 1], 10)
    votes = ballots(poll, [f"bot-{n % 10}" for n in range(20)], cast_ms, poll)
    came_ms = cast_ms + np.tile(np.arange(10) * 4_000, 2)
    log = VoteLog()
    log.append(replace(votes, effective_ms=came_ms), np.arange(20))
    assert log.between(0, BEGIN_MS, BEGIN_MS + 14_000).tolist() == list(range(10))
    (meeting, *_), _ = find_meetings(log, BEGIN_MS + 300_000, 5)
    assert (meeting.here.end_ms, meeting.there.end_ms) == (BEGIN_MS + 314_000, BEGIN_MS + 14_000)


def test_a_group_that_stays_away_is_let_go() -> None:
    votes = busy(12)
    watcher = Lockstep(LockstepParams(quiet_ms=HOUR_MS))
    seen = watch(watcher, votes, [], end_of(votes) + 3 * HOUR_MS)
    opened = {one.cluster for one in seen if one.phase == "opened"}
    assert {one.cluster for one in seen if one.phase == "calm"} == opened
    assert not watcher._groups.all
