"""The list of cases: newest first, by verdict and state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from detectors.alert import CaseData
from streams.console.board import Board
from streams.console.case_file import CaseFile, State
from streams.console.page import Asked, Desk, Part, Shown
from streams.console.spans_of_course import bars
from streams.console.sparkline import sparkline
from streams.console.templates import address
from streams.console.words import STATES, decided
from streams.report.case_section import flips_in_words, flips_of_all, suspects_in_words
from streams.report.report import flips
from streams.report.words import VERDICTS, moment

ON_A_PAGE = 50
_SPARK_BEFORE_MS, _SPARK_AFTER_MS = 60_000, 60_000
DECIDED, UNDECIDED = "decided", "undecided"
_CHOICES = {**{state.value: words for state, words in STATES.items()}, DECIDED: "decided", UNDECIDED: "not decided"}


@dataclass(frozen=True, slots=True)
class Line:
    """One case as the list shows it, in words."""

    case_id: str
    verdict: str
    severity: str
    title: str
    poll_id: str
    more: int
    summary: str
    suspects: str
    change: str
    flips: str
    state: str
    state_words: str
    decided: str
    opened: str
    spark: Markup


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a filter."""

    words: str
    count: int
    href: str
    chosen: bool


def chosen(cases: Sequence[CaseFile], verdict: str, state: str) -> list[CaseFile]:
    """Return the cases that a filter lets through; "" lets everything through."""
    return [one for one in cases if _has_verdict(one, verdict) and _has_state(one, state)]


def list_page(desk: Desk, asked: Asked) -> Shown:
    """Return the page."""
    told = desk.board.told()
    verdict = asked.query.get("verdict", "")
    state = asked.query.get("state", "")
    verdict, state = verdict if verdict in VERDICTS else "", state if state in _CHOICES else ""
    through = chosen(told, verdict, state)
    last = max(1, -(-len(through) // ON_A_PAGE))
    number = min(asked.number("page"), last)
    shown = through[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]
    part = desk.templates.part
    filters = part("cases", "filters", verdicts=_verdicts(told, verdict, state), states=_states(told, verdict, state))
    pages = [address("/", verdict=verdict, state=state, page=page) for page in (number - 1, number + 1)]
    listed = part(
        "cases",
        "listed",
        lines=[line(desk.board, case) for case in shown],
        total=len(through),
        is_filtered=bool(verdict or state),
        may_decide=asked.may_decide,
        before=pages[0] if number > 1 else "",
        after=pages[1] if number < last else "",
        number=number,
        last=last,
    )
    parts = [Part("filters", filters), Part("cases", listed)]
    if asked.may_decide:
        parts.append(Part("bulk", part("cases", "bulk", csrf=asked.csrf), live=False))
    return Shown("Cases", "/", parts, _news(desk.board, told))


def line(board: Board, case: CaseFile) -> Line:
    """Return a case as one line; it must have an alert."""
    assert case.latest is not None
    data = case.latest.data
    first, *rest = data.poll_ids
    return Line(
        case_id=case.case_id,
        verdict=data.verdict,
        severity=data.severity,
        title=board.title(first),
        poll_id=first,
        more=len(rest),
        summary=data.summary,
        suspects=suspects_in_words(data),
        change=flips_of_all(data) if rest else flips_in_words(data.polls[0]),
        flips=flips(data),
        state=case.state.value,
        state_words=STATES[case.state],
        decided=decided(case),
        opened=moment(data.opened_ms),
        spark=_spark(board, data),
    )


def _spark(board: Board, data: CaseData) -> Markup:
    course = board.course(lead(data))
    if course is None:
        return Markup("")
    window = data.window
    found = bars(course.read(), window.start_ms - _SPARK_BEFORE_MS, window.end_ms + _SPARK_AFTER_MS, window.start_ms)
    return Markup("") if found is None else Markup(sparkline(found))


def lead(data: CaseData) -> str:
    """Return the poll of a case with the most suspect votes."""
    return max(data.polls, key=lambda poll: (poll.suspect.votes, poll.poll_id)).poll_id


def _news(board: Board, told: Sequence[CaseFile]) -> dict[str, str]:
    found = {}
    for case in told[:ON_A_PAGE]:
        if case.latest is not None:
            data = case.latest.data
            found[f"{case.case_id}:{data.verdict}:{case.state}"] = (
                f"{data.verdict}: {board.title(data.poll_ids[0])}, {STATES[case.state]}"
            )
    return found


def _has_verdict(case: CaseFile, verdict: str) -> bool:
    return not verdict or (case.latest is not None and case.latest.data.verdict == verdict)


def _has_state(case: CaseFile, state: str) -> bool:
    if state in (DECIDED, UNDECIDED):
        return case.is_decided == (state == DECIDED)
    return not state or case.state == State(state)


def _verdicts(told: Sequence[CaseFile], verdict: str, state: str) -> list[Choice]:
    counts: Counter[str] = Counter(case.latest.data.verdict for case in chosen(told, "", state) if case.latest is not None)
    everything = Choice("all", sum(counts.values()), address("/", state=state), not verdict)
    return [
        everything,
        *(Choice(name, counts[name], address("/", verdict=name, state=state), verdict == name) for name in VERDICTS),
    ]


def _states(told: Sequence[CaseFile], verdict: str, state: str) -> list[Choice]:
    cases = chosen(told, verdict, "")
    everything = Choice("all", len(cases), address("/", verdict=verdict), not state)
    return [
        everything,
        *(
            Choice(words, sum(_has_state(case, name) for case in cases), address("/", verdict=verdict, state=name), state == name)
            for name, words in _CHOICES.items()
        ),
    ]
