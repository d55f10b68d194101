"""Cases open, speak when there is something new, close, and open again under their id; in one order for everybody."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any, Literal

import msgspec
import pytest
from alert_schema import valid_alert

from detectors.alert import MadeBy
from detectors.case import CaseParams
from detectors.cases import CaseBook, CaseStep, Revision
from detectors.findings import Finding, Report, Retired, Standings
from detectors.inbox import Gap
from detectors.watermark import UNKNOWN_MS
from streams.publish import alert, to_json

START_MS = 1_664_812_800_000
PARAMS = CaseParams()
CLOSE_MS, REOPEN_MS = PARAMS.close_after_ms, PARAMS.reopen_ms
NO_STANDINGS = Standings([], [], [], [])
MADE_BY = MadeBy("test", "0" * 12, "live")


def finding(
    at_s: float,
    score: float = 2.0,
    poll: str = "p",
    kind: Literal["vote_spike", "slow_drip"] = "vote_spike",
    option: str | None = None,
    phase: Literal["opened", "update", "calm"] = "opened",
    observed: float = 60.0,
) -> Finding:
    at_ms = START_MS + round(at_s * 1000)
    return Finding(
        at_ms, poll, option, "rate", kind, phase, score, 1e-9, observed, 10.0, at_ms - 4000, at_ms, {"yes": 90, "no": 30}, 5
    )


def stands(at_s: float, **polls: dict[str, int]) -> Standings:
    """Return how the options of polls stand since `at_s`."""
    entries = [(poll, option, votes) for poll, tally in polls.items() for option, votes in tally.items()]
    at_ms = [START_MS + round(at_s * 1000)] * len(entries)
    return Standings([p for p, _, _ in entries], [o for _, o, _ in entries], [v for _, _, v in entries], at_ms)


class Told:
    """A case book of one shard (or more), told things, and what it said."""

    def __init__(self, shards: int = 1) -> None:
        self.book = CaseBook(shards, PARAMS, MADE_BY)
        self.marks = [UNKNOWN_MS] * shards
        self.said: list[Revision] = []

    def tell(self, until_s: float, *findings: Finding, shard: int = 0, **report: Any) -> CaseStep:
        """Report findings and that time has come to `until_s`."""
        to_ms = START_MS + round(until_s * 1000)
        standings = report.pop("standings", NO_STANDINGS)
        retired, ended = report.pop("retired", []), report.pop("ended", False)
        self.book.accept(Report(shard, self.marks[shard], to_ms, list(findings), standings, retired, ended))
        self.marks[shard] = to_ms
        step = self.book.advance()
        for revision in step.revisions:
            valid_alert(to_json(alert(revision, "/test")))
        self.said += step.revisions
        return step

    def news(self) -> list[tuple[str, int, float]]:
        """Return (news, revision, seconds after the start) of all that was said."""
        return [(r.news, r.data.revision, (r.data.updated_ms - START_MS) / 1000) for r in self.said]


def test_a_case_opens_above_one_and_not_at_one() -> None:
    told = Told()
    told.tell(10, finding(5, score=1.0))
    assert told.said == []
    assert told.book.open_cases == 0
    told.tell(20, finding(15, score=1.01))
    assert told.news() == [("opened", 1, 15)]
    assert told.book.open_cases == 1


def test_calm_opens_nothing_however_high_its_score() -> None:
    told = Told()
    told.tell(10, finding(5, score=9.0, phase="calm"))
    assert told.said == []


def test_it_closes_when_every_score_stayed_below_for_a_while() -> None:
    told = Told()
    told.tell(10, finding(5))
    told.tell(5 + CLOSE_MS / 1000 - 0.001)
    assert told.book.open_cases == 1
    told.tell(5 + CLOSE_MS / 1000)
    assert told.news() == [("opened", 1, 5), ("resolved", 2, 5 + CLOSE_MS / 1000)]
    assert told.book.open_cases == 0


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
    assert told.book.open_cases == 2


def test_a_report_that_is_missing_is_refused_and_repeated_ones_are_passed_over() -> None:
    told = Told()
    told.tell(10, finding(5))
    with pytest.raises(Gap, match=f"shard 0: event time {START_MS + 10_000} to {START_MS + 12_000} was never reported"):
        told.book.accept(Report(0, START_MS + 12_000, START_MS + 13_000, [], NO_STANDINGS, [], False))
    told.marks[0] = UNKNOWN_MS
    told.tell(10, finding(5))
    told.marks[0] = START_MS + 4_000
    assert told.tell(20, finding(5), finding(15, poll="q")).findings == 1
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


def test_the_estimate_follows_what_the_shards_say() -> None:
    told = Told()
    step = told.tell(10, standings=stands(9, p={"yes": 60, "no": 50}, q={"yes": 3}))
    assert sorted(step.changed_polls) == told.book.poll_ids() == ["p", "q"]
    assert "p" in told.book
    assert told.book.integrity("p").options == {"no": 50, "yes": 60}
    step = told.tell(20, standings=stands(17, p={"no": 49}))
    assert (step.changed_polls, told.book.integrity("p").votes) == (["p"], 109)
    assert told.book.integrity("p").updated_ms == START_MS + 17_000, "when its votes changed, not when that was reported"
    assert told.tell(30).changed_polls == []


def test_a_poll_whose_case_changed_has_changed() -> None:
    told = Told()
    told.tell(10, standings=stands(9, p={"yes": 60, "no": 50}))
    assert told.book.integrity("p").outcome.flips == "no"
    assert told.tell(20, finding(15)).changed_polls == ["p"], "50 of its votes are suspect now"
    assert told.book.integrity("p").outcome.flips == "uncertain"
    told.tell(320)
    step = told.tell(20 + (CLOSE_MS + REOPEN_MS) / 1000)
    assert step.changed_polls == ["p"], "its case is forgotten"
    assert told.book.integrity("p").outcome.flips == "no"


def test_a_poll_that_left_leaves_its_last_estimate() -> None:
    told = Told()
    told.tell(10, standings=stands(9, p={"yes": 60}, q={"yes": 50}))
    step = told.tell(20, retired=[Retired(START_MS + 15_000, "p", {"yes": 61})], standings=stands(19, q={"no": 1}))
    assert [(e.poll_id, e.votes, e.updated_ms) for e in step.retired] == [("p", 61, START_MS + 15_000)]
    assert told.book.poll_ids() == step.changed_polls == ["q"]
    gone = Retired(START_MS + 25_000, "q", {"yes": 50, "no": 1})
    step = told.tell(30, retired=[gone], standings=stands(29, q={"no": 2}))
    assert told.book.integrity("q").options == {"no": 2}, "it left and came back"


@pytest.mark.parametrize("cuts", [[1_000], [6, 100, 305, 306, 320], [300], [307]])
@pytest.mark.parametrize(("leaves_s", "suspect"), [(100, True), (1_000, True), (1_206, False)])
def test_a_poll_that_leaves_is_judged_by_the_cases_of_that_time(
    cuts: list[float], leaves_s: float, suspect: bool
) -> None:
    """However its leaving is reported: with the case's opening, or long after it."""
    told, estimates = Told(), []
    gone = Retired(START_MS + round(leaves_s * 1000), "p", {"yes": 60, "no": 50})
    for start_s, end_s in pairwise([0, *cuts, 2_000]):
        left = [gone] if start_s < leaves_s <= end_s else []
        found = [finding(5)] if start_s < 5 <= end_s else []
        estimates += told.tell(end_s, *found, retired=left).retired
    (estimate,) = estimates
    assert (estimate.outcome.flips == "uncertain") == suspect
    assert estimate.updated_ms == gone.at_ms


@pytest.mark.parametrize("until_s", [15, 20])
def test_a_leaving_that_is_reported_again_is_told_once(until_s: float) -> None:
    told = Told()
    gone = Retired(START_MS + 15_000, "p", {"yes": 61})
    assert len(told.tell(until_s, retired=[gone]).retired) == 1
    told.marks[0] = START_MS + 4_000
    assert told.tell(30, retired=[gone], standings=stands(29, p={"yes": 1})).retired == []
    assert told.book.integrity("p").votes == 1


def surges(seed: int) -> list[Finding]:
    """Return findings of some polls over two hours, at most one of each topic at one time."""
    rng = random.Random(seed)
    made = {}
    for _ in range(150):
        at_s, poll = rng.randrange(7_200), f"p{rng.randrange(6)}"
        option = rng.choice([None, "yes"])
        made[at_s, poll, option] = finding(at_s, rng.uniform(0.3, 4), poll, option=option, phase=rng.choice(["opened", "update"]))
    return sorted(made.values(), key=lambda f: (f.at_ms, f.poll_id, f.option or ""))


def story(seed: int, cuts: list[int], restart: float) -> list[bytes]:
    rng, told = random.Random(seed), Told(shards=2)
    found = surges(seed)
    for start_s, end_s in pairwise([-1, *cuts, 12_000]):
        for shard in rng.sample([0, 1], 2):
            mine = [f for f in found if int(f.poll_id[1:]) % 2 == shard]
            told.tell(end_s, *(f for f in mine if start_s < (f.at_ms - START_MS) / 1000 <= end_s), shard=shard)
        if rng.random() < restart:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(told.book.snapshot()))
            told.book = CaseBook(2, PARAMS, MADE_BY)
            told.book.restore(state)
    return [to_json(alert(revision, "/test")) for revision in told.said]


@pytest.mark.parametrize("seed", range(10))
def test_reports_may_be_cut_and_interleaved_and_the_book_restarted_without_a_trace(seed: int) -> None:
    print(f"seed {seed}")
    whole = story(seed, [], restart=0)
    assert len(whole) > 20
    cuts = sorted(random.Random(seed).sample(range(7_200), 40))
    assert story(seed, cuts, restart=0.4) == whole


@pytest.mark.parametrize("seed", range(5))
def test_revisions_count_up_and_news_follow_on_each_other(seed: int) -> None:
    told = Told()
    told.tell(12_000, *surges(seed))
    by_case: dict[str, list[Revision]] = {}
    for revision in told.said:
        by_case.setdefault(revision.data.case_id, []).append(revision)
    for revisions in by_case.values():
        assert [r.data.revision for r in revisions] == list(range(1, len(revisions) + 1))
        is_open = False
        for revision in revisions:
            assert (revision.news == "opened") != is_open, f"seed {seed}"
            is_open = revision.news != "resolved"
    assert all(a.data.updated_ms <= b.data.updated_ms for a, b in pairwise(told.said)), "in order of event time"


def test_cases_and_what_waits_for_time_leave_memory() -> None:
    told = Told()
    for number in range(300):
        told.tell(number * 60 + 1, finding(number * 60, poll=f"p{number}"))
        state = told.book.snapshot()
        assert len(state["cases"]) <= (CLOSE_MS + REOPEN_MS) // 60_000 + 1
        assert state["waiting"] == []
        assert len(told.book._due) <= 2 * len(state["cases"])
