"""All polls as one table: the result as counted, and what is left of it without suspect votes."""

from __future__ import annotations

from detectors.alert import Integrity
from streams.report.markup import rows, table
from streams.report.report import Report
from streams.report.words import interval, percent

MOST_POLLS = 500


def polls_table(report: Report) -> str:
    """Return the table, polls with the largest suspect share first; at most MOST_POLLS."""
    if not report.estimates:
        return ""
    ranked = sorted(report.estimates.values(), key=lambda one: (-one.suspect_votes / max(1, one.votes), -one.votes, one.poll_id))
    title = ("Poll", "Votes", "Suspect", "95% interval", "Leads", "Without suspect votes", "Changes?")
    body = table(title, rows([_line(one) for one in ranked[:MOST_POLLS]]), "polls")
    more = ""
    if len(ranked) > MOST_POLLS:
        more = f'<p class="quiet">{MOST_POLLS} of {len(ranked):,} polls are shown; integrity.jsonl has all.</p>'
    return f'<section id="polls"><h2>All polls</h2>{body}{more}</section>'


def _line(one: Integrity) -> tuple[object, ...]:
    share = percent(one.suspect_votes / max(1, one.votes))
    ends = interval(one.suspect_share_low, one.suspect_share_high)
    outcome = one.outcome
    if outcome.leader is None:
        return (one.poll_id, f"{one.votes:,}", share, ends, "nobody", "nobody", "no")
    return (
        one.poll_id,
        f"{one.votes:,}",
        share,
        ends,
        _standing(outcome.leader, one.options.get(outcome.leader, 0) / max(1, one.votes)),
        _adjusted(one),
        {"yes": "yes", "no": "no", "uncertain": "can't be ruled out"}[outcome.flips],
    )


def _adjusted(one: Integrity) -> str:
    leader = one.outcome.adjusted_leader
    return "nobody" if leader is None else _standing(leader, one.adjusted[leader].share)


def _standing(option: str, share: float) -> str:
    return f"{option} {percent(share)}"
