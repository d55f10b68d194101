"""The pages of polls: a list of those with estimates, and one poll from its beginning, also without a case."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.alert import Integrity
from streams.console.board import Board
from streams.console.figures import course_figures, result_figures
from streams.console.list_page import line
from streams.console.page import Asked, Desk, Part, Shown
from streams.report.words import interval, percent

MOST_SHOWN = 200
_EVER_MS = 1 << 62
_FLIPS = {"yes": "yes", "no": "no", "uncertain": "can't be ruled out"}


@dataclass(frozen=True, slots=True)
class PollLine:
    """One poll as the list shows it, in words."""

    poll_id: str
    title: str
    votes: int
    suspect: str
    ends: str
    leads: str
    without: str
    flips: str


def polls_page(desk: Desk, asked: Asked) -> Shown:
    """Return the list, polls with the largest suspect share first; `q` picks those with these letters in title or id."""
    board, sought = desk.board, asked.query.get("q", "")[:200]
    estimates = [poll.estimate for poll in board.polls.values() if _matches(board, poll.estimate.poll_id, sought)]
    estimates.sort(key=lambda one: (-one.suspect_votes / max(1, one.votes), -one.votes, one.poll_id))
    lines = [_poll_line(board, one) for one in estimates[:MOST_SHOWN]]
    listed = desk.templates.part("polls", "listed", lines=lines, total=len(estimates), sought=sought)
    search = desk.templates.part("polls", "search", sought=sought)
    return Shown("Polls", "/polls", [Part("search", search, live=False), Part("polls", listed)])


async def poll_page(desk: Desk, asked: Asked) -> Shown:
    """Return the page of the poll `id`."""
    poll_id, board = asked.query.get("id", ""), desk.board
    poll, title = board.polls.get(poll_id), board.title(poll_id)
    cases = [line(board, case) for case in board.cases_of(poll_id)]
    part = desk.templates.part
    estimate = None if poll is None else poll.estimate
    parts = [
        Part("head", part("polls", "head", poll_id=poll_id, title=title, estimate=estimate, told=_told(estimate))),
        Part(
            "timeline",
            part(
                "polls", "timeline", figures=await course_figures(desk, poll_id, (-_EVER_MS, _EVER_MS), None, f"poll {poll_id}")
            ),
        ),
        Part("result", part("figures", "result", **await result_figures(desk, estimate, title))),
        Part("of-cases", part("polls", "cases_of", lines=cases)),
    ]
    return Shown(title, "/polls", parts, {one.case_id: f"a case: {one.verdict}" for one in cases})


def _matches(board: Board, poll_id: str, sought: str) -> bool:
    wanted = sought.casefold()
    return wanted in poll_id.casefold() or wanted in board.title(poll_id).casefold()


def _poll_line(board: Board, one: Integrity) -> PollLine:
    outcome = one.outcome
    return PollLine(
        one.poll_id,
        board.title(one.poll_id),
        one.votes,
        percent(one.suspect_votes / max(1, one.votes)),
        interval(one.suspect_share_low, one.suspect_share_high),
        outcome.leader or "nobody",
        outcome.adjusted_leader or "nobody",
        _FLIPS[outcome.flips],
    )


def _told(estimate: Integrity | None) -> list[tuple[str, str]]:
    """Return the facts of a poll in words."""
    if estimate is None:
        return []
    told = [
        ("Votes", f"{estimate.votes:,}"),
        ("Suspect votes", f"{estimate.suspect_votes:,} ({interval(estimate.suspect_share_low, estimate.suspect_share_high)})"),
    ]
    expected_per_s, score = estimate.expected_per_s, estimate.rate_score
    if expected_per_s is not None:
        told.append(("Expected now", f"{expected_per_s:,.3g} votes a second"))
    told.append(
        (
            "Rate",
            f"unusual, score {score:.3g} (above 1)"
            if score > 1
            else "as usual"
            if expected_per_s is not None
            else "not compared yet",
        )
    )
    return told
