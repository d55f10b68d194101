"""What lets a surge be called a real crowd. It knows claims and tallies, and nothing of who is accused.

That the people look like those of other crowds is not enough: accounts that were taken over look like the people they
belong to. Something must speak for a crowd besides: a post that sent it, a fade as of what people pass on, people who
answer otherwise than the rest, which no script is paid for; or there is too little of it to matter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from detectors.cases.claim import Claim
from detectors.cases.verdict import measured

Tally = Mapping[str, int]

_FEWEST = 30
DISSENT = 0.05
LITTLE = 0.05
_EASE = 1.5
"""What was called a crowd is called so until it is clearly not vouched for: nobody is served by a verdict that goes to and fro."""


def is_vouched_for(claims: Sequence[Claim], tallies: Mapping[str, Tally], was: bool) -> bool:
    """Tell whether more speaks for a crowd than that its people look like others; `was` it so before, a little less will do."""
    organic = [claim for claim in claims if claim.finding.lean == "organic"]
    if len({claim.finding.detector for claim in organic}) > 1:
        return True
    if any(measured(claim.finding.evidence) > 1 for claim in organic):
        return True
    surges: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.before:
            surges.setdefault(claim.finding.poll_id, []).append(claim)
    ease = _EASE if was else 1.0
    return all(_is_harmless(told, tallies.get(poll_id, {}), ease) for poll_id, told in surges.items())


def _is_harmless(surge: Sequence[Claim], now: Tally, ease: float) -> bool:
    """Tell whether nothing is lost if this surge was no crowd: it is small, or many in it say otherwise."""
    first = min(surge, key=lambda claim: sum(claim.before.values()))
    a_minute = max(claim.excess_a_minute for claim in surge)
    usual = min(claim.usual_votes for claim in surge)
    return is_little(first.before, now, a_minute, ease * LITTLE) or people_differ(first.before, now, usual, DISSENT / ease)


def is_little(before: Tally, now: Tally, a_minute: float, at_most: float = LITTLE) -> bool:
    """Tell whether what came since, or comes in a minute, is a small part of the poll, and less than its leader is ahead by."""
    votes = sum(now.values())
    came = max(votes - sum(before.values()), a_minute)
    ranked = sorted(now.values(), reverse=True)
    lead = ranked[0] - (ranked[1] if len(ranked) > 1 else 0) if ranked else 0
    return came <= min(at_most * votes, lead)


def people_differ(before: Tally, now: Tally, usual: float, at_least: float = DISSENT) -> bool:
    """Tell whether enough of what came, beyond the `usual` votes, did not choose the answer that most of it chose.

    The usual votes are divided as those before; of each answer, two deviations more than them are taken for usual.
    """
    votes = max(1, sum(before.values()))
    came = {option: max(0, count - before.get(option, 0)) for option, count in now.items()}
    share = {option: before.get(option, 0) / votes for option in came}
    beyond = sum(came.values()) - usual
    if beyond < _FEWEST:
        return False
    above = sorted(max(0.0, came[one] - usual * share[one] - 2 * math.sqrt(usual * share[one])) for one in came)
    return sum(above[:-1]) >= at_least * beyond
