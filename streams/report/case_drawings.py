"""Which drawings a case gets, each with its legend and with its numbers as a table."""

from __future__ import annotations

from detectors.alert import CaseData, Integrity
from detectors.cases.sentences import span
from streams.report.bars import Bars, around, whole
from streams.report.cluster_charts import ages_chart, meetings_chart
from streams.report.markup import rows, table, text
from streams.report.report import Report
from streams.report.result_chart import MOST_OPTIONS, ranked, result_chart
from streams.report.sample import Sample
from streams.report.timeline_chart import has_suspects, shows_window, timeline_chart
from streams.report.words import clock, counted, interval, percent

_MOST_ROWS = 40


def drawings(case: CaseData, report: Report) -> str:
    """Return the figures of a case: they are about its poll with the most suspect votes."""
    lead = max(case.polls, key=lambda poll: (poll.suspect.votes, poll.poll_id))
    sample, estimate = report.samples.get(case.case_id), report.estimates.get(lead.poll_id)
    figures = [*_timelines(case, lead.poll_id, report), *_cluster(lead.poll_id, sample)]
    if estimate is not None and estimate.options:
        figures.append(_result(estimate))
    of = f'<p class="quiet">The drawings are about {text(lead.poll_id)}.</p>' if len(case.polls) > 1 else ""
    return f'{of}<div class="charts">{"".join(figures)}</div>'


def _timelines(case: CaseData, poll_id: str, report: Report) -> list[str]:
    sample, timeline = report.samples.get(case.case_id), report.timelines.of(poll_id)
    near = None if sample is None else sample.near.get(poll_id)
    suspect = next(poll.suspect.votes for poll in case.polls if poll.poll_id == poll_id)
    figures = []
    if near is not None and (timeline is None or near.span_ms < timeline.span_ms):
        figures.append(_timeline("Votes around that time", around(near, timeline, case.window, suspect), case))
    if timeline is not None and timeline.filled():
        figures.append(_timeline("The whole recording", whole(timeline, case.window, suspect, near), case))
    return figures or ['<p class="quiet">No timeline was kept: too many polls have cases.</p>']


def _timeline(title: str, bars: Bars, case: CaseData) -> str:
    keys = [("crowd", "votes"), ("expected", "expected")]
    keys += [("suspect", "suspect ones among them")] if has_suspects(bars) else []
    keys += [("band", "time of the case")] if shows_window(bars, case.window) else []
    most = sorted(sorted(bars.bars, key=lambda bar: -bar.votes)[:_MOST_ROWS], key=lambda bar: bar.start_ms)
    cells = [
        (clock(b.start_ms), f"{b.votes:,.0f}", f"{b.suspect:,.0f}", "" if b.expected is None else f"{b.expected:,.3g}")
        for b in most
    ]
    head = (f"From (UTC), {span(0, bars.span_ms)} each", "Votes", "Suspect", "Expected")
    return _figure(title, timeline_chart(bars, case.window, title), _legend(*keys), table(head, rows(list(cells))))


def _cluster(poll_id: str, sample: Sample | None) -> list[str]:
    if sample is None:
        return []
    figures = []
    legend = _legend(("suspect", "named account"), ("crowd", "somebody else"))
    some = " A part of the votes is drawn, chosen evenly."
    ages = ages_chart(sample, poll_id)
    if ages:
        says = f"{legend} Each dot is a vote; the higher, the older the account was.{some}"
        figures.append(_figure("Age of the accounts", ages, says, ""))
    meetings = meetings_chart(sample)
    if meetings:
        says = f"{legend} Each line is a poll, each tick a vote: above by named accounts, below by others.{some}"
        figures.append(_figure("The same accounts, poll after poll", meetings, says, ""))
    return figures


def _result(estimate: Integrity) -> str:
    legend = _legend(("crowd", "as counted"), ("without", "without suspect votes, with 95% interval"))
    cells = []
    for option in ranked(estimate)[:MOST_OPTIONS]:
        without, votes = estimate.adjusted[option], estimate.options[option]
        left = f"{percent(without.share)} ({interval(without.low, without.high)})"
        cells.append((option, f"{votes:,}", percent(votes / max(1, estimate.votes)), left))
    rest = len(estimate.options) - MOST_OPTIONS
    more = f" {counted(rest, 'more option')} not shown." if rest > 0 else ""
    head = ("Option", "Votes", "As counted", "Without suspect votes")
    return _figure("Result", result_chart(estimate), f"{legend}{more}", table(head, rows(list(cells))), is_open=True)


def _legend(*entries: tuple[str, str]) -> str:
    return " ".join(f'<span class="key {name}">{text(words)}</span>' for name, words in entries)


def _figure(title: str, chart: str, says: str, numbers: str, is_open: bool = False) -> str:
    """Return a figure; `says` and `numbers` are markup. What is not `open` is folded away."""
    if numbers and not is_open:
        numbers = f"<details><summary>Numbers</summary>{numbers}</details>"
    return f"<figure><h3>{text(title)}</h3>{chart}<figcaption>{says}</figcaption>{numbers}</figure>"
