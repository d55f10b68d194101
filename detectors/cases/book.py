"""Findings become cases: opened, revised, resolved, numbered; one sequence in event time, whoever reported first.

A case opens on a finding above 1.0 and is resolved when nothing scored `close_below` or more for `close_after_ms`. It
is revised only when there is something new to say: at once when the verdict changes or a detector of another kind
speaks, else at most every `revise_every_ms`. Within `reopen_ms` after it was resolved it opens again under its id.
State: what `detectors.cases.shelf`, `detectors.cases.counts` and `detectors.cases.lessons` say, and the spans that were shed, for a
day: few a minute.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import groupby
from typing import Any

import msgspec

from detectors.alert import Integrity, MadeBy
from detectors.cases.case import UNSEEN_KEPT_MS, Case, CaseParams
from detectors.cases.census import Census, census
from detectors.cases.counts import PollCounts
from detectors.cases.decision import Decision, DecisionParams
from detectors.cases.impact import integrity
from detectors.cases.lessons import Lessons
from detectors.cases.news import (
    CaseStep,
    closes_ms,
    decided_news,
    leaves_ms,
    news_of,
    wakes_ms,
)
from detectors.cases.rulings import Ruling, rule
from detectors.cases.shelf import Shelf
from detectors.cases.voice import Voice
from detectors.findings import Finding, Report, Retired, without_account
from detectors.inbox import Gap
from detectors.spans import Spans
from detectors.watermark import UNKNOWN_MS

MOST_ORDERS = 4_096
_NEVER_MS = 1 << 62


class CaseBook:
    """All cases and the standing of all polls; `shards` is how many shards report."""

    def __init__(
        self, shards: int, params: CaseParams, made_by: MadeBy, decisions: DecisionParams = DecisionParams()  # noqa: B008  frozen
    ) -> None:
        self._params = params
        self._decisions = decisions
        self._lessons = Lessons(decisions.learn_from_ms)
        self._voice = Voice(params, made_by, self._lessons)
        self._mark_ms: list[int | None] = [None] * shards
        self._ended = [False] * shards
        self._waiting: list[Finding] = []
        self._shelf = Shelf(params)
        self._due: list[tuple[int, str]] = []
        self._wakes_ms: dict[str, int] = {}
        self._counts = PollCounts()
        self._leaving: list[tuple[int, str, Retired]] = []
        self._shed = Spans()
        self._orders: dict[str, None] = {}

    def census(self) -> Census:
        """Return how many cases are open, and how much of the room for names is taken."""
        return census(self._shelf.cases.values(), self._shelf.fullness())

    def ended(self) -> bool:
        """Tell whether every shard said that nothing more comes."""
        return all(self._ended)

    def accept(self, report: Report) -> None:
        """Take a report; what was reported before is passed over. Raises `Gap` when one is missing before it."""
        mark = self._mark_ms[report.shard]
        if mark is not None and report.from_ms > mark:
            raise Gap(f"shard {report.shard}: event time {mark} to {report.from_ms} was never reported")
        self._ended[report.shard] = report.ended
        if mark is not None and report.to_ms <= mark:
            return
        self._waiting += [f for f in report.findings if mark is None or f.at_ms > mark]
        self._mark_ms[report.shard] = report.to_ms
        for start_ms, end_ms in report.shed:
            self._shed.add(start_ms, end_ms)
        for gone in report.retired:
            if mark is None or gone.at_ms > mark:
                heappush(self._leaving, (gone.at_ms, gone.poll_id, gone))
        self._counts.take(report)

    def advance(self) -> CaseStep:
        """Work through all event time that every shard has reported."""
        step = CaseStep()
        frontier_ms = self._frontier_ms
        due = sorted((f for f in self._waiting if f.at_ms <= frontier_ms), key=_order)
        self._waiting = [f for f in self._waiting if f.at_ms > frontier_ms]
        for at_ms, at_once in groupby(due, key=lambda finding: finding.at_ms):
            self._come_to(at_ms, step)
            self._hear(list(at_once), at_ms, step)
        self._come_to(frontier_ms, step)
        if self.ended():
            self._voice.say_the_rest(self._shelf.cases.values(), step)
        self._shed.forget_before(frontier_ms - UNSEEN_KEPT_MS)
        step.changed_polls = self._counts.take_changed()
        return step

    @property
    def _frontier_ms(self) -> int:
        return min(UNKNOWN_MS if mark is None else mark for mark in self._mark_ms)

    def decide(self, decision: Decision, arrived_ms: int) -> tuple[Ruling, CaseStep]:
        """Take a decision that the broker took at `arrived_ms`; return what became of it and what follows.

        What was accepted before is worked through first, so it is taken at one place in the sequence of reports.
        """
        step, at_ms = self.advance(), self._frontier_ms
        case = self._shelf.find(decision.case_id)
        was_refuted, named = (case.is_refuted, case.names) if case is not None else (False, 0)
        ruling = rule(case, decision, arrived_ms, at_ms, self._decisions, self._lessons)
        if case is not None and ruling.outcome == "taken":
            self._counts.change(case.rejudge(), at_ms)
            # who never was handed anybody is told nothing of a case that names nobody
            case.items_changed += case.names != named or (case.is_refuted != was_refuted and case.item_revision > 0)
            news = decided_news(case, was_refuted)
            if news == "opened":
                self._shelf.reopen(case, 0)
                case.hot_ms = at_ms
            elif case.is_refuted and case.is_open:
                case.resolved_ms = at_ms
            if case.items_changed and case.item_revision:
                step.items += self._voice.items(case, at_ms)
            self._voice.revise(case, news, at_ms, step)
            self._schedule(case)
            step.changed_polls += self._counts.take_changed()
        return ruling, step

    def erase(self, account_id: str, order: str) -> CaseStep:
        """Forget an account, and send the items that named or cleared it again without it; nothing where `order` was done.

        What was accepted before is worked through first, so it is forgotten at one place in the sequence of reports. The
        last `MOST_ORDERS` orders are remembered: shards that work through a part of the log again repeat them.
        """
        step = self.advance()
        if order in self._orders:
            return step
        self._orders[order] = None
        if len(self._orders) > MOST_ORDERS:
            del self._orders[next(iter(self._orders))]
        self._waiting = [without_account(finding, account_id) for finding in self._waiting]
        self._lessons.erase(account_id)
        for case in self._shelf.erase(account_id):
            step.items += self._voice.items(case, max(case.touched_ms, case.items_said_ms))
        return step

    def accounts_of(self, case_id: str) -> list[str]:
        """Return the accounts that a case named; none of one that is not remembered."""
        case = self._shelf.find(case_id)
        return [] if case is None else list(case.listed)

    def integrity(self, poll_id: str) -> Integrity:
        """Return the running estimate of a poll that was in `changed_polls`."""
        return self._counts.integrity(poll_id, self._shelf.estimate(poll_id))

    def take_gained(self) -> dict[str, int]:
        """Return how many votes polls have gained since this was last asked: for display, nothing depends on it."""
        return self._counts.take_gained()

    def __contains__(self, poll_id: object) -> bool:
        """Tell whether there is an estimate of this poll."""
        return poll_id in self._counts

    def poll_ids(self) -> list[str]:
        """Return all polls there is an estimate of, in order of name."""
        return self._counts.poll_ids()

    def _hear(self, findings: list[Finding], at_ms: int, step: CaseStep) -> None:
        """Take all that was found at one moment; each case it is about speaks at most once."""
        heard = {case.case_id: case for finding in findings for case in self._shelf.take(finding)}
        touched = sorted(heard.values(), key=lambda case: case.sort_key)
        for case in touched:
            case.look_past(self._shed, at_ms)
            self._counts.change(case.rejudge(), at_ms)
        speaking: dict[str, Case] = {}
        for case in touched:
            if case.case_id in self._shelf.cases:
                survivor, ended = self._shelf.unite(case)
                self._counts.change(survivor.poll_ids() if ended else [], at_ms)
                for loser in ended:
                    speaking.pop(loser.case_id, None)
                    self._end(loser, at_ms, step)
                speaking[survivor.case_id] = survivor
        for case in speaking.values():
            self._voice.speak(case, news_of(case, at_ms, self._params), at_ms, step)
            self._schedule(case)

    def _end(self, loser: Case, at_ms: int, step: CaseStep) -> None:
        loser.resolved_ms = at_ms
        if loser.revision:
            self._voice.speak(loser, "resolved", at_ms, step)

    def _come_to(self, at_ms: int, step: CaseStep) -> None:
        """Let happen what is due by `at_ms`, in order: polls leave, cases speak, are resolved, and are forgotten."""
        while True:
            due_ms = self._due[0][0] if self._due else _NEVER_MS
            leaves_ms = self._leaving[0][0] if self._leaving else _NEVER_MS
            if min(due_ms, leaves_ms) > at_ms:
                return
            if leaves_ms <= due_ms:
                _, poll_id, gone = heappop(self._leaving)
                step.retired.append(integrity(poll_id, gone.votes, self._shelf.estimate(poll_id), leaves_ms))
                self._shelf.forget_poll(poll_id)
            else:
                self._wake(*heappop(self._due), step)

    def _wake(self, due_ms: int, case_id: str, step: CaseStep) -> None:
        if self._wakes_ms.get(case_id) != due_ms:
            return  # it was looked at since
        del self._wakes_ms[case_id]
        case = self._shelf.cases.get(case_id)
        if case is None:
            return
        if case.is_open and due_ms >= closes_ms(case, self._params):
            case.resolved_ms = due_ms
            self._voice.speak(case, "resolved", due_ms, step)
            if case.item_revision:
                self._shelf.give_up_homes(case)
        elif not case.is_open and due_ms >= leaves_ms(case, self._params):
            self._leave(case)
        else:
            self._voice.speak(case, news_of(case, due_ms, self._params), due_ms, step)
        if case_id in self._shelf.cases:
            self._schedule(case)

    def _leave(self, case: Case) -> None:
        if case.homes:
            self._shelf.give_up_homes(case)
        else:
            self._shelf.forget(case)

    def _schedule(self, case: Case) -> None:
        """See to it that the case is looked at when it is due, and not much before."""
        wakes = wakes_ms(case, self._params)
        if wakes < self._wakes_ms.get(case.case_id, _NEVER_MS):
            self._wakes_ms[case.case_id] = wakes
            heappush(self._due, (wakes, case.case_id))

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "mark_ms": list(self._mark_ms),
            "ended": list(self._ended),
            "waiting": msgspec.to_builtins(self._waiting),
            "leaving": msgspec.to_builtins([gone for _, _, gone in self._leaving]),
            "shelf": self._shelf.snapshot(),
            **self._counts.snapshot(),
            "shed": list(self._shed),
            "orders": list(self._orders),
            "lessons": self._lessons.snapshot(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._mark_ms = list(state["mark_ms"])
        self._ended = list(state["ended"])
        self._waiting = msgspec.convert(state["waiting"], list[Finding])
        leaving = msgspec.convert(state["leaving"], list[Retired])
        self._leaving = sorted((gone.at_ms, gone.poll_id, gone) for gone in leaving)
        self._shelf.restore(state["shelf"])
        self._due, self._wakes_ms = [], {}
        for case in self._shelf.cases.values():
            self._schedule(case)
        self._counts.restore(state)
        self._shed = Spans(state["shed"])
        self._orders = dict.fromkeys(state["orders"])
        # snapshots of workers that knew no decisions have none
        self._lessons.restore(state.get("lessons", []))


def _order(finding: Finding) -> tuple[int, str, str, str, str, str]:
    """Return the place of a finding in the one sequence; one shard's own order decides between equals."""
    return (finding.at_ms, finding.poll_id, finding.detector, finding.kind, finding.cluster, finding.option or "")
