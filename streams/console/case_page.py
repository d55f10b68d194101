"""The page of one case: what it rests on for both sides, drawn and in words, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from detectors.alert import Alert, CaseData
from detectors.cases.changes import changes
from detectors.cases.moderation import NamedAccount
from detectors.cases.why_not import why, why_not
from streams.console.case_file import CaseFile
from streams.console.figures import cluster_figures, course_figures, result_figures
from streams.console.list_page import Line, lead, line
from streams.console.page import Asked, Desk, Part, Shown
from streams.console.templates import address
from streams.console.words import DECISIONS, MEANINGS, news
from streams.report.case_section import flips_in_words, flips_of_all, suspects_in_words
from streams.report.words import counted

ACCOUNTS_ON_A_PAGE = 25
MOST_POLLS_SHOWN = 100
MOST_CHANGES = 12
_LEAST_PAD_MS = 60_000


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """One revision, and what it says otherwise than the one before."""

    number: int
    at_ms: int
    news: str
    verdict: str
    changes: list[str]
    more: int


@dataclass(frozen=True, slots=True)
class AccountsShown:
    """One page of the named accounts."""

    accounts: list[NamedAccount]
    first: int
    number: int
    last: int
    before: str
    after: str


async def case_page(desk: Desk, asked: Asked, case: CaseFile) -> Shown:
    """Return the page of a case of which an alert has come."""
    assert case.latest is not None
    data, board, part = case.latest.data, desk.board, desk.templates.part
    of, titles = line(board, case), {poll_id: board.title(poll_id) for poll_id in data.poll_ids}
    poll_id = lead(data)
    pad_ms = max(_LEAST_PAD_MS, (data.window.end_ms - data.window.start_ms) // 2)
    span = (data.window.start_ms - pad_ms, data.window.end_ms + pad_ms if of.state != "open" else 1 << 62)
    timeline = await course_figures(desk, poll_id, span, data.window, f"case {case.case_id}")
    estimate = board.polls[poll_id].estimate if poll_id in board.polls else None
    parts = [
        Part("head", part("case", "head", of=of, data=data, titles=titles, title=titles[data.poll_ids[0]])),
        Part(
            "facts",
            part("case", "facts", of=of, data=data, named=case.named, change=_change(data), suspects=suspects_in_words(data)),
        ),
        Part(
            "timeline",
            part("figures", "timeline", figures=timeline, of=titles[poll_id], several=len(data.poll_ids) > 1, poll_id=poll_id),
        ),
        Part("evidence", part("case", "evidence", data=data)),
        Part("cluster", part("figures", "cluster", **await cluster_figures(desk, case, _suspect_votes(data, poll_id), estimate))),
        Part("result", part("figures", "result", **await result_figures(desk, estimate, titles[poll_id]))),
        _decide(desk, asked, case),
        Part("why", part("case", "why", why=why(data), others=why_not(data), verdict=data.verdict)),
        Part(
            "accounts",
            part(
                "case",
                "accounts",
                named=case.named,
                shown=_accounts(case, asked),
                case_id=case.case_id,
                may_decide=asked.may_decide,
            ),
        ),
        *(
            [Part("some", part("case", "some", case_id=case.case_id, csrf=asked.csrf, count=case.named.count), live=False)]
            if asked.may_decide
            else []
        ),
        Part("polls", _polls(desk, data)),
        Part("history", part("case", "history", lines=_history(case.revisions()))),
        Part("decisions", _decisions(desk, case, data)),
    ]
    return Shown(f"{data.verdict}: {titles[data.poll_ids[0]]}", "/", parts, _news(case, data, of))


def missing_case(desk: Desk, asked: Asked) -> Shown:
    """Return the page of a case of which no alert has come (yet)."""
    part = desk.templates.part("case", "missing", case_id=asked.path.rpartition("/")[2])
    return Shown("No such case", "/", [Part("missing", part)], status=404)


def _change(data: CaseData) -> str:
    return flips_in_words(data.polls[0]) if len(data.polls) == 1 else flips_of_all(data)


def _suspect_votes(data: CaseData, poll_id: str) -> int:
    return next(poll.suspect.votes for poll in data.polls if poll.poll_id == poll_id)


def _news(case: CaseFile, data: CaseData, of: Line) -> dict[str, str]:
    said = {f"revision {data.revision}": f"Revision {data.revision}: {data.verdict}, {of.suspects} suspect, {of.state_words}"}
    if case.decisions:
        last = case.decisions[-1]
        said[f"decision {last.ts} {last.by}"] = f"{last.by} decided: {DECISIONS[last.decision]}"
    return said


def _decide(desk: Desk, asked: Asked, case: CaseFile) -> Part:
    choices = [(name, words, MEANINGS[name]) for name, words in DECISIONS.items()]
    html = desk.templates.part(
        "case",
        "decide",
        case_id=case.case_id,
        may_decide=asked.may_decide,
        can_sign_in=asked.can_sign_in,
        csrf=asked.csrf,
        choices=choices,
        touched=counted(case.named.count, "account"),
        here=asked.path,
    )
    return Part("decide", html, live=False)


def _accounts(case: CaseFile, asked: Asked) -> AccountsShown:
    accounts = case.named.accounts()
    last = max(1, -(-len(accounts) // ACCOUNTS_ON_A_PAGE))
    number = min(asked.number("accounts"), last)
    first = (number - 1) * ACCOUNTS_ON_A_PAGE

    def page(wanted: int) -> str:
        return address(asked.path, accounts=wanted) + "#accounts" if 1 <= wanted <= last else ""

    return AccountsShown(
        accounts[first : first + ACCOUNTS_ON_A_PAGE], first + 1, number, last, page(number - 1), page(number + 1)
    )


def _history(revisions: list[Alert]) -> list[RevisionLine]:
    """Return what each revision changed, the newest first."""
    lines = []
    for before, after in pairwise([None, *revisions]):
        assert after is not None
        data = after.data
        said = [data.summary] if before is None else changes(before.data, data)
        lines.append(
            RevisionLine(
                data.revision, data.updated_ms, news(after.type), data.verdict, said[:MOST_CHANGES], len(said[MOST_CHANGES:])
            )
        )
    return lines[::-1]


def _polls(desk: Desk, data: CaseData) -> Markup:
    most = sorted(data.polls, key=lambda poll: (-poll.suspect.share, poll.poll_id))
    rows = [(poll, desk.board.title(poll.poll_id), flips_in_words(poll)) for poll in most[:MOST_POLLS_SHOWN]]
    return desk.templates.part("case", "polls", rows=rows, more=len(most) - len(rows))


def _decisions(desk: Desk, case: CaseFile, data: CaseData) -> Markup:
    return desk.templates.part(
        "case", "decisions", decisions=case.decisions[::-1], told=case.decisions_told, review=data.review, DECISIONS=DECISIONS
    )
