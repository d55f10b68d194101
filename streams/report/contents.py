"""The top of the page: what was found in two sentences, and a list of the cases by verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from detectors.alert import CaseData
from streams.report.case_section import badge, flips_in_words, flips_of_all, suspects_in_words
from streams.report.markup import cells, head, text
from streams.report.report import MOST_CASES, Report, accuses, drawn
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
    listed = standing[:MOST_CASES]
    accusing, others = [case for case in listed if accuses(case)], [case for case in listed if not accuses(case)]
    folded = f"<details><summary>{text(_told_apart(others))}</summary>{_table(others)}</details>" if others else ""
    more = ""
    if len(standing) > MOST_CASES:
        more = f" The first {MOST_CASES} are listed; alerts.jsonl has all {len(standing):,}."
    if len(drawn(standing)) < len(standing):
        more += f" {len(drawn(standing))} have drawings."
    return (
        f'<nav id="contents" aria-label="Cases"><h2>Cases</h2>{_verdicts(standing)}'
        f"{_table(accusing) if accusing else ''}{folded}"
        f'<p class="quiet">The most important come first.{more}</p></nav>\n'
    )


def _told_apart(others: Sequence[CaseData]) -> str:
    crowds = sum(case.verdict == "organic" for case in others)
    parts = [counted(crowds, "case was a crowd", "cases were crowds")] if crowds else []
    if len(others) > crowds:
        parts.append(counted(len(others) - crowds, "can't be told", "can't be told"))
    return " and ".join(parts)


def _table(cases: Sequence[CaseData]) -> str:
    titles = ("Verdict", "Poll", "Suspect votes", "Would the result change?", "When (UTC)", "Confidence")
    lines = "".join(map(_line, cases))
    return f'<div class="wide"><table class="contents">{head(titles)}<tbody>{lines}</tbody></table></div>'


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
    confidence = "" if case.verdict == "insufficient" else percent(case.confidence)
    link = f'<a href="#case-{text(case.case_id)}">{text(first)}</a>{more}'
    others = cells((suspects_in_words(case), change, clock(case.window.start_ms), confidence))
    return f'<tr><td>{badge(case.verdict)}</td><th scope="row">{link}</th>{others}</tr>'
