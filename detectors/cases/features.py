"""The evidence of a case as a few numbers from 0 to 1, for `detectors.cases.lessons`. Knows no decision."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from detectors.cases.claim import Claim, polls_of
from detectors.cases.verdict import measured

_MOST_SCORE = 10.0
_MOST_DIGITS = 20.0
_MOST_POLLS = 32
_MOST_SIDES = 4


def features(claims: Sequence[Claim], tallies: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    """Return what the claims that their detectors stand by are like; empty where there is none.

    Not which poll, option or account: what is learned must hold for others.
    """
    found = [claim for claim in claims if claim.found]
    if not found:
        return {}
    least = min(claim.finding.p_value for claim in found)
    organic = [one for claim in claims if claim.finding.lean == "organic" for one in claim.finding.evidence]
    polls = {poll_id for claim in found for poll_id in polls_of(claim.finding)}
    kinds = {f"kind {claim.finding.kind}": 1.0 for claim in sorted(found, key=lambda claim: claim.finding.kind)}
    return kinds | {
        "score": min(1.0, math.log1p(max(claim.finding.score for claim in found)) / math.log1p(_MOST_SCORE)),
        "p-value": min(1.0, -math.log10(max(least, 1e-300)) / _MOST_DIGITS),
        "detectors": min(1.0, len({claim.finding.detector for claim in found}) / _MOST_SIDES),
        "for a crowd": min(1.0, measured(organic) / _MOST_SIDES),
        "polls": min(1.0, math.log2(len(polls)) / math.log2(_MOST_POLLS)),
        "share": max((_share(found, poll_id, tallies.get(poll_id, {})) for poll_id in sorted(polls)), default=0.0),
    }


def _share(found: Sequence[Claim], poll_id: str, tally: Mapping[str, int]) -> float:
    votes = max((of.votes for claim in found for of in claim.finding.suspects if of.poll_id == poll_id), default=0.0)
    return min(1.0, votes / max(1, sum(tally.values())))
