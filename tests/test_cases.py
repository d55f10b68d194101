"""Cases open, speak when there is something new, close, and open again under their id."""

from __future__ import annotations

import msgspec
import pytest
from told_cases import CLOSE_MS, NO_STANDINGS, REOPEN_MS, START_MS, Told, finding

from detectors.findings import Report
from detectors.inbox import Gap
from detectors.watermark import UNKNOWN_MS


def test_a_case_opens_above_one_and_not_at_one() -> None:
    told = Told()
    told.tell(10, finding(5, score=1.0))
    assert told.said == []
    assert told.open() == 0
    told.tell(20, finding(15, score=1.01))
    assert told.news() == [("opened", 1, 15)]
    assert told.open() == 1


def test_calm_opens_nothing_however_high_its_score() -> None:
    told = Told()
    told.tell(10, finding(5, score=9.0, phase="calm"))
    assert told.said == []


def test_it_closes_when_every_score_stayed_below_for_a_while() -> None:
    told = Told()
    told.tell(10, finding(5))
    told.tell(5 + CLOSE_MS / 1000 - 0.001)
    assert told.open() == 1
    told.tell(5 + CLOSE_MS / 1000)
    assert told.news() == [("opened", 1, 5), ("resolved", 2, 5 + CLOSE_MS / 1000)]
    assert told.open() == 0


@pytest.mark.parametrize(("score", "closes_s"), [(0.69, 305), (0.7, 405), (1.5, 405)])
def test_a_score_that_is_not_below_keeps_it_open(score: float, closes_s: float) -> None:
    told = Told()
    told.tell(10, finding(5))
    told.tell(200, finding(105, score=score, phase="update"))
    told.tell(2_000)
    assert told.news()[-1] == ("resolved", 2, closes_s)


def test_it_never_repeats_itself() -> None:
    told = Told()
    for at_s in range(0, 600, 10):
        told.tell(at_s + 1, finding(at_s, score=2.0, phase="update" if at_s else "opened"))
    assert told.news() == [("opened", 1, 0)]


def test_it_speaks_again_when_the_score_has_grown_and_some_time_has_passed() -> None:
    told = Told()
    told.tell(1, finding(0, score=2.0))
    told.tell(31, finding(30, score=4.0, phase="update"))
    assert len(told.said) == 1, "half a minute after it spoke"
    told.tell(61, finding(60, score=2.0, phase="update"))
    assert told.news()[1:] == [("updated", 2, 60)], "twice the score that was told, and a minute is over"
    assert told.said[1].data.score == 4.0
    told.tell(200, finding(190, score=5.9, phase="update"))
    assert len(told.said) == 2, "less than half as much again"


def test_a_topic_that_is_new_is_told_at_once() -> None:
    told = Told()
    told.tell(1, finding(0))
    told.tell(3, finding(2, score=1.5, option="yes"), finding(2.5, score=1.5, option="yes", phase="update"))
    told.tell(5, finding(4, score=1.2, kind="slow_drip"), finding(4.5, score=0.9, option="no"))
    assert told.news() == [("opened", 1, 0), ("updated", 2, 2), ("updated", 3, 4)]
    assert told.said[-1].data.kinds == ["slow_drip", "vote_spike"]


def test_within_the_cool_down_it_opens_again_under_its_id() -> None:
    told = Told()
    told.tell(10, finding(5))
    again_s = 5 + (CLOSE_MS + REOPEN_MS) / 1000 - 1
    told.tell(again_s + 1, finding(again_s))
    told.tell(again_s + 2 + CLOSE_MS / 1000)
    assert [news for news, _, _ in told.news()] == ["opened", "resolved", "opened", "resolved"]
    assert [revision for _, revision, _ in told.news()] == [1, 2, 3, 4]
    assert len({revision.data.case_id for revision in told.said}) == 1
    assert {revision.data.opened_ms for revision in told.said} == {START_MS + 5_000}


def test_after_the_cool_down_it_is_another_case() -> None:
    told = Told()
    told.tell(10, finding(5))
    again_s = 5 + (CLOSE_MS + REOPEN_MS) / 1000
    told.tell(again_s + 1, finding(again_s))
    assert told.news()[-1] == ("opened", 1, again_s)
    assert len({revision.data.case_id for revision in told.said}) == 2


def test_ids_come_from_the_poll_and_the_first_anomalous_window_alone() -> None:
    ids = []
    for score, arrived_ms, poll in ((2.0, 1, "p"), (9.0, 77, "p"), (2.0, 1, "q")):
        told = Told()
        told.tell(1, msgspec.structs.replace(finding(0, score=score, poll=poll), arrived_ms=arrived_ms))
        ids.append(told.said[0].data.case_id)
    assert ids[0] == ids[1] != ids[2]
    assert ids[0] == "72a4f548fb14a458", "what consumers hold on to: change it only on purpose"


def test_polls_have_cases_of_their_own() -> None:
    told = Told()
    told.tell(10, finding(5), finding(6, poll="q"))
    assert [r.data.poll_ids for r in told.said] == [["p"], ["q"]]
    assert told.open() == 2


def test_a_report_that_is_missing_is_refused_and_repeated_ones_are_passed_over() -> None:
    told = Told()
    told.tell(10, finding(5))
    with pytest.raises(Gap, match=f"shard 0: event time {START_MS + 10_000} to {START_MS + 12_000} was never reported"):
        told.book.accept(Report(0, START_MS + 12_000, START_MS + 13_000, [], NO_STANDINGS, [], False))
    told.marks[0] = UNKNOWN_MS
    told.tell(10, finding(5))
    told.marks[0] = START_MS + 4_000
    told.tell(20, finding(5), finding(15, poll="q"))
    assert told.news() == [("opened", 1, 5), ("opened", 1, 15)]


def test_nothing_is_said_before_every_shard_has_come_so_far() -> None:
    told = Told(shards=2)
    told.tell(100, finding(50), shard=0)
    assert told.said == []
    told.tell(30, shard=1)
    assert told.said == []
    told.tell(60, finding(40, poll="q"), shard=1)
    assert [r.data.poll_ids[0] for r in told.said] == ["q", "p"], "in order of event time, not of reports"


def test_the_end_has_come_when_it_has_for_every_shard() -> None:
    told = Told(shards=2)
    told.tell(10, shard=0, ended=True)
    assert not told.book.ended()
    told.tell(10, shard=1, ended=True)
    assert told.book.ended()
    told.tell(20, shard=1)
    assert not told.book.ended()
