"""Findings become cases: opened, revised, resolved, numbered; one sequence in event time, whoever reported first.

A case opens on a finding above 1.0 and is resolved when nothing scored `close_below` or more for `close_after_ms`. It
is revised only when there is something new to say. Within `reopen_ms` after it was resolved it opens again under its
id. State: about 2 kB a case that is open or may open again, at most one a poll; 200 bytes an option of a poll.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, Literal

import msgspec

from detectors.alert import CaseData, Integrity, MadeBy
from detectors.case import Case, CaseParams, case_data, suspects, topic
from detectors.findings import Finding, Report, Retired
from detectors.impact import NONE_SUSPECT, SuspectVotes, integrity
from detectors.inbox import Gap
from detectors.watermark import UNKNOWN_MS

_FAMILY = "rate"
_NEVER_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class Revision:
    """One thing to publish: a case's data, what kind of news it is, and when the broker took the votes that caused it.

    `arrived_ms` is 0 where no vote did: what is said after the opening is said because a window ended.
    """

    news: Literal["opened", "updated", "resolved"]
    data: CaseData
    arrived_ms: int


@dataclass
class CaseStep:
    """What one advance of the cases gives: revisions in order of event time, polls whose estimate changed, and the
    last estimate of polls that left memory."""

    revisions: list[Revision] = field(default_factory=list)
    changed_polls: list[str] = field(default_factory=list)
    retired: list[Integrity] = field(default_factory=list)
    findings: int = 0


class CaseBook:
    """All cases and the standing of all polls; `shards` is how many shards report."""

    def __init__(self, shards: int, params: CaseParams, made_by: MadeBy) -> None:
        self._params = params
        self._made_by = made_by
        self._mark_ms: list[int | None] = [None] * shards
        self._ended = [False] * shards
        self._waiting: list[Finding] = []
        self._cases: dict[str, Case] = {}
        self._due: list[tuple[int, str, str]] = []
        self._tally: dict[str, dict[str, int]] = {}
        self._updated_ms: dict[str, int] = {}
        self._changed: dict[str, None] = {}
        self._leaving: list[tuple[int, str, Retired]] = []

    @property
    def open_cases(self) -> int:
        """How many cases are open."""
        return sum(case.resolved_ms is None for case in self._cases.values())

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
        for gone in report.retired:
            for known in (self._tally, self._updated_ms, self._changed):
                known.pop(gone.poll_id, None)
            if mark is None or gone.at_ms > mark:
                heappush(self._leaving, (gone.at_ms, gone.poll_id, gone))
        s = report.standings
        for poll_id, option, votes, at_ms in zip(s.poll_ids, s.options, s.votes, s.updated_ms, strict=True):
            self._tally.setdefault(poll_id, {})[option] = votes
            self._change(poll_id, at_ms)

    def advance(self) -> CaseStep:
        """Work through all event time that every shard has reported."""
        step = CaseStep()
        frontier_ms = min(UNKNOWN_MS if mark is None else mark for mark in self._mark_ms)
        due = sorted((f for f in self._waiting if f.at_ms <= frontier_ms), key=_order)
        self._waiting = [f for f in self._waiting if f.at_ms > frontier_ms]
        step.findings = len(due)
        for finding in due:
            self._come_to(finding.at_ms, step)
            self._take(finding, step)
        self._come_to(frontier_ms, step)
        step.changed_polls, self._changed = list(self._changed), {}
        return step

    def integrity(self, poll_id: str) -> Integrity:
        """Return the running estimate of a poll that was in `changed_polls`."""
        return integrity(poll_id, self._tally[poll_id], self._suspects(poll_id), self._updated_ms[poll_id])

    def _suspects(self, poll_id: str) -> SuspectVotes:
        case = self._cases.get(poll_id)
        return NONE_SUSPECT if case is None else suspects(case)

    def __contains__(self, poll_id: object) -> bool:
        """Tell whether there is an estimate of this poll."""
        return poll_id in self._tally

    def poll_ids(self) -> list[str]:
        """Return all polls there is an estimate of, in order of name."""
        return sorted(self._tally)

    def _take(self, finding: Finding, step: CaseStep) -> None:
        case = self._cases.get(finding.poll_id)
        if case is None or case.resolved_ms is not None:
            if finding.score <= 1 or finding.phase == "calm":
                return
            case = self._open(finding, case)
            step.revisions.append(self._revise(case, "opened", finding))
            return
        is_new = topic(finding) not in case.latest
        if finding.score > 1 or not is_new:
            case.latest[topic(finding)] = _heavier(finding, case.latest.get(topic(finding)))
        if finding.score >= self._params.close_below:
            case.hot_ms = finding.at_ms
            self._schedule(case)
        case.score = max(case.score, finding.score)
        if self._worth_saying(case, finding, is_new and finding.score > 1):
            step.revisions.append(self._revise(case, "updated", finding))

    def _open(self, finding: Finding, earlier: Case | None) -> Case:
        if earlier is None:
            case_id = _case_id(finding)
            earlier = Case(
                case_id, finding.poll_id, finding.at_ms, finding.start_ms, 0, finding.score, {}, {}, finding.at_ms
            )
            self._cases[finding.poll_id] = earlier
        earlier.resolved_ms = None
        earlier.hot_ms = finding.at_ms
        self._schedule(earlier)
        earlier.latest[topic(finding)] = finding
        earlier.score = max(earlier.score, finding.score)
        return earlier

    def _worth_saying(self, case: Case, finding: Finding, is_new: bool) -> bool:
        waited = finding.at_ms - case.said_ms >= self._params.revise_every_ms
        grown = case.score >= case.said_score * self._params.revise_growth
        return is_new or (waited and grown)

    def _come_to(self, at_ms: int, step: CaseStep) -> None:
        """Let happen what is due by `at_ms`, in order: polls leave, cases are resolved, resolved ones forgotten."""
        while True:
            due_ms = self._due[0][0] if self._due else _NEVER_MS
            leaves_ms = self._leaving[0][0] if self._leaving else _NEVER_MS
            if min(due_ms, leaves_ms) > at_ms:
                return
            if leaves_ms <= due_ms:
                _, poll_id, gone = heappop(self._leaving)
                step.retired.append(integrity(poll_id, gone.votes, self._suspects(poll_id), leaves_ms))
            else:
                self._resolve_or_forget(*heappop(self._due), step)

    def _resolve_or_forget(self, due_ms: int, _: str, poll_id: str, step: CaseStep) -> None:
        case = self._cases.get(poll_id)
        if case is None or self._due_ms(case) != due_ms:
            return  # it spoke again since, and stands further down
        if case.resolved_ms is None:
            case.resolved_ms = due_ms
            self._schedule(case)
            step.revisions.append(self._revise(case, "resolved", None))
        else:
            del self._cases[poll_id]
            self._change(poll_id, due_ms)

    def _due_ms(self, case: Case) -> int:
        if case.resolved_ms is None:
            return case.hot_ms + self._params.close_after_ms
        return case.resolved_ms + self._params.reopen_ms

    def _schedule(self, case: Case) -> None:
        heappush(self._due, (self._due_ms(case), case.case_id, case.poll_id))

    def _revise(self, case: Case, news: Literal["opened", "updated", "resolved"], cause: Finding | None) -> Revision:
        case.revision += 1
        case.updated_ms = cause.at_ms if cause is not None else case.resolved_ms or 0
        case.tally = cause.tally if cause is not None else case.tally
        case.said_score, case.said_ms = case.score, case.updated_ms
        self._change(case.poll_id, case.updated_ms)
        data = case_data(case, self._params, self._made_by)
        return Revision(news, data, cause.arrived_ms if cause is not None and news == "opened" else 0)

    def _change(self, poll_id: str, at_ms: int) -> None:
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
            "cases": msgspec.to_builtins(list(self._cases.values())),
            "tally": {poll_id: dict(tally) for poll_id, tally in self._tally.items()},
            "updated_ms": dict(self._updated_ms),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._mark_ms = list(state["mark_ms"])
        self._ended = list(state["ended"])
        self._waiting = msgspec.convert(state["waiting"], list[Finding])
        leaving = msgspec.convert(state["leaving"], list[Retired])
        self._leaving = sorted((gone.at_ms, gone.poll_id, gone) for gone in leaving)
        self._cases = {case.poll_id: case for case in msgspec.convert(state["cases"], list[Case])}
        self._due = []
        for case in self._cases.values():
            self._schedule(case)
        self._tally = {poll_id: dict(tally) for poll_id, tally in state["tally"].items()}
        self._updated_ms = dict(state["updated_ms"])


def _order(finding: Finding) -> tuple[int, str, str, str]:
    return (finding.at_ms, finding.poll_id, finding.kind, finding.option or "")


def _heavier(new: Finding, old: Finding | None) -> Finding:
    return new if old is None or new.score >= old.score else old


def _case_id(first: Finding) -> str:
    identity = "\x1f".join((first.poll_id, _FAMILY, str(first.start_ms)))
    return hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
