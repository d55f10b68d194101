"""What no longer holds: cases that were retracted, accounts that were cleared, cases that became part of another one."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.case_file import CaseFile, State
from streams.console.list_page import Line, line
from streams.console.page import Asked, Desk, Part, Shown

MOST_SHOWN = 200
MOST_NAMES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Undone:
    """A case with something to undo: when, because of whom, and the accounts that are cleared (the first ones by name)."""

    of: Line
    at_ms: int
    by: str
    note: str
    cleared: int
    names: list[str]


def undo_page(desk: Desk, asked: Asked) -> Shown:
    """Return the page."""
    told = desk.board.told()
    retracted = [_undone(desk, case) for case in told if case.state is State.RETRACTED]
    cleared = [_undone(desk, case) for case in told if case.state is not State.RETRACTED and case.named.cleared_count]
    merged = [case for case in told if case.state is State.MERGED]
    part = desk.templates.part(
        "undo",
        "undo",
        retracted=sorted(retracted, key=lambda one: -one.at_ms)[:MOST_SHOWN],
        cleared=sorted(cleared, key=lambda one: -one.at_ms)[:MOST_SHOWN],
        merged=[(line(desk.board, case), case.latest.data.merged_into) for case in merged[:MOST_SHOWN] if case.latest],
        more=max(0, len(retracted) - MOST_SHOWN) + max(0, len(cleared) - MOST_SHOWN) + max(0, len(merged) - MOST_SHOWN),
    )
    news = {
        f"{one.of.case_id}:{one.cleared}": f"To undo: {one.of.title}, {one.cleared:,} accounts cleared"
        for one in [*retracted, *cleared]
    }
    return Shown("To undo", "/undo", [Part("undo", part)], news)


def _undone(desk: Desk, case: CaseFile) -> Undone:
    assert case.latest is not None
    review = case.latest.data.review
    at_ms = case.retracted_ms if case.state is State.RETRACTED and case.retracted_ms is not None else case.named.created_ms
    return Undone(
        line(desk.board, case),
        at_ms or case.latest.data.updated_ms,
        review.by if review is not None and review.decision == "false_positive" else "",
        (review.note or "") if review is not None else "",
        case.named.cleared_count,
        case.named.cleared()[:MOST_NAMES_SHOWN],
    )
