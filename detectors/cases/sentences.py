"""Findings in words a person on call understands. Ids stand as they came: whoever shows them escapes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.alert import Outcome, Verdict
from detectors.findings import Finding, Reason
from detectors.spans import Span


def span(start_ms: int, end_ms: int) -> str:
    """Return a length of time in the unit a person would use.

    >>> span(0, 15_000), span(0, 5_400_000)
    ('15 s', '1.5 h')
    """
    seconds = (end_ms - start_ms) / 1000
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:.3g} min" if seconds < 5400 else f"{seconds / 3600:.3g} h"


def clock(at_ms: int) -> str:
    """Return a time of day, UTC.

    >>> clock(1664812842918)
    '16:00:42 UTC'
    """
    return f"{timestamp(at_ms)[11:19]} UTC"


def timestamp(at_ms: int) -> str:
    """Return an RFC 3339 time with milliseconds.

    >>> timestamp(1664812842918)
    '2022-10-03T16:00:42.918Z'
    """
    return f"{np.datetime64(at_ms, 'ms')}Z"


def what_happened(finding: Finding) -> str:
    """Tell what was counted against what was expected."""
    votes = "votes" if finding.option is None else f"votes for {finding.option!r}"
    return (
        f"{finding.observed:,.0f} {votes} in {span(finding.start_ms, finding.end_ms)} up to {clock(finding.end_ms)} "
        f"where {finding.expected:,.3g} were expected (chance {finding.p_value:.2g})"
    )


def surge_for(finding: Finding) -> str:
    """Tell how the surge could be a script."""
    return f"{what_happened(finding)}: a script could have sent them."


SURGE_AGAINST = (
    "A crowd that a post or a broadcast sent would look alike: the rate alone can't tell who voted, from where, and with whom."
)
"""How a surge could be a crowd, and what is not known."""

def unseen(spans: Sequence[Span]) -> str:
    """Tell when nobody looked at who voted; at least one span.

    >>> unseen([(1664812842918, 1664812903918)])
    'Who voted was not looked at between 16:00:42 and 16:01:43 UTC: the workers could not keep up.'
    >>> unseen([(1664812842918, 1664812903918), (1664813000000, 1664813060000)])
    'Who voted was not looked at 2 times between 16:00:42 and 16:04:20 UTC, 2.02 min in all: the workers could not keep up.'
    """
    first, last = clock(spans[0][0]).removesuffix(" UTC"), clock(spans[-1][1])
    if len(spans) == 1:
        return f"Who voted was not looked at between {first} and {last}: the workers could not keep up."
    in_all = span(0, sum(end_ms - start_ms for start_ms, end_ms in spans))
    times = f"{len(spans)} times between {first} and {last}, {in_all} in all"
    return f"Who voted was not looked at {times}: the workers could not keep up."


NO_CROWD = "Nothing that was looked at speaks for a crowd; posts and broadcasts outside of the platform are not looked at."
COUNTED = "The votes of that time are counted, and nobody is named for them."
"""What is said besides where nobody looked at who voted."""

NO_SCRIPT = "Nothing that was looked at speaks for a script; who runs an account is not looked at."

_UNKNOWN = "Crowd or script: not known yet."
_ALIKE = "The people look like those of a crowd, as accounts that were taken over do: not known yet."

_TRAITS: dict[Reason, str] = {
    "taken_over": "that look taken over",
    "born_together": "born together",
    "lockstep": "that meet within seconds again and again",
    "copied_text": "that copy one text",
    "generated_handle": "with generated names",
    "new_account": "made lately",
    "few_networks": "on few networks",
    "one_client": "on one client",
    "one_country": "from one country",
    "clockwork": "voting like a clock",
    "few_followers": "hardly anybody follows",
}
_TRAITS_TOLD = 2


@dataclass(frozen=True, slots=True)
class Story:
    """What a case's one sentence is about: the weightiest finding, the polls, the suspect votes in all of them, how
    often each reason was given for an account, whether the people look `alike` (as those of other crowds do), and the spans
    in which nobody looked at them."""

    finding: Finding
    poll_ids: Sequence[str]
    votes: int
    reasons: Mapping[Reason, int]
    worst: tuple[str, Outcome]
    alike: bool
    unseen: Sequence[Span] = ()


def summary(verdict: Verdict, story: Story) -> str:
    """Tell the case in one sentence."""
    where = _where(story.poll_ids)
    if verdict == "insufficient":
        name = "Votes drip in above the usual" if story.finding.kind == "slow_drip" else "Votes rose suddenly"
        why = unseen(story.unseen) if story.unseen else _ALIKE if story.alike else _UNKNOWN
        return f"{name} on {where}: {what_happened(story.finding)}. {why}"
    if verdict == "organic":
        return f"Real crowd: {_rise(story.finding)} on {where}, from people as different as in other crowds."
    who = "Script inside a real crowd" if verdict == "mixed" else "Script"
    return f"{who}: {_votes(story)}{_traits(story)} on {where}; {_consequence(*story.worst)}."


def reviewed(told: str, is_refuted: bool, is_overruled: bool) -> str:
    """Return a summary with what a reviewer's word means for it.

    >>> reviewed("Votes rose suddenly.", True, False), reviewed("Votes rose suddenly.", False, True)
    ('A reviewer called this a false positive: Votes rose suddenly.', 'Votes rose suddenly. It is more than what a reviewer decided on.')
    """
    if is_refuted:
        return f"A reviewer called this a false positive: {told}"
    return f"{told} It is more than what a reviewer decided on." if is_overruled else told


def _rise(finding: Finding) -> str:
    if finding.detector != "rate":
        return "more votes than usual"
    return f"{finding.observed:,.0f} votes in {span(finding.start_ms, finding.end_ms)} where {finding.expected:,.3g} were expected"


def _votes(story: Story) -> str:
    return f"{story.votes:,} votes" if story.votes else "an unknown number of votes"


def _traits(story: Story) -> str:
    """Return what is said of most accounts, the most telling first."""
    most = max(story.reasons.values(), default=0)
    told = [words for reason, words in _TRAITS.items() if 2 * story.reasons.get(reason, 0) >= max(1, most)]
    if not told and story.finding.kind == "rate_shape":
        return " at a pace that crowds do not have"
    return " of accounts " + ", ".join(told[:_TRAITS_TOLD]) if told else ""


def _where(poll_ids: Sequence[str]) -> str:
    more = f" and {len(poll_ids) - 1} more" if len(poll_ids) > 1 else ""
    return f"poll {poll_ids[0]!r}{more}"


def _consequence(poll_id: str, outcome: Outcome) -> str:
    if outcome.flips == "yes":
        return f"without them {outcome.adjusted_leader!r} leads in {poll_id!r}, not {outcome.leader!r}"
    return "they do not decide who leads" if outcome.flips == "no" else f"they may decide who leads in {poll_id!r}"
