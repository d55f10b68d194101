"""The top of the page: what was found in two sentences, and a list of the cases by verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from detectors.alert import CaseData
from streams.report.case_section import badge, flips_in_words, flips_of_all, suspects_in_words
from streams.report.markup import cells, head, text
from streams.report.report import MOST_CASES, MOST_DRAWN, Report
from streams.report.words import VERDICTS, clock, counted, percent


def found(report: Report) -> str:
    """Return what was found, in words."""
    totals, standing = report.totals, report.standing()
    votes, replies = counted(int(totals["votes"]), "vote"), counted(int(totals["replies"]), "reply", "replies")
    seen = f"{votes} and {replies} in {counted(int(totals['polls']), 'poll')}."
    if not standing:
        return f"{seen} No case was opened: no poll got more votes than its own past and that of the others explain."
    counts: Counter[str] = Counter(case.verdict for case in standing)
    said = ", ".join(f"{counts[name]} {name}" for name in VERDICTS if counts[name])
    return f"{seen} {counted(len(standing), 'case')}: {said}."


def contents(standing: Sequence[CaseData]) -> str:
    """Return the list of cases, each with a link to its article."""
    if not standing:
        return ""
    lines = "".join(_line(case) for case in standing[:MOST_CASES])
    titles = ("Verdict", "Poll", "Suspect votes", "Would the result change?", "When (UTC)", "Confidence")
    more = ""
    if len(standing) > MOST_CASES:
        more = f" The first {MOST_CASES} are listed; alerts.jsonl has all {len(standing):,}."
    if len(standing) > MOST_DRAWN:
        more += f" The first {MOST_DRAWN} are drawn."
    return (
        f'<nav id="contents" aria-label="Cases"><h2>Cases</h2>{_verdicts(standing)}'
        f'<div class="wide"><table class="contents">{head(titles)}<tbody>{lines}</tbody></table></div>'
        f'<p class="quiet">The most important come first.{more}</p></nav>\n'
    )


def _verdicts(standing: Sequence[CaseData]) -> str:
    present = {case.verdict for case in standing}
    meanings = "".join(
        f"<div><dt>{badge(name)}</dt><dd>{text(meaning)}</dd></div>" for name, meaning in VERDICTS.items() if name in present
    )
    return f'<dl class="verdicts">{meanings}</dl>'


def _line(case: CaseData) -> str:
    first, *rest = case.poll_ids
    more = f" and {len(rest)} more" if rest else ""
    change = flips_in_words(case.polls[0]) if not rest else flips_of_all(case)
    link = f'<a href="#case-{text(case.case_id)}">{text(first)}</a>{more}'
    others = cells((suspects_in_words(case), change, clock(case.window.start_ms), percent(case.confidence)))
    return f'<tr><td>{badge(case.verdict)}</td><th scope="row">{link}</th>{others}</tr>'
