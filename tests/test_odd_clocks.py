"""Clocks that are wrong, senders that are late, partitions that fall silent or repeat last week.

In each case: a flood on one poll is found within seconds, at its own event time; nothing that is late opens a case; and every vote
is counted.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from timed_stages import PARTITIONS, Deployment, Told

START_MS = 1_664_812_800_000
MINUTE_MS, HOUR_MS, WEEK_MS = 60_000, 3_600_000, 7 * 86_400_000
POLLS = [f"poll-{number}" for number in range(4)]
PAST_MS = 30 * MINUTE_MS
FLOOD_AT_MS = START_MS + PAST_MS + 60_000
FLOOD, FLOOD_MS = 600, 5_000
FLOODED = POLLS[1]
END_MS = START_MS + PAST_MS + 90_000
PER_S = 2.0
SEED = 20221030


def vote(poll: str, ts_ms: float, account: str, event: str) -> bytes:
    fields = {"type": "vote", "event_id": event, "poll_id": poll, "account_id": account, "option": "yes", "ts": round(ts_ms)}
    return json.dumps(fields).encode()


class Traffic:
    """People who vote, each on a phone whose clock may be wrong, through the partition of their account."""

    def __init__(self, deployment: Deployment, seed: int) -> None:
        self._rng = random.Random(seed)
        self._deployment = deployment
        self.sent: dict[str, int] = dict.fromkeys(POLLS, 0)
        self.clock_of: dict[int, float] = {}
        self.without: int | None = None
        self.sent_by_partition = [0] * PARTITIONS

    def one(self, poll: str, at_ms: float, delay_ms: float | None = None, ahead_ms: float = 0) -> None:
        """Send a vote of somebody new, which the person casts at `at_ms`."""
        rng = self._rng
        partition = rng.randrange(PARTITIONS)
        if partition == self.without:
            return
        delay_ms = rng.uniform(20, 400) if delay_ms is None else delay_ms
        ts_ms = at_ms + ahead_ms + self.clock_of.get(partition, 0)
        name = f"{rng.getrandbits(60):x}"
        self._deployment.send(at_ms + delay_ms, vote(poll, ts_ms, "a" + name, "e" + name), name, partition)
        self.sent[poll] += 1
        self.sent_by_partition[partition] += 1

    def usual(self, begin_ms: int, end_ms: int) -> None:
        """Send what comes every day: two votes a second on each poll."""
        for poll in POLLS:
            at_ms = begin_ms + self._rng.expovariate(PER_S) * 1_000
            while at_ms < end_ms:
                self.one(poll, at_ms)
                at_ms += self._rng.expovariate(PER_S) * 1_000

    def flood(self) -> None:
        """Send 600 votes on one poll within five seconds."""
        for _ in range(FLOOD):
            self.one(FLOODED, FLOOD_AT_MS + self._rng.uniform(0, FLOOD_MS))


@pytest.fixture(scope="module")
def past() -> tuple[dict[str, Any], dict[str, int]]:
    """Half an hour of what comes every day, and how many votes that were."""
    deployment = Deployment(START_MS)
    traffic = Traffic(deployment, SEED)
    traffic.usual(START_MS, START_MS + PAST_MS - 500)
    deployment.run(START_MS + PAST_MS, step_ms=5_000)
    assert not deployment.told
    return deployment.snapshot(), dict(traffic.sent)


Past = tuple[dict[str, Any], dict[str, int]]


def gone_on(past: Past, max_waiting_rows: int = 500_000) -> tuple[Deployment, Traffic]:
    state, sent = past
    deployment = Deployment.go_on(state, max_waiting_rows)
    traffic = Traffic(deployment, SEED + 1)
    traffic.sent = dict(sent)
    return deployment, traffic


def assert_the_flood_alone_is_found(deployment: Deployment, within_ms: int = 6_000, early_ms: int = 0) -> Told:
    """Let everything happen; fail unless the flood is found in time and nothing else, and every vote is counted."""
    deployment.run(max(END_MS, FLOOD_AT_MS + within_ms))
    found = deployment.first_words()
    assert set(found) == {FLOODED}, [told.data.summary for told in deployment.told]
    told = found[FLOODED]
    assert FLOOD_AT_MS - early_ms <= told.data.opened_ms <= FLOOD_AT_MS + FLOOD_MS, "found at another time than it happened"
    assert told.at_ms - FLOOD_AT_MS <= within_ms, f"found {told.at_ms - FLOOD_AT_MS} ms after it began"
    deployment.run(END_MS + 30_000, step_ms=5_000)
    return told


def assert_all_are_counted(deployment: Deployment, traffic: Traffic) -> None:
    assert {poll: sum(deployment.tally(poll).values()) for poll in POLLS} == traffic.sent


def test_with_good_clocks_the_flood_is_found(past: Past) -> None:
    deployment, traffic = gone_on(past)
    traffic.usual(deployment.now_ms, END_MS)
    traffic.flood()
    assert_the_flood_alone_is_found(deployment)
    assert_all_are_counted(deployment, traffic)
    assert deployment.counted["late"] < 0.01 * sum(traffic.sent.values())


def test_phones_that_send_ten_minutes_late_are_counted_and_open_no_case(past: Past) -> None:
    """One sends twenty votes, and four hundred, which were without a network together, one each in the same second."""
    deployment, traffic = gone_on(past)
    traffic.usual(deployment.now_ms, END_MS)
    traffic.flood()
    now_ms = deployment.now_ms + 10_000
    for _ in range(20):
        traffic.one(POLLS[0], now_ms - 10 * MINUTE_MS, delay_ms=10 * MINUTE_MS)
    for n in range(400):
        traffic.one(POLLS[2], now_ms - 10 * MINUTE_MS + n, delay_ms=10 * MINUTE_MS)
    assert_the_flood_alone_is_found(deployment)
    assert_all_are_counted(deployment, traffic)
    assert 420 <= deployment.counted["late"] < 500


@pytest.mark.parametrize("ahead_ms", [4 * MINUTE_MS, -HOUR_MS])
def test_a_few_wrong_clocks_move_time_for_nobody(past: Past, ahead_ms: int) -> None:
    deployment, traffic = gone_on(past)
    traffic.usual(deployment.now_ms, END_MS)
    for n in range(60):
        traffic.one(POLLS[n % 4], deployment.now_ms + 1_000 * n, ahead_ms=ahead_ms)
    traffic.flood()
    assert_the_flood_alone_is_found(deployment)
    assert deployment.counted["late"] < 100
    if ahead_ms < 0:
        assert_all_are_counted(deployment, traffic)


@pytest.mark.parametrize("jump_ms", [4 * MINUTE_MS, -HOUR_MS])
def test_when_all_clocks_of_a_partition_jump_the_others_go_on(past: Past, jump_ms: int) -> None:
    """Four minutes ahead, or an hour behind: where a gateway sets the time of what it sends."""
    deployment, traffic = gone_on(past)
    traffic.clock_of[2] = jump_ms
    traffic.usual(deployment.now_ms, END_MS)
    traffic.flood()
    assert_the_flood_alone_is_found(deployment, within_ms=8_000)
    if jump_ms < 0:
        assert_all_are_counted(deployment, traffic)


def test_clocks_that_are_a_little_behind_are_waited_for(past: Past) -> None:
    """A quarter of the flood is then of ten seconds before, as far as anybody can know."""
    deployment, traffic = gone_on(past)
    traffic.clock_of[2] = -10_000
    traffic.usual(deployment.now_ms, END_MS)
    traffic.flood()
    assert_the_flood_alone_is_found(deployment, within_ms=16_000, early_ms=10_000)
    assert_all_are_counted(deployment, traffic)
    assert deployment.counted["late"] < 0.15 * traffic.sent_by_partition[2], "but for those of the first ten seconds"


def test_when_a_clock_that_jumped_is_set_right_its_votes_are_on_time_again(past: Past) -> None:
    deployment, traffic = gone_on(past)
    begin_ms = deployment.now_ms
    traffic.clock_of[2] = 4 * MINUTE_MS
    traffic.usual(begin_ms, begin_ms + 15_000)
    traffic.clock_of[2] = -HOUR_MS
    traffic.usual(begin_ms + 15_000, begin_ms + 30_000)
    traffic.clock_of[2] = 0
    wrong = sum(traffic.sent_by_partition)
    traffic.usual(begin_ms + 30_000, END_MS)
    traffic.flood()
    assert_the_flood_alone_is_found(deployment)
    deployment.run(END_MS + 5 * MINUTE_MS, step_ms=5_000)
    assert_all_are_counted(deployment, traffic)
    assert deployment.counted["late"] < wrong


def test_a_partition_that_falls_silent_holds_nobody_back(past: Past) -> None:
    deployment, traffic = gone_on(past)
    traffic.without = 3
    traffic.usual(deployment.now_ms, END_MS)
    traffic.flood()
    assert_the_flood_alone_is_found(deployment)
    assert_all_are_counted(deployment, traffic)


@pytest.mark.parametrize(("per_s", "beside"), [(100, True), (2, False)])
def test_a_partition_into_which_last_week_is_sent_again_holds_nobody_back(past: Past, per_s: int, beside: bool) -> None:
    """Many records or few, with what is new in between or without."""
    deployment, traffic = gone_on(past)
    begin_ms = deployment.now_ms
    if not beside:
        traffic.without = 0
    traffic.usual(begin_ms, END_MS)
    traffic.flood()
    rng = random.Random(SEED)
    of_last_week = [f"w{n}" for n in range(round(per_s * 90))]
    for n, name in enumerate(of_last_week):
        arrives_ms = begin_ms + 1_000 * n / per_s
        line = vote(POLLS[0], arrives_ms - WEEK_MS, "a" + name, "e" + name)
        deployment.send(arrives_ms, line, name, partition=0)
        if rng.random() < 0.2:
            deployment.send(arrives_ms + 50, line, name, partition=0)
    traffic.sent[POLLS[0]] += len(of_last_week)
    assert_the_flood_alone_is_found(deployment)
    assert_all_are_counted(deployment, traffic)
    assert deployment.counted["late"] >= len(of_last_week)


def test_a_partition_whose_clocks_are_three_hours_behind_from_its_first_record_on_is_waited_for_for_a_minute() -> None:
    """It joins when the others have gone on for half an hour: there is no time that it was known to have come to."""
    deployment = Deployment(START_MS)
    traffic = Traffic(deployment, SEED)
    traffic.without = 2
    traffic.usual(START_MS, START_MS + PAST_MS)
    deployment.run(START_MS + PAST_MS, step_ms=5_000)
    traffic.without, traffic.clock_of[2] = None, -3 * HOUR_MS
    traffic.usual(START_MS + PAST_MS, FLOOD_AT_MS + 2 * MINUTE_MS)
    traffic.flood()
    assert_the_flood_alone_is_found(deployment, within_ms=75_000)
    deployment.run(FLOOD_AT_MS + 5 * MINUTE_MS, step_ms=5_000)
    assert_all_are_counted(deployment, traffic)
    assert deployment.counted["late"] >= traffic.sent_by_partition[2]
    assert deployment.left_behind == {"poll.votes/2"}


def test_a_backlog_of_three_hours_gives_the_same_first_word_as_if_it_had_been_read_at_once(past: Past) -> None:
    """Nothing of it is of now: cases open when it happened, and the votes that came since are in nobody's way."""
    live, traffic = gone_on(past)
    traffic.usual(live.now_ms, END_MS)
    traffic.flood()
    at_once = assert_the_flood_alone_is_found(live)

    later, again = gone_on(past)
    again.usual(later.now_ms, END_MS)
    again.flood()
    later.run(END_MS, step_ms=int(END_MS - later.now_ms))
    later.run(END_MS + 30_000, step_ms=5_000)
    found = later.first_words()
    assert set(found) == {FLOODED}
    first = found[FLOODED].data
    assert (first.case_id, first.opened_ms) == (at_once.data.case_id, at_once.data.opened_ms)
    assert first.recommended.expires_ms < END_MS + WEEK_MS, "counted from when it was read"
    assert later.counted["late"] == live.counted["late"]
