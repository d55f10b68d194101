"""One shard: what it counts, and what it says of it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from columns_by_hand import Event, block_of, shed_block
from fed_shard import SOURCE, Fed, Watcher, at, at_offset, vote

from detectors.block import Standing
from detectors.counted import Counted
from detectors.findings import Rates, Report
from detectors.inbox import UnknownSource
from detectors.rate.detector import RateDetector, RateFinding, RateParams
from detectors.shard import Shard
from detectors.shard_params import ShardParams
from detectors.spans import Spans
from detectors.watcher import Ballots, Sighting


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


def test_polls_that_changed_and_polls_under_suspicion_say_how_fast_they_are_expected_to_vote() -> None:
    fed = Fed()
    fed.feed(at(10), vote(1), vote(2, poll="q"))
    assert fed.reports[-1].rates == Rates(["p", "q"], [0.5, None], [0.0, 0.0])
    fed.watcher.in_episode = [0]
    fed.feed(at(20), vote(11, poll="q"))
    assert fed.reports[-1].rates == Rates(["p", "q"], [0.5, None], [2.0, 0.0])
    fed.feed(at(30))
    assert fed.reports[-1].rates == Rates(["p"], [0.5], [2.0])


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


def test_blocks_of_a_source_nobody_knows_are_refused() -> None:
    fed = Fed()
    with pytest.raises(UnknownSource, match=r"check topics\.partitions"):
        fed.shard.accept(block_of("poll.votes/9", 0, 1))


class Looker:
    """A watcher that writes down what it was shown and what it was not."""

    def __init__(self) -> None:
        self.shown: list[int] = []
        self.skipped = Spans()
        self.until_ms = 0

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        self.shown += ballots.effective_ms.tolist()
        self.until_ms = until_ms
        return []

    def skip(self, from_ms: int, until_ms: int) -> list[Sighting]:
        assert from_ms == self.until_ms, "calls follow on each other"
        self.skipped.add(from_ms, until_ms)
        self.until_ms = until_ms
        return []


@pytest.mark.parametrize("at_once", [False, True])
def test_while_it_sheds_everything_is_counted_and_watchers_are_shown_nothing(at_once: bool) -> None:
    looker, watcher = Looker(), Watcher()
    shard = Shard(0, [SOURCE], ShardParams(), cast(RateDetector, watcher), [cast(Any, looker)])
    reports: list[tuple[Report, Counted]] = []
    for number, shed in enumerate([False, True, False, False, False]):
        events = [at_offset(vote(20 * number + at), 10 * number + at) for at in range(10)]
        block = block_of(SOURCE, 10 * number, 10 * number + 10, events, [(10 * number + 10, at(20 * number + 19))])
        shard.accept(shed_block(block, shed))
        advanced = None if at_once and number < 4 else shard.advance()
        reports += [advanced] if advanced else []
    # the block that was shed passed 12:00:19 to 12:00:39
    assert list(looker.skipped) == [(at(19), at(60))]
    assert [ms for ms in looker.shown if ms < at(99)] == [at(20 * n + s) for n in (0, 3, 4) for s in range(10)]
    assert list(Spans(span for report, _ in reports for span in report.shed)) == [(at(19), at(60))]
    assert sum(counted.unwatched for _, counted in reports) == 20
    assert watcher.votes == sum(counted.votes for _, counted in reports) == 50
