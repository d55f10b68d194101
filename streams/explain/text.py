"""The history of a case for a terminal, and for machines. What strangers wrote is made visible, and cut where it is long."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

import msgspec

from detectors.cases.decision import Decision
from detectors.cases.sentences import timestamp
from detectors.findings import Evidence
from streams.explain.history import History, Step
from streams.terminal import visible

_WIDTH = 110
_MOST_CHARS = 700
_MOST_SHOWN = 10
_SIDES = {"coordinated": "For a script", "organic": "For a crowd"}


def as_json(history: History) -> str:
    """Return the history as one line of JSON: lists and names as in `streams.explain.history`."""
    return msgspec.json.encode(history).decode()


def as_text(history: History) -> str:
    """Return the history as lines of text."""
    return "\n".join(_lines(history))


def _lines(history: History) -> Iterator[str]:
    state = "over" if history.is_over else "open"
    polls = ", ".join(visible(one, 60) for one in history.poll_ids[:_MOST_SHOWN])
    more = f" and {len(history.poll_ids) - _MOST_SHOWN} more" if len(history.poll_ids) > _MOST_SHOWN else ""
    yield f"Case {history.case_id} ({state}): {history.verdict}, confidence {history.confidence:.3g}, {history.severity}"
    yield from _wrapped(history.summary, "")
    yield f"Polls: {polls}{more}"
    if history.merged_into is not None:
        yield f"It is part of case {history.merged_into}: pollwatch explain {history.merged_into}"
    yield from _section(f"Why {history.verdict}", [history.why])
    yield from _section("Why not", [f"{verdict}: {sentence}" for verdict, sentence in history.why_not])
    for direction, title in _SIDES.items():
        yield from _section(title, [_evidence(one) for one in history.evidence if one.direction == direction])
    yield from _section("Accounts", _accounts(history))
    yield from _section("To be taken back", history.undo)
    yield from _section("The decision that stands", _review(history))
    yield from _section("Decisions sent", [_decision(one) for one in history.decisions])
    yield ""
    yield "History"
    for step in history.steps:
        yield from _step(step)


def _section(title: str, sentences: list[str]) -> Iterator[str]:
    if sentences:
        yield ""
        yield title
        for sentence in sentences:
            yield from _wrapped(sentence, "  - ")


def _wrapped(sentence: str, mark: str) -> list[str]:
    shown = visible(sentence, _MOST_CHARS)
    return wrap(shown, _WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark), break_long_words=True) or [mark]


def _evidence(one: Evidence) -> str:
    chance = "" if one.p_value is None else f" (chance {one.p_value:.2g})"
    return f"{one.detector}: {one.sentence}{chance}"


def _accounts(history: History) -> list[str]:
    accounts = history.accounts
    if not accounts.named and not accounts.cleared:
        return []
    told = [f"{accounts.named:,} are named; {accounts.taken_over:,} of them look taken over"]
    told += [f"{count:,} {reason}" for reason, count in accounts.reasons.items()]
    if accounts.cleared:
        shown = ", ".join(visible(one, 40) for one in accounts.cleared[:_MOST_SHOWN])
        more = f" and {len(accounts.cleared) - _MOST_SHOWN:,} more" if len(accounts.cleared) > _MOST_SHOWN else ""
        told.append(f"{len(accounts.cleared):,} are cleared: {shown}{more}")
    return told


def _review(history: History) -> list[str]:
    review = history.review
    if review is None:
        return ["none"] if history.decisions else []
    return [f"{timestamp(review.decided_ms)} {review.by} {review.decision}, the latest of {review.count:,} that were taken"]


def _decision(one: Decision) -> str:
    about = "" if one.account_ids is None else f" on {len(one.account_ids):,} accounts"
    note = f": {one.note}" if one.note else ""
    return f"{timestamp(one.ts)} {one.by} {one.decision}{about}{note}"


def _step(step: Step) -> Iterator[str]:
    yield f"  {step.revision}  {step.time}  {step.news}, {step.verdict} {step.confidence:.3g}"
    for change in step.changes:
        yield from _wrapped(change, "       - ")
