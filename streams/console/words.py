"""How the console calls things: states, decisions, the news of an alert."""

from __future__ import annotations

from streams.console.case_file import CaseFile, State

STATES: dict[State, str] = {
    State.OPEN: "open",
    State.RESOLVED: "resolved",
    State.RETRACTED: "retracted",
    State.MERGED: "merged",
}
DECISIONS: dict[str, str] = {
    "confirmed": "confirmed",
    "false_positive": "false positive",
    "disputed": "disputed",
    "needs_more": "needs more evidence",
}
MEANINGS: dict[str, str] = {
    "confirmed": "It is what the verdict says.",
    "false_positive": "It is not: the case is retracted, and what was done because of it must be undone.",
    "disputed": "People do not agree; it stays as it is.",
    "needs_more": "It can't be said yet; it stays as it is.",
}


def news(alert_type: str) -> str:
    """Return what an alert's type says.

    >>> news("pollwatch.alert.retracted.v1")
    'retracted'
    """
    return alert_type.removeprefix("pollwatch.alert.").partition(".")[0]


def decided(case: CaseFile) -> str:
    """Return the decision that stands, "" where there is none: as the worker says, or else the last one in the topic."""
    assert case.latest is not None
    review = case.latest.data.review
    if review is not None:
        return DECISIONS.get(review.decision, review.decision)
    return DECISIONS[case.decisions[-1].decision] if case.decisions else ""
