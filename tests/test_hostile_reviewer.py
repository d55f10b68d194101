"""What somebody who may decide, and means ill, can do at most; and what no sequence of decisions does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec
import pytest
from alert_schema import valid_alert
from hypothesis import example, given
from hypothesis import strategies as st
from told_cases import MADE_BY, PARAMS, START_MS, Told, crowd, finding, people, sighting, stands

from detectors.alert import CaseData, DecisionKind
from detectors.cases.book import CaseBook
from detectors.cases.decision import MOST_DECISIONS, Decision, NotTaken
from detectors.cases.lessons import MOST_MOVED, STRONG_FLOOR
from detectors.cases.news import CaseStep
from detectors.findings import Finding, Report
from detectors.watermark import UNKNOWN_MS
from streams.publish import alert, to_json

KINDS: tuple[DecisionKind, ...] = ("confirmed", "false_positive", "disputed", "needs_more")
ONE, MANY = ("mallory",), tuple(f"sock {number}" for number in range(50))


def attack(at_s: float, poll: str, score: float = 3.0, votes: float = 100, count: int = 100) -> Finding:
    return sighting(at_s, poll, votes=votes, accounts=people(count, f"{poll}-"), score=score, detector="crowd", cluster="script")


def attacked(polls: int, score: float) -> tuple[Told, list[CaseData]]:
    """Return a book in which that many polls were attacked alike, and what it said of them."""
    told = Told()
    told.tell(10, *(attack(5, f"poll {number}", score) for number in range(polls)))
    return told, [one.data for one in told.said]


@pytest.mark.parametrize("voices", [ONE, MANY], ids=["one voice", "fifty voices"])
@pytest.mark.parametrize("score", [1.5, 3.0], ids=["weak", "strong"])
def test_thousands_of_false_positives_switch_nothing_off(voices: Sequence[str], score: float) -> None:
    told, cases = attacked(60, score)
    before = cases[-1]
    for number in range(2_000):
        case = cases[number % (len(cases) - 1)]
        told.book.decide(Decision(case.case_id, "false_positive", voices[number % len(voices)], START_MS + number, None, "x"), START_MS + 10**9)
    said = len(told.said)
    told.tell(100, attack(50, "another poll", score), attack(51, cases[-1].poll_ids[0], score, votes=150, count=150))
    after = {one.data.poll_ids[0]: one for one in told.said[said:]}
    fresh = after["another poll"]
    assert (fresh.news, fresh.data.verdict, fresh.data.severity) == ("opened", "coordinated", before.severity)
    assert fresh.data.polls[0].suspect.votes == 100
    assert {f"another poll-{number}" for number in range(100)} <= told.named()
    confidence = fresh.data.confidence
    assert confidence >= before.confidence - MOST_MOVED - 1e-6
    assert score < 2 or confidence >= STRONG_FLOOR
    assert voices is MANY or confidence == before.confidence, "one voice moves nothing"
    assert told.book.census().verdicts["coordinated"] == 2, "the case that nobody decided on stands"


def test_who_takes_an_attack_back_again_and_again_is_told_of_it_each_time_it_doubles() -> None:
    told = Told()
    votes, at_s = 100, 5.0
    while votes < 12_000:
        told.tell(at_s + 1, attack(at_s, "p", votes=votes, count=min(votes, 400)))
        if told.said[-1].news != "retracted":
            told.decide("false_positive", by="mallory", at_s=at_s)
        votes, at_s = round(votes * 1.1), at_s + 2
    opened = [one.data.polls[0].suspect.votes for one in told.said if one.news == "opened"]
    assert len(opened) >= 7
    assert all(later <= 2.2 * earlier for earlier, later in pairwise(opened))


def test_another_reviewer_undoes_all_of_it() -> None:
    told, cases = attacked(3, 3.0)
    for number in range(60):
        told.decide("false_positive", by=f"sock {number}", at_s=number, case_id=cases[0].case_id)
    told.decide("disputed", by="anna", at_s=60, case_id=cases[0].case_id)
    last = told.said[-1]
    assert (last.news, last.data.verdict, last.data.polls) == ("opened", "coordinated", cases[0].polls)


Step = tuple[str, int, int, int]
STEPS = st.tuples(st.sampled_from(["script", "ring", "rate", "crowd", "calm", "wait", *KINDS]), *[st.integers(0, 3)] * 3)
TALLIES = {"p": {"yes": 700, "no": 300}, "q": {"yes": 10, "no": 90}}


class Pair:
    """A book that is never disturbed, and one that is stopped again and again and hears each decision three times."""

    def __init__(self) -> None:
        self.books = [CaseBook(1, PARAMS, MADE_BY), CaseBook(1, PARAMS, MADE_BY)]
        self.steps = [CaseStep(), CaseStep()]
        self.taken: list[Decision] = []
        self.mark_ms, self.at_s = UNKNOWN_MS, 10.0

    def take(self, step: Step) -> None:
        """Let something be found, or decided."""
        what, first, second, third = step
        self.at_s += 20 + 100 * third
        if what in KINDS:
            self._decide(what, first, second, third)
        else:
            self._report(self._found(what, first, second, third))
        if first == 1:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(self.books[1].snapshot()))
            self.books[1] = CaseBook(1, PARAMS, MADE_BY)
            self.books[1].restore(state)

    def _found(self, what: str, first: int, second: int, third: int) -> list[Finding]:
        poll, at_s = "pq"[first % 2], self.at_s - 5
        found: dict[str, Callable[[], Finding]] = {
            "script": lambda: attack(at_s, poll, 1.0 + second, 50.0 * 2**third, 50 * 2**third),
            "ring": lambda: sighting(at_s, "p", "q", accounts=people(20 * (1 + third), "ring"), score=1.0 + second),
            "rate": lambda: finding(at_s, 1.0 + second, poll),
            "crowd": lambda: crowd(at_s, poll, 1 + second % 2),
            "calm": lambda: sighting(at_s, poll, phase="calm", detector="crowd", cluster="script", score=0.0, lean="none"),
        }
        return [found[what]()] if what in found else []

    def _report(self, findings: list[Finding]) -> None:
        to_ms = START_MS + round(self.at_s * 1000)
        for book, step in zip(self.books, self.steps, strict=True):
            book.accept(Report(0, self.mark_ms, to_ms, findings, stands(self.at_s, **TALLIES), [], False))
            _add(step, book.advance())
        self.mark_ms = to_ms

    def _decide(self, what: DecisionKind, first: int, second: int, third: int) -> None:
        said = self.steps[0].revisions
        if not said:
            return
        case_id = said[-1 - min(first, len(said) - 1)].data.case_id
        accounts = [None, ["p-0", "p-1", "ring3"], people(50, "p-"), ["nobody"]][second]
        decision = Decision(case_id, what, f"voice {third}", START_MS + round(1000 * self.at_s) - 60_000 * third, accounts, "why")
        arrived_ms = START_MS + 10**9
        ruling, step = self.books[0].decide(decision, arrived_ms)
        _add(self.steps[0], step)
        if not isinstance(ruling.outcome, NotTaken):
            self.taken.append(decision)
        for again in (decision, *self.taken[-2:]):
            _add(self.steps[1], self.books[1].decide(again, arrived_ms)[1])


def _add(said: CaseStep, step: CaseStep) -> None:
    said.revisions += step.revisions
    said.items += step.items


@given(st.lists(STEPS, max_size=25))
@example([("rate", 0, 1, 0), ("false_positive", 0, 0, 0)])  # a case that names nobody
def test_no_sequence_of_findings_and_decisions_breaks_what_is_promised(steps: list[Step]) -> None:
    pair = Pair()
    for step in steps:
        pair.take(step)
        assert pair.steps[0] == pair.steps[1], "stops and repeats change nothing"
        if pair.steps[0].revisions:
            hold(pair)


def hold(pair: Pair) -> None:
    """Fail unless what was said last is consistent."""
    said, book = pair.steps[0], pair.books[0]
    for revision in said.revisions[-3:]:
        valid_alert(to_json(alert(revision, "/test")))
    for poll_id in book.poll_ids():
        estimate = book.integrity(poll_id)
        assert 0 <= estimate.suspect_share_low <= estimate.suspect_share_high <= 1
        assert 0 <= estimate.suspect_votes <= estimate.votes
    last = {one.data.case_id: one for one in said.revisions}
    for case_id, revision in last.items():
        numbers = [one.data.revision for one in said.revisions if one.data.case_id == case_id]
        assert numbers == list(range(1, len(numbers) + 1))
        items = [one for one in said.items if one.case_id == case_id]
        newest = [one for one in items if one.revision == items[-1].revision]
        named = {account.account_id for one in newest for account in one.accounts}
        cleared = {account_id for one in newest for account_id in one.cleared}
        assert named.isdisjoint(cleared)
        ever = {account.account_id for one in items for account in one.accounts}
        assert revision.data.merged_into or ever == named | cleared
        if revision.news == "retracted" and revision.data.review is not None:
            assert not named
            assert not any(poll.suspect.votes for poll in revision.data.polls)
        if revision.data.summary.startswith("A reviewer called this"):
            assert revision.news == "retracted" or revision.data.merged_into
            assert (revision.data.severity, revision.data.recommended.action) == ("info", "none")
    for case in book._shelf.cases.values():
        assert len(case.decisions) <= MOST_DECISIONS
        assert all(claim.dismissal is None or not claim.standing for claim in case.claims)
