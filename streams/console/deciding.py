"""Signing in and deciding: who may, on what, how much at once. Answers with pages or addresses; knows no HTTP."""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, get_args

from multidict import MultiMapping

from detectors.alert import DecisionKind
from detectors.cases.decision import MOST_ACCOUNT_IDS, MOST_NOTE_CHARS, Decision
from streams.console.case_file import CaseFile
from streams.console.list_page import line
from streams.console.meters import ConsoleMeters
from streams.console.named import mark
from streams.console.page import Desk, Part, Shown
from streams.console.sessions import Door, Session, Sessions
from streams.console.templates import Templates
from streams.console.verdicts_topic import NotTaken
from streams.console.words import DECISIONS, MEANINGS
from streams.report.words import counted

MOST_CASES_AT_ONCE = 20
MOST_ACCOUNTS_AT_ONCE = 20_000
"""What one bulk decision may touch: a slip of the hand must not undo, or condemn, everything."""
MOST_BY_CHARS = 64
_TOUCHING = ("confirmed", "false_positive")

Form: TypeAlias = MultiMapping[Any]
_SAID = {
    "decided": "Decided. What the worker makes of it shows below within seconds.",
    "decided-all": "Decided. What the worker makes of it shows here within seconds.",
}


class Deciding:
    """`send` hands decisions to Kafka and raises NotTaken. Workers refuse those without a reason that touch more than `reason_above`."""

    def __init__(
        self,
        templates: Templates,
        door: Door,
        send: Callable[[Sequence[Decision]], Awaitable[None]],
        meters: ConsoleMeters,
        reason_above: int,
    ) -> None:
        self.door = door
        self._reason_above = reason_above
        self.sessions = Sessions()
        self._templates = templates
        self._send = send
        self._meters = meters

    def said(self, name: str) -> str:
        """Return what to say at the top of a page that follows a decision."""
        return _SAID.get(name, "")

    def is_his(self, form: Form, session: Session) -> bool:
        """Tell whether a form comes from a page that this session was given."""
        return hmac.compare_digest(_text(form, "csrf").encode(), session.csrf.encode())

    def sign_in(self, to: str, problem: str = "") -> Shown:
        """Return the form."""
        if not self.door.exists:
            return self._refused("Read only", "Nobody can sign in here: console.token_file names no file with a token.")
        return Shown(
            "Sign in",
            "",
            [Part("sign-in", self._templates.part("deciding", "sign_in", to=_own(to), problem=problem), live=False)],
        )

    def enter(self, form: Form, address: str, now_s: float) -> tuple[Session, str] | Shown:
        """Return a session and where to go; or the form again, with what was wrong."""
        to, by = _own(_text(form, "to")), " ".join(_text(form, "by").split())
        if not self.door.exists:
            return self.sign_in(to)
        if self.door.is_shut(address, now_s):
            self._meters.refused.inc()
            return self.sign_in(to, "Too many wrong tokens: wait a minute.")
        if not self.door.opens(_text(form, "token").strip(), address, now_s):
            self._meters.refused.inc()
            return self.sign_in(to, "This is not the token.")
        if not 1 <= len(by) <= MOST_BY_CHARS:
            return self.sign_in(to, f"A name has 1 to {MOST_BY_CHARS} characters.")
        return self.sessions.begin(by, now_s), to

    def review(self, desk: Desk, form: Form, session: Session | None, problem: str = "") -> tuple[Shown, int]:
        """Return what a decision on several cases touches, with the form that makes it, and the page's status."""
        if session is None or not self.is_his(form, session):
            return self._stranger(), 403
        cases, decision = _cases(desk, form), _text(form, "decision")
        if decision not in DECISIONS or not cases:
            return self._refused("Nothing to decide", "Choose at least one case in the list, and a decision."), 400
        problem = problem or _too_much(cases)
        part = self._templates.part(
            "deciding",
            "review",
            lines=[(line(desk.board, case), case.named.count) for case in cases] if not _too_much(cases) else [],
            touched=_touched(cases),
            decision=decision,
            words=DECISIONS[decision],
            meaning=MEANINGS[decision],
            csrf=session.csrf,
            problem=problem,
            note=_note(form),
            most_cases=MOST_CASES_AT_ONCE,
            most_accounts=MOST_ACCOUNTS_AT_ONCE,
        )
        return Shown("Review", "/", [Part("review", part, live=False)]), 400 if problem else 200

    async def decide(self, desk: Desk, form: Form, session: Session | None) -> str | tuple[Shown, int]:
        """Send decisions; return where to go, or a page and its status."""
        if session is None or not self.is_his(form, session):
            return self._stranger(), 403
        cases, decision, note = _cases(desk, form), _text(form, "decision"), _note(form)
        nobody = "accounts" in form and not _chosen_accounts(form, cases)
        if decision not in DECISIONS or not cases or nobody or len(note) > MOST_NOTE_CHARS:
            return self._refused("Nothing to decide", "Choose at least one case, or one of its accounts, and what it is."), 400
        if len(cases) > 1 or "touched" in form:
            problem = _too_much(cases) or _not_agreed(form, cases, note)
            if problem:
                return self.review(desk, form, session, problem)
        elif not note and decision in _TOUCHING and "accounts" not in form and _touched(cases) > self._reason_above:
            problem = f"It names {counted(_touched(cases), 'account')}: go back and say why."
            return self._refused("Give a reason", problem), 400
        now_ms = time.time_ns() // 1_000_000
        accounts = _chosen_accounts(form, cases)
        decisions = [Decision(case.case_id, _kind(decision), session.by, now_ms, accounts, note or None) for case in cases]
        try:
            await self._send(decisions)
        except NotTaken as error:
            return self._refused("Not decided", f"{error}."), 503
        self._meters.sent.labels(decision).inc(len(decisions))
        return f"/cases/{cases[0].case_id}?said=decided" if len(cases) == 1 else "/?said=decided-all"

    def _stranger(self) -> Shown:
        return self._refused("Not signed in", "Sign in, and send the form again from a page that you opened after that.")

    def _refused(self, title: str, problem: str) -> Shown:
        return Shown(
            title, "", [Part("refused", self._templates.part("deciding", "refused", title=title, problem=problem), live=False)]
        )


def _cases(desk: Desk, form: Form) -> list[CaseFile]:
    wanted = dict.fromkeys(str(one) for one in form.getall("case", []))
    found = [desk.board.cases.get(case_id) for case_id in wanted]
    return [case for case in found if case is not None and case.latest is not None]


def _chosen_accounts(form: Form, cases: Sequence[CaseFile]) -> list[str] | None:
    """Return the accounts of a case that a decision is about, None where it is about the whole case."""
    if "accounts" not in form or len(cases) != 1:
        return None
    wanted = set(form.getall("account", []))
    return [one.account_id for one in cases[0].named.accounts() if mark(one.account_id) in wanted][:MOST_ACCOUNT_IDS]


def _touched(cases: Sequence[CaseFile]) -> int:
    return sum(case.named.count for case in cases)


def _too_much(cases: Sequence[CaseFile]) -> str:
    if len(cases) > MOST_CASES_AT_ONCE:
        return f"{counted(len(cases), 'case')} are more than {MOST_CASES_AT_ONCE}: choose fewer."
    if _touched(cases) > MOST_ACCOUNTS_AT_ONCE:
        return f"They name {counted(_touched(cases), 'account')}, more than {MOST_ACCOUNTS_AT_ONCE:,}: choose fewer, or decide on each by itself."
    return ""


def _not_agreed(form: Form, cases: Sequence[CaseFile], note: str) -> str:
    """Return what keeps a decision on several cases from being made: no reason, or more than was shown."""
    if not note:
        return "Give a reason."
    shown = _text(form, "touched")
    if not shown.isdigit() or _touched(cases) > int(shown):
        return f"They name {counted(_touched(cases), 'account')} by now: look again."
    return ""


def _kind(decision: str) -> DecisionKind:
    kinds: tuple[DecisionKind, ...] = get_args(DecisionKind)
    return next(kind for kind in kinds if kind == decision)


def _text(form: Form, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _note(form: Form) -> str:
    """Return the reason as one line."""
    return " ".join(_text(form, "note").split())


def _own(to: str) -> str:
    """Return an address if it is within the console, the first page otherwise.

    >>> _own("/cases/1?x=2"), _own("//evil.example"), _own("https://evil.example"), _own("/\\\\evil.example")
    ('/cases/1?x=2', '/', '/', '/')
    """
    is_own = to.startswith("/") and not to.startswith("//") and "\\" not in to and to.isprintable() and to.isascii()
    return to if is_own else "/"
