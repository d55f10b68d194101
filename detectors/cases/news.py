"""When a case speaks, and the news it gives: decided from the case and the time alone. The words are `detectors.cases.case`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from detectors.alert import CaseData, Integrity
from detectors.cases.case import Case, CaseParams
from detectors.cases.lessons import Moved
from detectors.cases.moderation import PART, ModerationItem
from detectors.cases.verdict import ACCUSING

News = Literal["opened", "updated", "resolved", "retracted"]

PARTS_A_MINUTE = 20
"""A case of more parts waits longer between two revisions of its items: so many messages per `revise_every_ms`."""

_MATERIAL_SHARE = 0.2
_MATERIAL_ACCOUNTS = 0.05
_NEVER_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class Revision:
    """One thing to publish: a case's data, what kind of news it is, and when the broker took the votes that caused it.

    `arrived_ms` is 0 where no vote did: what is said after the opening is said because a window ended.
    """

    news: News
    data: CaseData
    arrived_ms: int


@dataclass
class CaseStep:
    """What one advance of the cases gives: revisions and moderation items in order of event time, polls whose estimate
    changed, the last estimate of polls that left memory, and confidences that decisions moved."""

    revisions: list[Revision] = field(default_factory=list)
    items: list[ModerationItem] = field(default_factory=list)
    changed_polls: list[str] = field(default_factory=list)
    retired: list[Integrity] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)


def is_withdrawn(case: Case) -> bool:
    """Tell whether somebody was accused, and is no longer."""
    return case.said_verdict in ACCUSING and case.judged.verdict not in ACCUSING


def lets_go(case: Case) -> bool:
    """Tell whether a poll is no longer accused: that does not wait."""
    accused = {poll_id for poll_id, suspect in case.estimates.items() if suspect.votes}
    return any(votes and poll_id not in accused for poll_id, votes in case.said_votes.items())


def decided_news(case: Case, was_refuted: bool) -> News:
    """Return what kind of news it is that a case was decided; a case that is over stays over, unless it was only refuted."""
    if was_refuted and not case.is_refuted:
        return "opened"
    if case.is_refuted or is_withdrawn(case):
        return "retracted"
    return "updated" if case.is_open else "resolved"


def has_grown(case: Case, params: CaseParams) -> bool:
    """Tell whether there is news that may wait: a higher score, another poll, other numbers of suspect votes."""
    if case.score >= case.said_score * params.revise_growth:
        return True
    for poll_id, suspect in case.estimates.items():
        told = case.said_votes.get(poll_id)
        if told is None or abs(suspect.votes - told) > _MATERIAL_SHARE * max(suspect.votes, told):
            return True
    return False


def news_of(case: Case, at_ms: int, params: CaseParams) -> News | None:
    """Return what kind of news a case has now, None when it has none or it is too early to speak again."""
    if case.is_open and case.opening:
        return "opened"
    if is_withdrawn(case):
        return "retracted"
    if not case.is_open:
        return None
    if case.fresh or case.judged.verdict != case.said_verdict or lets_go(case):
        return "updated"
    return "updated" if at_ms >= _grown_due_ms(case, params) else None


def items_due_ms(case: Case, params: CaseParams) -> int:
    """Return from when on the items of a case are to be sent (again); the last changes wait for its end."""
    if not case.items_changed:
        return _NEVER_MS
    is_turning = (case.said_verdict in ACCUSING) != (case.judged.verdict in ACCUSING)
    if not case.item_revision or is_turning or case.fresh:
        return case.touched_ms
    if case.items_changed < _MATERIAL_ACCOUNTS * len(case.listed):
        return _NEVER_MS
    parts = -(-len(case.listed) // PART)
    return case.items_said_ms + params.revise_every_ms * max(1, parts // PARTS_A_MINUTE)


def closes_ms(case: Case, params: CaseParams) -> int:
    """Return when an open case is resolved if nothing more is heard."""
    return case.hot_ms + params.close_after_ms


def leaves_ms(case: Case, params: CaseParams) -> int:
    """Return when a resolved case gives up its polls, or, when it has, is forgotten; not while it holds a false positive down."""
    leaves = (case.resolved_ms or 0) + (params.reopen_ms if case.homes else params.remember_ms)
    return max(leaves, case.refuted_until_ms)


def wakes_ms(case: Case, params: CaseParams) -> int:
    """Return when a case has to be looked at again if nothing more is heard."""
    if not case.is_open:
        return min(leaves_ms(case, params), items_due_ms(case, params))
    return min(closes_ms(case, params), items_due_ms(case, params), _grown_due_ms(case, params))


def _grown_due_ms(case: Case, params: CaseParams) -> int:
    return case.said_ms + params.revise_every_ms if has_grown(case, params) else _NEVER_MS
