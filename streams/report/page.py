"""The report's page, put together. Every text from outside passes `streams.report.markup`."""

from __future__ import annotations

from pathlib import Path

from streams.report.case_section import badge, case_section, suspects_in_words
from streams.report.contents import contents, found
from streams.report.markup import text
from streams.report.polls_table import polls_table
from streams.report.report import MOST_CASES, Report, accuses, drawn
from streams.report.words import counted, moment

_STYLE = Path(__file__).with_name("style.css")
_COUNTS = {"events": "event", "rejected": "refused line", "duplicates": "duplicate", "late": "late event"}


def page(report: Report) -> str:
    """Return the whole page: at most MOST_CASES cases, the most important first, some of them drawn."""
    standing = report.standing()
    shown = drawn(standing)
    sections = [case_section(case, report, case.case_id in shown) for case in standing[:MOST_CASES]]
    accusing = sum(map(accuses, standing[:MOST_CASES]))
    if len(sections) > accusing:
        sections.insert(accusing, "<h2>Crowds, and what can't be told</h2>")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Pollwatch: scan</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        # the page needs nothing but its own style, so nothing else may run or be fetched whatever a text says
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head>\n<body>"
        f'<header><h1>Pollwatch: what was found</h1><p class="lead">{text(found(report))}</p></header>\n<main>'
        f"{contents(standing)}{''.join(sections)}{_withdrawn(report)}{polls_table(report)}</main>\n{_footer(report)}</body></html>\n"
    )


def _withdrawn(report: Report) -> str:
    gone = "".join(
        f"<li>{badge('withdrawn')} {text(', '.join(case.poll_ids))}: {text(case.summary)} "
        f'<span class="quiet">(case {text(case.case_id)}, {moment(case.updated_ms)})</span></li>'
        for case in report.withdrawn()[:MOST_CASES]
    )
    merged = "".join(
        f"<li>{text(', '.join(case.poll_ids))}: {text(suspects_in_words(case))}, part of "
        f'<a href="#case-{text(case.merged_into)}">case {text(case.merged_into)}</a></li>'
        for case in report.merged()[:MOST_CASES]
    )
    parts = f"<h2>Withdrawn</h2><p>These cases no longer hold; what they said is void.</p><ul>{gone}</ul>" if gone else ""
    return parts + (f"<h2>Merged</h2><p>These turned out to be part of another case.</p><ul>{merged}</ul>" if merged else "")


def _footer(report: Report) -> str:
    totals = report.totals
    counts = ", ".join(counted(int(totals[name]), noun) for name, noun in _COUNTS.items())
    made = next((one.data.made_by for one in report.cases), None)
    by = f" Pollwatch {made.version}, settings {made.config_digest}." if made is not None else ""
    return (
        f'<footer class="quiet"><p>{text(counts)}; {totals["seconds"]:,.1f} s, {totals["peak_rss_bytes"] / 1e6:,.0f} MB.'
        f"{text(by)} All times are event time, UTC. Nothing is done by itself: a person decides.</p></footer>"
    )
