"""One shard: what it counts, what it forgets and when, and that its memory stays under its cap."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from columns_by_hand import Event, block_of

from detectors.block import Block, Standing
from detectors.columns import Int64s, VoteCells
from detectors.counted import Counted
from detectors.findings import Report
from detectors.inbox import Gap
from detectors.rate import RateDetector, RateFinding, RateParams, RateStep
from detectors.shard import Shard, ShardParams

START_MS = 1_664_812_800_000
HOUR_MS = 3_600_000
SOURCE = "poll.votes/0"


@dataclass
class Watcher:
    """Stands where the rate detector stands: writes down what it is told, finds what it is asked to find."""

    params: RateParams = field(default_factory=RateParams)
    asked: list[RateFinding] = field(default_factory=list)
    votes: int = 0
    until_ms: int = 0
    told: list[tuple[str, int, list[int]]] = field(default_factory=list)

    def advance(self, cells: VoteCells, until_ms: int) -> RateStep:
        assert until_ms % self.params.tick_ms == 0
        assert until_ms >= self.until_ms, "time goes back"
        assert not len(cells) or self.until_ms <= cells.tick_ms[0] <= cells.tick_ms[-1] < until_ms
        found = [one for one in self.asked if self.until_ms < one.at_ms <= until_ms]
        self.votes += int(cells.votes.sum())
        self.until_ms = until_ms
        return RateStep(found, None, [])

    def forget(self, polls: Int64s) -> None:
        self.told.append(("forget", self.until_ms, polls.tolist()))

    def snapshot(self) -> dict[str, Any]:
        return {"votes": self.votes, "until_ms": self.until_ms}

    def restore(self, state: dict[str, Any]) -> None:
        self.votes, self.until_ms = state["votes"], state["until_ms"]


class Fed:
    """A shard with one source, fed with events; every block says that time has come so far."""

    def __init__(self, params: ShardParams | None = None, watcher: Any = None) -> None:
        self.watcher: Any = watcher or Watcher()
        self.shard = Shard(0, [SOURCE], params or ShardParams(), cast(RateDetector, self.watcher))
        self.offset = 0
        self.reports: list[Report] = []
        self.counted: list[Counted] = []

    def feed(self, until_ms: int, *events: Event, standing: Standing = Standing.OPEN) -> None:
        """Give events and, after them, the watermark `until_ms`."""
        placed = [at_offset(event, self.offset + n) for n, event in enumerate(events)]
        end = self.offset + len(events) + 1
        self.shard.accept(block_of(SOURCE, self.offset, end, placed, [(end, until_ms)], standing))
        self.offset = end
        advanced = self.shard.advance()
        if advanced is not None:
            self.reports.append(advanced[0])
            self.counted.append(advanced[1])

    def total(self, name: str) -> int:
        return sum(getattr(counted, name) for counted in self.counted)

    def standing(self) -> dict[str, dict[str, int]]:
        """Return how the reports say that the votes stand."""
        polls: dict[str, dict[str, int]] = {}
        for report in self.reports:
            for gone in report.retired:
                polls.pop(gone.poll_id, None)
            s = report.standings
            for poll, option, votes in zip(s.poll_ids, s.options, s.votes, strict=True):
                polls.setdefault(poll, {})[option] = votes
        return polls

    def retired(self) -> dict[str, dict[str, int]]:
        return {gone.poll_id: gone.votes for report in self.reports for gone in report.retired}


def at_offset(event: Event, offset: int) -> Event:
    return Event(offset, event.ts_ms, event.event, event.account, event.poll, event.option, event.arrived_ms)


_numbers = itertools.count(1)


def vote(at_s: float, poll: str = "p", account: int = 0, option: str | None = "yes", event: int = 0) -> Event:
    """Return a vote `at_s` seconds after the start; without an account or event, by somebody new."""
    number = next(_numbers)
    return Event(0, START_MS + round(at_s * 1000), event or number, account or number, poll, option)


def at(seconds: float) -> int:
    return START_MS + round(seconds * 1000)


def test_votes_are_counted_by_option() -> None:
    fed = Fed()
    fed.feed(at(10), vote(1), vote(2, option="no"), vote(3), vote(4, poll="q"))
    assert fed.standing() == {"p": {"yes": 2, "no": 1}, "q": {"yes": 1}}
    assert (fed.total("votes"), fed.total("polls_entered"), fed.watcher.votes) == (4, 2, 4)


def test_a_second_vote_of_an_account_replaces_its_first_and_is_counted_as_a_revote() -> None:
    fed = Fed()
    fed.feed(at(10), vote(1, account=7), vote(2, account=7, option="no"))
    fed.feed(at(20), vote(11, account=7, option="maybe"), vote(12, account=7, poll="q"))
    assert fed.standing() == {"p": {"yes": 0, "no": 0, "maybe": 1}, "q": {"yes": 1}}
    assert (fed.total("votes"), fed.total("revotes")) == (4, 2)
    assert fed.watcher.votes == 4, "for the rate a vote is a vote"


def test_replies_enter_their_poll_and_no_count() -> None:
    fed = Fed()
    fed.feed(at(10), vote(1, option=None), vote(2, option=None), vote(3))
    assert (fed.total("replies"), fed.total("votes"), fed.total("polls_entered")) == (2, 1, 1)
    assert fed.standing() == {"p": {"yes": 1}}
    assert fed.watcher.votes == 1


def test_copies_of_an_event_count_once_within_the_horizon() -> None:
    fed = Fed()
    fed.feed(at(10), vote(1, event=5), vote(1, event=5, account=99))
    fed.feed(at(700), vote(500, event=5))
    assert (fed.total("votes"), fed.total("duplicates")) == (1, 2)


def test_late_votes_count_for_the_tally_and_not_for_the_rate() -> None:
    fed = Fed()
    fed.feed(at(10), vote(9))
    fed.feed(at(20), vote(2, option="no"), vote(12))
    assert fed.standing() == {"p": {"yes": 2, "no": 1}}
    assert (fed.total("late"), fed.watcher.votes) == (1, 2)


def test_a_late_vote_does_not_replace_a_vote_cast_after_it() -> None:
    fed = Fed()
    fed.feed(at(10), vote(9, account=7, option="no"))
    fed.feed(at(20), vote(2, account=7, option="yes"))
    assert fed.standing() == {"p": {"no": 1}}
    assert fed.total("revotes") == 1


def test_rows_of_a_block_that_came_before_are_passed_over() -> None:
    fed = Fed()
    events = [vote(1), vote(2)]
    fed.feed(at(10), *events)
    fed.offset = 0
    fed.feed(at(10), *events)
    assert fed.standing() == {"p": {"yes": 2}}
    assert fed.total("duplicates") == 0, "they were not even looked at"


def test_nothing_is_reported_twice_for_one_time() -> None:
    fed = Fed()
    fed.feed(at(10), vote(1))
    assert fed.shard.advance() is None
    fed.feed(at(10.1))
    assert len(fed.reports) == 1, "a tick is 250 ms"
    fed.feed(at(10.25))
    assert [(report.from_ms, report.to_ms) for report in fed.reports[1:]] == [(at(10), at(10.25))]


def test_time_before_the_epoch_is_no_time() -> None:
    """A recording whose first event stands at 0 says that time begins ten seconds before."""
    fed = Fed(watcher=RateDetector(RateParams()))
    fed.feed(-10_000)
    assert fed.reports == []
    fed.feed(60_000, Event(0, 0, 1), Event(0, 5, 2))
    assert fed.standing() == {"poll": {"yes": 1}}


@pytest.mark.parametrize("tick_ms", [250, 420_000, 7_200_000, 86_400_000])
def test_ticks_that_do_not_divide_an_hour_are_whole_all_the_same(tick_ms: int) -> None:
    params = RateParams(window_ms=tick_ms, tick_ms=tick_ms, quiet_ms=10 * tick_ms) if tick_ms > 250 else RateParams()
    fed = Fed(watcher=Watcher(params))
    for hour in range(0, 60, 3):
        fed.feed(at((hour + 3) * 3600), vote(hour * 3600 + 1), vote(hour * 3600 + 4000))
    fed.feed(at(300 * 3600))
    assert fed.watcher.votes == 40


def test_the_end_is_reported_when_every_row_was_worked_on() -> None:
    fed = Fed()
    fed.feed(at(9), vote(1), vote(20), standing=Standing.ENDED)
    assert not fed.reports[-1].ended
    fed.feed(at(30), standing=Standing.ENDED)
    assert fed.reports[-1].ended


def finding_at(at_ms: int, poll: int = 0, option: int = -1) -> RateFinding:
    return RateFinding(poll, option, "vote_spike", "opened", at_ms, at_ms - 1000, at_ms, 9.0, 1.0, 1e-9, 2.0, 0)


@pytest.mark.parametrize("cut_s", [None, 4, 5, 6])
def test_a_finding_carries_the_votes_as_they_stood_at_its_time(cut_s: float | None) -> None:
    fed = Fed(watcher=Watcher(asked=[finding_at(at(6)), finding_at(at(8), option=1)]))
    events = [vote(1), vote(5, account=3), vote(5.5, account=3, option="no"), vote(6), vote(7, option="no")]
    if cut_s is None:
        fed.feed(at(10), *events)
    else:
        fed.feed(at(cut_s), *(e for e in events if e.ts_ms < at(cut_s)))
        fed.feed(at(10), *(e for e in events if e.ts_ms >= at(cut_s)))
    found = [finding for report in fed.reports for finding in report.findings]
    assert [(f.at_ms, f.option, f.tally) for f in found] == [
        (at(6), None, {"yes": 1, "no": 1}),
        (at(8), "no", {"yes": 2, "no": 2}),
    ]


def lives(seed: int, polls: int, hours: int) -> list[Event]:
    """Polls that are heard of at random hours, more and less often."""
    rng = random.Random(seed)
    events = [
        vote(rng.uniform(0, hours * 3600) ** (1 + poll % 2 * 0.1), f"p{poll}", option=rng.choice(["yes", None]))
        for poll in range(polls)
        for _ in range(1 + poll % 5)
    ]
    return sorted((e for e in events if e.ts_ms < at(hours * 3600)), key=lambda e: e.ts_ms)


def crowds(seed: int) -> list[Event]:
    """Many polls in each second, more than there is room for."""
    rng = random.Random(seed)
    events = [vote(rng.uniform(0, 30), f"p{rng.randrange(60)}") for _ in range(600)]
    return sorted(events, key=lambda e: e.ts_ms)


@pytest.mark.parametrize("seed", range(4))
def test_those_who_are_too_many_leave_at_the_same_event_time_too(seed: int) -> None:
    print(f"seed {seed}")
    params, events, rng = ShardParams(max_polls=20), crowds(seed), random.Random(seed)
    whole = story_of(params, events, [60])
    assert whole[3][1] > 200, "hardly anybody left: this test says nothing"
    for count in (5, 50):
        cuts = sorted(rng.randrange(30 * 4) / 4 for _ in range(count))
        assert story_of(params, events, [*cuts, 60]) == whole, f"{count} cuts"


def story_of(params: ShardParams, events: list[Event], cuts_s: list[float]) -> tuple[Any, ...]:
    """Return what a shard tells and forgets when time comes to each of `cuts_s` in turn."""
    fed = Fed(params, watcher=Watcher())
    for start_s, end_s in pairwise([0.0, *cuts_s]):
        fed.feed(at(end_s), *(e for e in events if at(start_s) <= e.ts_ms < at(end_s)))
    sums = [fed.total(name) for name in ("polls_retired", "polls_evicted", "polls_entered", "votes")]
    return sorted(fed.watcher.told), fed.standing(), fed.retired(), sums


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most_polls", [1_000, 20])
def test_polls_leave_at_the_same_event_time_however_the_rows_are_released(seed: int, most_polls: int) -> None:
    print(f"seed {seed}")
    params = ShardParams(retain_ms=HOUR_MS, max_polls=most_polls)
    events = lives(seed, polls=60, hours=12)
    rng = random.Random(seed)
    whole = story_of(params, events, [16 * 3600])
    assert whole[3][0] > 30, "hardly anybody left: this test says nothing"
    assert (whole[3][1] > 0) == (most_polls == 20)
    for count in (3, 20, 300):
        cuts = sorted(rng.randrange(12 * 3600 * 4) / 4 for _ in range(count))
        assert story_of(params, events, [*cuts, 16 * 3600]) == whole, f"{count} cuts"


def test_a_poll_that_was_quiet_for_so_long_leaves_with_its_votes() -> None:
    fed = Fed(ShardParams(retain_ms=2 * HOUR_MS))
    fed.feed(at(60), vote(1, account=7), vote(2, "q", account=7))
    fed.feed(at(3 * 3600), vote(2.5 * 3600, "q", option=None))
    assert fed.retired() == {"p": {"yes": 1}}
    assert fed.standing() == {"q": {"yes": 1}}
    assert fed.shard.sizes()["voters"] == 1
    fed.feed(at(4 * 3600), vote(3.5 * 3600, account=7, option="no"))
    assert fed.standing()["p"] == {"no": 1}, "it begins anew"
    assert fed.total("revotes") == 0


def test_when_there_are_too_many_polls_those_quiet_longest_leave() -> None:
    fed = Fed(ShardParams(max_polls=3))
    fed.feed(at(10), vote(1, "a"), vote(2, "b"), vote(3, "c"))
    fed.feed(at(20), vote(12, "a"), vote(13, "d"), vote(14, "e"))
    fed.feed(at(30))
    assert sorted(fed.retired()) == ["b", "c"]
    assert fed.total("polls_evicted") == 2
    assert sorted(fed.standing()) == ["a", "d", "e"]


def nbytes(value: Any) -> int:
    return len(msgspec.msgpack.encode(value))


@pytest.mark.parametrize("hostile", ["new polls", "new polls in copies of one event", "new options", "new replied polls"])
def test_memory_stays_under_its_cap_after_ten_times_as_many_names(hostile: str) -> None:
    most = 500
    fed = Fed(ShardParams(max_polls=most))
    for part in range(120):
        begin_s = part * 10.0
        names = [f"{part}/{i}" for i in range(100)]
        events = [
            vote(
                begin_s + i / 20,
                poll="p" if hostile == "new options" else name,
                event=1 if hostile == "new polls in copies of one event" else 0,
                option=name if hostile == "new options" else None if hostile == "new replied polls" else "yes",
            )
            for i, name in enumerate(names)
        ]
        fed.feed(at(begin_s + 10), *events)
        assert fed.shard.sizes()["polls"] <= most + 100, f"part {part}"
        assert fed.shard.book.names_held() <= 10_000 + 100
    assert fed.shard.sizes()["polls"] <= most
    state = fed.shard.snapshot()
    # a poll costs about 500 bytes, an option 250, an id that may come again 8 of them here
    assert nbytes(state["book"]) < 750 * most + 100 * 10_100, nbytes(state["book"])
    assert len(fed.shard.book.poll_ids) <= most + 200
    assert len(fed.shard.book.option_names) <= most + 200


def test_waiting_rows_leave_memory_when_they_are_released() -> None:
    fed = Fed()
    fed.feed(at(0), *(vote(i) for i in range(1, 500)))
    assert fed.shard.sizes()["waiting_rows"] == 499
    fed.feed(at(1000))
    assert fed.shard.sizes()["waiting_rows"] == 0


@pytest.mark.parametrize("seed", range(4))
def test_a_restored_shard_goes_on_as_if_nothing_had_happened(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    params = ShardParams(retain_ms=HOUR_MS, max_polls=30)
    events = lives(seed, polls=60, hours=6)
    one, other = Fed(params, Watcher()), Fed(params, Watcher())
    for start_s, end_s in pairwise([0.0, *sorted(rng.uniform(0, 6 * 3600) for _ in range(20)), 8 * 3600]):
        part = [e for e in events if at(start_s) <= e.ts_ms < at(end_s)]
        one.feed(at(end_s), *part)
        other.feed(at(end_s), *part)
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(other.shard.snapshot()))
        other.shard = Shard(0, [SOURCE], params, other.watcher)
        other.shard.restore(state)
    assert other.reports == one.reports
    assert other.counted == one.counted
    assert np.array_equal(other.shard.book.votes, one.shard.book.votes[: len(other.shard.book.votes)])


def test_blocks_of_a_source_nobody_knows_are_refused() -> None:
    fed = Fed()
    with pytest.raises(Gap, match=r"check topics\.partitions"):
        fed.shard.accept(Block("poll.votes/9", 0, 1))
