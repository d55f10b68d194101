"""Findings become cases: opened, revised, resolved, numbered; one sequence in event time, whoever reported first.

A case opens on a finding above 1.0 and is resolved when nothing scored `close_below` or more for `close_after_ms`. It
is revised only when there is something new to say: at once when the verdict changes or a detector of another kind
speaks, else at most every `revise_every_ms`. Within `reopen_ms` after it was resolved it opens again under its id.
State: what `detectors.cases.shelf` says, 200 bytes an option of a poll, 300 a poll, and the spans that were shed, for a day: few a
minute.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import groupby
from typing import Any

import msgspec

from detectors.alert import Integrity, MadeBy
from detectors.cases.case import UNSEEN_KEPT_MS, Case, CaseParams, case_data, case_items
from detectors.cases.census import Census, census
from detectors.cases.impact import UNKNOWN_PACE, Pace, integrity
from detectors.cases.moderation import ModerationItem
from detectors.cases.news import (
    CaseStep,
    News,
    Revision,
    closes_ms,
    has_grown,
    items_due_ms,
    leaves_ms,
    news_of,
    wakes_ms,
)
from detectors.cases.shelf import Shelf
from detectors.findings import Finding, Report, Retired, without_account
from detectors.inbox import Gap
from detectors.spans import Spans
from detectors.watermark import UNKNOWN_MS

MOST_ORDERS = 4_096
_NEVER_MS = 1 << 62


class CaseBook:
    """All cases and the standing of all polls; `shards` is how many shards report."""

    def __init__(self, shards: int, params: CaseParams, made_by: MadeBy) -> None:
        self._params = params
        self._made_by = made_by
        self._mark_ms: list[int | None] = [None] * shards
        self._ended = [False] * shards
        self._waiting: list[Finding] = []
        self._shelf = Shelf(params)
        self._due: list[tuple[int, str]] = []
        self._wakes_ms: dict[str, int] = {}
        self._tally: dict[str, dict[str, int]] = {}
        self._updated_ms: dict[str, int] = {}
        self._paces: dict[str, Pace] = {}
        self._gained: dict[str, int] = {}
        self._changed: dict[str, None] = {}
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
            for known in (self._tally, self._updated_ms, self._paces, self._gained, self._changed):
                known.pop(gone.poll_id, None)
            if mark is None or gone.at_ms > mark:
                heappush(self._leaving, (gone.at_ms, gone.poll_id, gone))
        s = report.standings
        for poll_id, option, votes, at_ms in zip(s.poll_ids, s.options, s.votes, s.updated_ms, strict=True):
            tally = self._tally.setdefault(poll_id, {})
            self._gained[poll_id] = self._gained.get(poll_id, 0) + votes - tally.get(option, 0)
            tally[option] = votes
            self._change([poll_id], at_ms)
        r = report.rates
        for poll_id, expected_per_s, score in zip(r.poll_ids, r.expected_per_s, r.scores, strict=True):
            if poll_id in self._tally:
                self._paces[poll_id] = Pace(expected_per_s, score)
                self._changed[poll_id] = None

    def advance(self) -> CaseStep:
        """Work through all event time that every shard has reported."""
        step = CaseStep()
        frontier_ms = min(UNKNOWN_MS if mark is None else mark for mark in self._mark_ms)
        due = sorted((f for f in self._waiting if f.at_ms <= frontier_ms), key=_order)
        self._waiting = [f for f in self._waiting if f.at_ms > frontier_ms]
        for at_ms, at_once in groupby(due, key=lambda finding: finding.at_ms):
            self._come_to(at_ms, step)
            self._hear(list(at_once), at_ms, step)
        self._come_to(frontier_ms, step)
        if self.ended():
            self._say_the_rest(step)
        self._shed.forget_before(frontier_ms - UNSEEN_KEPT_MS)
        step.changed_polls, self._changed = list(self._changed), {}
        return step

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
        for case in self._shelf.erase(account_id):
            step.items += self._items(case, max(case.touched_ms, case.items_said_ms))
        return step

    def integrity(self, poll_id: str) -> Integrity:
        """Return the running estimate of a poll that was in `changed_polls`."""
        tally, suspect = self._tally[poll_id], self._shelf.estimate(poll_id)
        return integrity(poll_id, tally, suspect, self._updated_ms[poll_id], self._paces.get(poll_id, UNKNOWN_PACE))

    def take_gained(self) -> dict[str, int]:
        """Return how many votes polls have gained since this was last asked: for display, nothing depends on it."""
        gained, self._gained = self._gained, {}
        return gained

    def __contains__(self, poll_id: object) -> bool:
        """Tell whether there is an estimate of this poll."""
        return poll_id in self._tally

    def poll_ids(self) -> list[str]:
        """Return all polls there is an estimate of, in order of name."""
        return sorted(self._tally)

    def _hear(self, findings: list[Finding], at_ms: int, step: CaseStep) -> None:
        """Take all that was found at one moment; each case it is about speaks at most once."""
        heard = {case.case_id: case for finding in findings for case in self._shelf.take(finding)}
        touched = sorted(heard.values(), key=lambda case: case.sort_key)
        for case in touched:
            case.look_past(self._shed, at_ms)
            self._change(case.rejudge(), at_ms)
        speaking: dict[str, Case] = {}
        for case in touched:
            if case.case_id in self._shelf.cases:
                survivor, ended = self._shelf.unite(case)
                self._change(survivor.poll_ids() if ended else [], at_ms)
                for loser in ended:
                    speaking.pop(loser.case_id, None)
                    self._end(loser, at_ms, step)
                speaking[survivor.case_id] = survivor
        for case in speaking.values():
            self._speak(case, news_of(case, at_ms, self._params), at_ms, step)
            self._schedule(case)

    def _end(self, loser: Case, at_ms: int, step: CaseStep) -> None:
        loser.resolved_ms = at_ms
        if loser.revision:
            self._speak(loser, "resolved", at_ms, step)

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
            self._speak(case, "resolved", due_ms, step)
            if case.item_revision:
                self._shelf.give_up_homes(case)
        elif not case.is_open and due_ms >= leaves_ms(case, self._params):
            self._leave(case)
        else:
            self._speak(case, news_of(case, due_ms, self._params), due_ms, step)
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

    def _speak(self, case: Case, news: News | None, at_ms: int, step: CaseStep) -> None:
        """Publish what is due: the items of a case, and a revision when there is news."""
        if case.items_changed and (news == "resolved" or at_ms >= items_due_ms(case, self._params)):
            step.items += self._items(case, at_ms)
        if news is not None:
            step.revisions.append(self._revise(case, news, at_ms))

    def _say_the_rest(self, step: CaseStep) -> None:
        """Say what was held back: nothing more comes."""
        for case in sorted(self._shelf.cases.values(), key=lambda case: case.sort_key):
            if case.items_changed:
                step.items += self._items(case, case.touched_ms)
            if case.is_open and has_grown(case, self._params):
                step.revisions.append(self._revise(case, "updated", case.touched_ms))

    def _items(self, case: Case, at_ms: int) -> list[ModerationItem]:
        case.items_changed, case.items_said_ms = 0, at_ms
        case.item_revision += 1
        return case_items(case, self._params, self._made_by)

    def _revise(self, case: Case, news: News, at_ms: int) -> Revision:
        case.revision += 1
        case.said_ms, case.said_score, case.said_verdict = at_ms, case.score, case.judged.verdict
        case.said_votes = {poll_id: suspect.votes for poll_id, suspect in case.estimates.items()}
        case.opening = case.fresh = False
        data = case_data(case, self._params, self._made_by)
        case.said_severity = data.severity
        return Revision(news, data, case.arrived_ms if news == "opened" else 0)

    def _change(self, poll_ids: list[str], at_ms: int) -> None:
        for poll_id in poll_ids:
            if poll_id in self._tally:
                self._changed[poll_id] = None
                self._updated_ms[poll_id] = max(at_ms, self._updated_ms.get(poll_id, at_ms))

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "mark_ms": list(self._mark_ms),
            "ended": list(self._ended),
            "waiting": msgspec.to_builtins(self._waiting),
            "leaving": msgspec.to_builtins([gone for _, _, gone in self._leaving]),
            "shelf": self._shelf.snapshot(),
            "tally": {poll_id: dict(tally) for poll_id, tally in self._tally.items()},
            "updated_ms": dict(self._updated_ms),
            "paces": {poll_id: [pace.expected_per_s, pace.score] for poll_id, pace in self._paces.items()},
            "shed": list(self._shed),
            "orders": list(self._orders),
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
        self._tally = {poll_id: dict(tally) for poll_id, tally in state["tally"].items()}
        self._updated_ms = dict(state["updated_ms"])
        self._paces = {poll_id: Pace(*pace) for poll_id, pace in state.get("paces", {}).items()}
        self._shed = Spans(state["shed"])
        self._orders = dict.fromkeys(state["orders"])


def _order(finding: Finding) -> tuple[int, str, str, str, str, str]:
    """Return the place of a finding in the one sequence; one shard's own order decides between equals."""
    return (finding.at_ms, finding.poll_id, finding.detector, finding.kind, finding.cluster, finding.option or "")
