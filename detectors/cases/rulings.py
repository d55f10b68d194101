"""What a decision does to its case: the one order of its steps. Knows no report and nothing of what is published.

The latest decision stands, by its `ts`: a false positive holds until another decision on the same case, or the same accounts, takes
its place, whatever that one says. One that comes after a later one that it would undo is remembered and does nothing, and one that was
heard does nothing again.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from typing import Literal

from detectors.cases import refuted
from detectors.cases.case import Case
from detectors.cases.decision import MOST_DECISIONS, Decision, DecisionParams, Heard, NotTaken, heard
from detectors.cases.features import features
from detectors.cases.lessons import Lesson, Lessons

Outcome = Literal["taken", "repeated", "too_late"] | NotTaken

_TOUCHING = ("confirmed", "false_positive")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What became of a decision: its case (the one that it was merged into), how many accounts it touched, and what the
    model thought before it learned (None where it did not learn)."""

    outcome: Outcome
    case_id: str
    accounts: int = 0
    chance_before: float | None = None


def rule(case: Case | None, decision: Decision, arrived_ms: int, at_ms: int, params: DecisionParams, lessons: Lessons) -> Ruling:
    """Take a decision on a case, at `at_ms` of event time. The case is to be judged anew when it was taken."""
    if case is None:
        return Ruling(NotTaken.UNKNOWN_CASE, decision.case_id)
    new = heard(decision, arrived_ms)
    if new.digest in case.decided_before or any(one.digest == new.digest for one in case.decisions):
        return Ruling("repeated", case.case_id)
    touched = touched_by(case, decision)
    if decision.account_ids is not None and not touched:
        return Ruling(NotTaken.UNKNOWN_ACCOUNTS, case.case_id)
    if decision.decision in _TOUCHING and touched > params.bulk_accounts and not (decision.note or "").strip():
        return Ruling(NotTaken.NO_NOTE, case.case_id, touched)
    if not _remember(case, new):
        return Ruling("too_late", case.case_id)
    chance = _apply(case, decision, at_ms + params.quiet_ms, new, lessons)
    return Ruling("taken", case.case_id, touched, chance)


def touched_by(case: Case, decision: Decision) -> int:
    """Return how many accounts a decision is about: those of `account_ids` that the case knows, or all that it names or named."""
    if decision.account_ids is not None:
        return len(refuted.known(case.claims, decision.account_ids))
    return len({account_id for claim in case.claims if claim.found for account_id in (*claim.named, *claim.pardoned)})


def _remember(case: Case, new: Heard) -> bool:
    """Remember a decision, the latest ones; tell whether it comes in time: two that are about some accounts each don't rival."""
    if len(case.decisions) == MOST_DECISIONS and new < case.decisions[0]:
        return False  # it may be one that was heard and forgotten
    later = case.decisions[bisect_right(case.decisions, new) :]
    insort(case.decisions, new)
    del case.decisions[:-MOST_DECISIONS]
    case.decided += 1
    return not any(one.is_whole or new.is_whole for one in later)


def _apply(case: Case, decision: Decision, until_ms: int, new: Heard, lessons: Lessons) -> float | None:
    before = features(case.claims, case.tallies)
    case.overruled = False
    accounts = decision.account_ids
    if decision.decision == "false_positive":
        refuted.dismiss(case.claims, until_ms) if accounts is None else refuted.pardon(case.claims, accounts, until_ms)
    else:
        refuted.restore(case.claims) if accounts is None else refuted.accuse_again(case.claims, accounts)
    if accounts is not None or not before:
        return None
    if decision.decision not in _TOUCHING:
        lessons.forget(case.case_id)
        return None
    chance = lessons.chance(before)
    lessons.learn(Lesson(case.case_id, new.by, new.decided_ms, decision.decision == "confirmed", before))
    return chance
