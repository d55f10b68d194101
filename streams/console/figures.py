"""The figures of a page: what is drawn, with its numbers. Draws off the event loop; the same drawing is made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup

from detectors.alert import Integrity, Window
from detectors.cases.sentences import span
from streams.console.case_file import CaseFile
from streams.console.course_drawings import share_chart, votes_chart
from streams.console.page import Desk
from streams.console.reasons_drawing import matrix, reasons_drawing
from streams.console.spans_of_course import SharePoint, bars, shares
from streams.report.bars import Bars
from streams.report.result_chart import MOST_OPTIONS, ranked, result_chart
from streams.report.timeline_chart import has_suspects, shows_window
from streams.report.words import clock, counted, interval, percent

_MOST_ROWS = 30


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing, what its colours mean as (class, words), a sentence, and its numbers as a table."""

    title: str
    drawing: Markup
    keys: Sequence[tuple[str, str]]
    says: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


async def course_figures(desk: Desk, poll_id: str, between_ms: tuple[int, int], case: Window | None, name: str) -> list[Figure]:
    """Return votes and suspect share of a poll over time; nothing where no course is kept. `name` is of whom it is drawn for."""
    course = desk.board.course(poll_id)
    if course is None:
        return []
    states = course.read()
    found = bars(states, *between_ms, case.start_ms if case else 0)
    if found is None:
        return []
    version = (course.version, case)
    title = "Votes around that time" if case else "Votes"
    drawn = await desk.drawings.of(("votes", name), version, partial(votes_chart, found, case, title))
    figures = [_votes(title, drawn, found, case)]
    points = shares(states, found.start_ms, found.end_ms)
    if any(point.high for point in points):
        draw: Callable[[], str] = partial(share_chart, points, found.start_ms, found.end_ms)
        figures.append(_share(await desk.drawings.of(("share", name), version, draw), points))
    return figures


def _votes(title: str, drawn: Markup, found: Bars, case: Window | None) -> Figure:
    keys = [("crowd", "votes")]
    keys += [("expected", "expected")] if any(bar.expected is not None for bar in found.bars) else []
    keys += [("suspect", "suspect ones among them")] if has_suspects(found) else []
    keys += [("band", "time of the case")] if case and shows_window(found, case) else []
    most = sorted(sorted(found.bars, key=lambda bar: -bar.votes)[:_MOST_ROWS], key=lambda bar: bar.start_ms)
    each_s = found.span_ms / 1000
    rows = [
        (
            clock(bar.start_ms),
            f"{bar.votes:,.0f}",
            f"{bar.votes / each_s:,.3g}",
            f"{bar.suspect:,.0f}",
            "" if bar.expected is None else f"{bar.expected:,.3g}",
        )
        for bar in most
    ]
    head = (f"From (UTC), {span(0, found.span_ms)} each", "Votes", "A second", "Suspect", "Expected")
    says = "Suspect votes are laid where the estimate grew." if has_suspects(found) else ""
    return Figure(title, drawn, keys, says, head, rows)


def _share(drawn: Markup, points: list[SharePoint]) -> Figure:
    few = points[:: max(1, len(points) // _MOST_ROWS)]
    rows = [(clock(one.at_ms), percent(one.share), interval(one.low, one.high)) for one in [*few[:-1], points[-1]]]
    keys = [("suspect", "estimate"), ("range", "95% interval")]
    return Figure("Suspect share of all votes so far", drawn, keys, "", ("At (UTC)", "Share", "95% interval"), rows)


async def cluster_figures(desk: Desk, case: CaseFile, suspect_votes: int, estimate: Integrity | None) -> dict[str, Any]:
    """Return what the template of the cluster needs."""
    named = case.named
    sorts = named.sorts()
    if not sorts:
        return {"named": named, "matrix": None, "drawing": Markup(""), "suspect_votes": suspect_votes, "votes": 0}
    of = matrix(sorts)
    version = (named.revision, of.accounts)
    drawn = await desk.drawings.of(("reasons", case.case_id), version, partial(reasons_drawing, of))
    votes = 0 if estimate is None else estimate.votes
    return {"named": named, "matrix": of, "drawing": drawn, "suspect_votes": suspect_votes, "votes": votes}


async def result_figures(desk: Desk, estimate: Integrity | None, title: str) -> dict[str, Any]:
    """Return what the template of the result needs."""
    if estimate is None or not estimate.options:
        return {"figure": None, "estimate": estimate, "of": title}
    version = (estimate.updated_ms, estimate.votes, estimate.suspect_votes, tuple(estimate.adjusted))
    drawn = await desk.drawings.of(("result", estimate.poll_id), version, partial(result_chart, estimate))
    rows = []
    for option in ranked(estimate)[:MOST_OPTIONS]:
        without, votes = estimate.adjusted[option], estimate.options[option]
        left = f"{percent(without.share)} ({interval(without.low, without.high)})"
        rows.append((option, f"{votes:,}", percent(votes / max(1, estimate.votes)), left))
    rest = len(estimate.options) - MOST_OPTIONS
    keys = [("crowd", "as counted"), ("without", "without suspect votes, with 95% interval")]
    says = f"{counted(rest, 'more option')} not shown." if rest > 0 else ""
    head = ("Option", "Votes", "As counted", "Without suspect votes")
    return {"figure": Figure("Result", drawn, keys, says, head, rows), "estimate": estimate, "of": title}
