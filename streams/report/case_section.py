"""One case on the page: the verdict, what it rests on for both sides, drawings, and what it means for the result."""

from __future__ import annotations

from detectors.alert import CaseData, PollImpact
from detectors.cases.sentences import span
from detectors.findings import Evidence
from streams.report.case_drawings import drawings
from streams.report.comparison import comparison
from streams.report.markup import rows, table, text
from streams.report.report import Report, accuses, suspect_votes
from streams.report.sample import Named, Sample
from streams.report.words import FLIPS, KINDS, REASONS, clipped, clock, counted, interval, moment, percent

MOST_POLLS = 40
MOST_SENTENCES = 4


def badge(verdict: str) -> str:
    """Return a verdict as a coloured word."""
    return f'<span class="badge {text(verdict)}">{text(verdict)}</span>'


def case_section(case: CaseData, report: Report, drawn: bool) -> str:
    """Return the article of a case, folded up where it accuses nobody; its charts only when it is to be `drawn`."""
    title, name = f"<h2>{badge(case.verdict)} {text(_polls(case))}</h2>", f'id="case-{text(case.case_id)}"'
    inside = _inside(case, report, drawn)
    if accuses(case):
        lead = f'<p class="lead">{text(case.summary)}</p>'
        return f'<article {name} class="{text(case.verdict)}">{title}{lead}{inside}</article>\n'
    # a link to what lies inside opens it
    folded = f"<details><summary>{title} {text(case.summary)}</summary><div {name}>{inside}</div></details>"
    return f'<article class="{text(case.verdict)}">{folded}</article>\n'


def _inside(case: CaseData, report: Report, drawn: bool) -> str:
    sample, named = report.samples.get(case.case_id), report.named.get(case.case_id)
    charts = drawings(case, report) if drawn else '<p class="quiet">Not drawn: others weigh more.</p>'
    return (
        f"{_facts(case, named)}{_sides(case)}{charts}"
        f"{_compared(sample)}{_quoted(sample)}{_accounts(named)}{_several(case)}{_small_print(case)}"
    )


def _polls(case: CaseData) -> str:
    return case.poll_ids[0] if len(case.poll_ids) == 1 else f"{case.poll_ids[0]} and {len(case.poll_ids) - 1} more"


def _facts(case: CaseData, named: Named | None) -> str:
    window = case.window
    facts = [
        ("Suspect votes", suspects_in_words(case)),
        ("Would the result change?", flips_in_words(case.polls[0]) if len(case.polls) == 1 else flips_of_all(case)),
        ("When", f"{clock(window.start_ms)} to {clock(window.end_ms)} ({span(0, round(window.end_ms - window.start_ms, -3))})"),
    ]
    if case.verdict != "insufficient":
        facts.append(("Confidence", percent(case.confidence)))
    if named is not None:
        facts.insert(1, ("Accounts named", f"{named.accounts:,}"))
    items = "".join(f"<div><dt>{text(name)}</dt><dd>{text(fact)}</dd></div>" for name, fact in facts)
    return f'<dl class="facts">{items}</dl>'


def suspects_in_words(case: CaseData) -> str:
    """Return how many votes are suspect; of one poll, with the interval of their share."""
    if len(case.polls) > 1:
        return f"{suspect_votes(case):,} in {counted(len(case.polls), 'poll')}"
    suspect = case.polls[0].suspect
    if not suspect.votes:
        return "none" if not suspect.share_high else f"none for sure, at most {percent(suspect.share_high)}"
    return f"{suspect.votes:,} ({interval(suspect.share_low, suspect.share_high)})"


def flips_in_words(poll: PollImpact) -> str:
    """Return whether a poll would have another leader without the suspect votes."""
    outcome = poll.outcome
    if outcome.leader is None:
        return "no votes yet"
    leaders = {"leader": clipped(outcome.leader), "adjusted_leader": clipped(outcome.adjusted_leader or "nobody")}
    return FLIPS[outcome.flips].format(**leaders)


def flips_of_all(case: CaseData) -> str:
    """Return in how many of its polls a case changes who leads."""
    flips = [poll.outcome.flips for poll in case.polls]
    yes, perhaps = flips.count("yes"), flips.count("uncertain")
    if yes:
        return f"Yes, in {yes} of {counted(len(flips), 'poll')}"
    return f"Can't be ruled out in {perhaps} of {counted(len(flips), 'poll')}" if perhaps else "No, in none"


def _sides(case: CaseData) -> str:
    return (
        f'<div class="sides">{_side("Speaks for a script", case, "coordinated")}'
        f"{_side('Speaks for a crowd', case, 'organic')}</div>"
    )


def _side(title: str, case: CaseData, direction: str) -> str:
    sentences = [_evidence(one) for one in case.evidence if one.direction == direction]
    first, rest = "".join(sentences[:MOST_SENTENCES]), sentences[MOST_SENTENCES:]
    more = f"<details><summary>{len(rest)} more</summary><ul>{''.join(rest)}</ul></details>" if rest else ""
    listed = f"<ul>{first or '<li>nothing was found</li>'}</ul>{more}"
    return f'<section class="{direction}"><h3>{text(title)}</h3>{listed}</section>'


def _evidence(evidence: Evidence) -> str:
    return f'<li>{text(evidence.sentence)} <span class="quiet">({text(evidence.detector)})</span></li>'


def _compared(sample: Sample | None) -> str:
    lines = [] if sample is None else comparison(sample)
    if not lines:
        return ""
    head = ("", "Named accounts", "Others in the same polls")
    return "<h3>Named accounts beside the others</h3>" + table(head, rows([(li.trait, li.named, li.others) for li in lines]))


def _quoted(sample: Sample | None) -> str:
    if sample is None or len(sample.quotes) < 2:
        return ""
    quotes = "".join(
        f'<li><q>{text(quote.text)}</q> <span class="quiet">{text(quote.account_id)}, {clock(quote.at_ms)}</span></li>'
        for quote in sample.quotes
    )
    return f'<h3>What named accounts wrote</h3><ul class="quotes">{quotes}</ul>'


def _accounts(named: Named | None) -> str:
    if named is None or not named.accounts + named.cleared:
        return ""
    reasons = ", ".join(f"{REASONS.get(reason, reason)} {count:,}" for reason, count in named.reasons.most_common())
    victims = f" {counted(named.victims, 'account')} of them look taken over: victims, not to be acted on." if named.victims else ""
    cleared = f" {counted(named.cleared, 'account')} named earlier {'was' if named.cleared == 1 else 'were'} cleared." if named.cleared else ""
    return (
        f"<h3>Accounts</h3><p>{text(counted(named.accounts, 'account'))} in moderation.jsonl, with a score and reasons "
        f"each: {text(reasons or 'none')}.{text(victims)}{text(cleared)}</p>"
    )


def _several(case: CaseData) -> str:
    if len(case.polls) < 2:
        return ""
    most = sorted(case.polls, key=lambda poll: (-poll.suspect.share, poll.poll_id))
    cells = [
        (poll.poll_id, f"{poll.suspect.votes:,}", interval(poll.suspect.share_low, poll.suspect.share_high), flips_in_words(poll)) for poll in most[:MOST_POLLS]
    ]
    more = f'<p class="quiet">{len(most) - MOST_POLLS} more in alerts.jsonl.</p>' if len(most) > MOST_POLLS else ""
    head = ("Poll", "Suspect votes", "Share", "Would the result change?")
    return f"<h3>Its polls</h3>{table(head, rows(list(cells)))}{more}"


def _small_print(case: CaseData) -> str:
    kinds = ", ".join(KINDS.get(kind, kind) for kind in case.kinds)
    return (
        f'<p class="quiet">Case {text(case.case_id)}, revision {case.revision}: {text(kinds)}. Opened {moment(case.opened_ms)}, '
        f"last said {moment(case.updated_ms)}, score {case.score:.3g}, {text(case.severity)}. "
        f'<a href="#contents">Back to all cases</a></p>'
    )
