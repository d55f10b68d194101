"""The report's page, put together from cases, timelines and tallies. Every text from outside passes `streams.report.markup`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detectors.alert import Alert, CaseData, Integrity
from detectors.findings import Evidence
from detectors.sentences import timestamp
from streams.report.chart import caption, chart
from streams.report.markup import rows, text
from streams.report.timelines import Timelines

MOST_CASES = 200
_STYLE = Path(__file__).with_name("style.css")
_LIMITS = (
    "“insufficient” means: votes surged, and this version does not yet look at who voted, from where and with whom. "
    "It can't tell a crowd from a script."
)
_COUNTS = {
    "events": "events",
    "votes": "votes",
    "replies": "replies",
    "rejected": "refused",
    "duplicates": "duplicates",
    "late": "late",
    "polls": "polls",
    "cases": "cases",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported: `totals` as in summary.json, the last alert of each case, and the estimates of polls by id."""

    totals: Mapping[str, float]
    cases: Sequence[Alert]
    timelines: Timelines
    estimates: Mapping[str, Integrity]


def page(report: Report) -> str:
    """Return the whole page; the cases with the highest scores come first, at most MOST_CASES of them."""
    ranked = sorted(report.cases, key=lambda case: (-case.data.score, case.id))
    cases = "".join(_case(case.data, report) for case in ranked[:MOST_CASES])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Pollwatch: scan</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # the page needs nothing but its own style, so nothing else may run or be fetched whatever a text says
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head>\n<body><h1>Pollwatch: scan</h1>\n"
        f"{_totals(report.totals)}<p>{text(_headline(len(ranked)))}</p>\n{cases}</body></html>\n"
    )


def _headline(cases: int) -> str:
    if not cases:
        return "No case was opened: no poll got more votes than its own past and that of the others explain."
    more = f" The {MOST_CASES} with the highest scores are shown; alerts.jsonl has all." if cases > MOST_CASES else ""
    return f"{cases:,} {'case was' if cases == 1 else 'cases were'} opened.{more} {_LIMITS}"


def _totals(totals: Mapping[str, float]) -> str:
    shown = {label: f"{totals[name]:,}" for name, label in _COUNTS.items()}
    shown |= {"seconds": f"{totals['seconds']:,.1f}", "memory": f"{totals['peak_rss_bytes'] / 1e6:,.0f} MB"}
    tiles = "".join(f"<div><dt>{label}</dt><dd>{number}</dd></div>" for label, number in shown.items())
    return f'<dl class="totals">{tiles}</dl>\n'


def _case(data: CaseData, report: Report) -> str:
    polls = "".join(_poll(poll_id, data, report) for poll_id in data.poll_ids)
    tags = [data.verdict, data.severity, *data.kinds, f"score {data.score:.3g}"]
    return (
        f"<article><h2>{text(', '.join(data.poll_ids))}</h2>"
        f'<div class="tags">{"".join(f"<span>{text(tag)}</span>" for tag in tags)}</div>'
        f"<p>{text(data.summary)}</p>{polls}"
        f'<div class="sides">{_side("Why it could be coordinated", data, "coordinated")}'
        f"{_side('Why it could be a crowd', data, 'organic')}</div>"
        f'<p class="quiet">Case {text(data.case_id)}, revision {data.revision}, opened {_when(data.opened_ms)}, '
        f"last said {_when(data.updated_ms)}. Pollwatch {text(data.made_by.version)}, settings "
        f"{text(data.made_by.config_digest)}.</p></article>\n"
    )


def _side(title: str, data: CaseData, direction: str) -> str:
    sentences = "".join(_evidence(one) for one in data.evidence if one.direction == direction)
    return f"<section><h3>{text(title)}</h3><ul>{sentences or '<li>nothing was found</li>'}</ul></section>"


def _evidence(evidence: Evidence) -> str:
    return f'<li>{text(evidence.sentence)} <span class="quiet">({text(evidence.detector)})</span></li>'


def _poll(poll_id: str, data: CaseData, report: Report) -> str:
    timeline = report.timelines.of(poll_id)
    drawing = '<p class="quiet">No timeline was kept: too many polls have cases.</p>'
    if timeline is not None:
        drawing = (
            f"<figure>{chart(timeline, data.window)}<figcaption>{text(caption(timeline))} "
            "Marked: the time this case is about.</figcaption></figure>"
        )
    estimate = report.estimates.get(poll_id)
    return drawing + (_tally(estimate) if estimate is not None else "") + _impact(poll_id, data)


def _tally(estimate: Integrity) -> str:
    total = max(1, estimate.votes)
    ranked = sorted(estimate.options.items(), key=lambda item: (-item[1], item[0]))
    cells: list[tuple[object, ...]] = [(option, f"{votes:,}", f"{votes / total:.1%}") for option, votes in ranked]
    return (
        '<table><thead><tr><th scope="col">Option</th><th scope="col">Votes</th><th scope="col">Share</th></tr></thead>'
        f'<tbody>{rows(cells)}</tbody></table><p class="quiet">{estimate.votes:,} votes up to {_when(estimate.updated_ms)}.</p>'
    )


def _impact(poll_id: str, data: CaseData) -> str:
    """Say what the case makes suspect, as it was when it last spoke: the poll went on after that."""
    impact = next(poll for poll in data.polls if poll.poll_id == poll_id)
    low, high = impact.suspect.share_low, impact.suspect.share_high
    flips = {"yes": "would change", "no": "would not change", "uncertain": "could change"}[impact.outcome.flips]
    return (
        f'<p class="quiet">Suspect when the case last spoke: {low:.1%} to {high:.1%} of the votes until then. '
        f"Without them the leader {flips}.</p>"
    )


def _when(at_ms: int) -> str:
    return timestamp(at_ms // 1000 * 1000).replace("T", " ").replace(".000Z", " UTC")
