"""What findings mean together: organic, coordinated, mixed or insufficient, and how likely that is right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.alert import Outcome, PollImpact, Severity, Verdict
from detectors.cases.claim import Claim
from detectors.cases.impact import SuspectVotes
from detectors.findings import Evidence, rounded

ACCUSING: frozenset[Verdict] = frozenset({"coordinated", "mixed"})

# A script is hidden in a crowd when its votes are clearly less than the surge; between the two, what was said stays.
MIXED_BELOW = 0.6
ALONE_ABOVE = 0.8
_CRITICAL_SHARE = 0.2

# (score, how often a verdict on such a score was right), from benchmarks/accuracy/calibration.py; log-linear between.
_COORDINATED = ((1.0, 0.95), (2.0, 0.98), (5.0, 0.99))
# (measured reasons on the side of a crowd, how often "organic" was right)
_ORGANIC = ((0, 0.8), (1, 0.96), (2, 0.985), (4, 0.99))


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the probability that it is right (0 where there is none)."""

    verdict: Verdict
    confidence: float


UNJUDGED = Judgement("insufficient", 0.0)


def judge(
    claims: Sequence[Claim], suspects: Mapping[str, SuspectVotes], vouched: bool, before: Verdict
) -> Judgement:
    """Return what the claims of a case mean; `suspects` is by poll, `before` the verdict so far.

    A crowd that was seen is called one where it is `vouched` for (`detectors.cases.vouching`).
    """
    accusing = [claim for claim in claims if claim.standing]
    organic = [claim for claim in claims if claim.finding.lean == "organic"]
    if accusing:
        in_one_poll = [claim for claim in accusing if len(claim.finding.suspects) < 2]
        verdict: Verdict = "mixed" if _hidden(in_one_poll, organic, claims, suspects, before) else "coordinated"
        return Judgement(verdict, _chance(_COORDINATED, max(claim.finding.score for claim in accusing)))
    if organic and vouched:
        seen = [evidence for claim in organic for evidence in claim.finding.evidence]
        return Judgement("organic", _chance(_ORGANIC, measured(seen)))
    return UNJUDGED


def measured(evidence: Sequence[Evidence]) -> int:
    """Return how many reasons on the side of a crowd were measured, each once."""
    return len({one.sentence for one in evidence if one.direction == "organic" and one.observed is not None})


def _hidden(
    accusing: Sequence[Claim],
    organic: Sequence[Claim],
    claims: Sequence[Claim],
    suspects: Mapping[str, SuspectVotes],
    before: Verdict,
) -> bool:
    """Tell whether a script hides in a crowd: somebody saw the crowd, or much more came than the script sent.

    What came is what the poll had, beyond what it had before the surge, when the script was counted last: later votes
    may be the script's as well. A campaign over hours and polls hides in no crowd: when it was in which poll is not known.
    """
    if any(claim.overlaps(crowd) for claim in accusing for crowd in organic):
        return True
    by_now: dict[str, int] = {}
    for of in (of for claim in accusing for of in claim.finding.suspects):
        by_now[of.poll_id] = max(sum(of.tally.values()), by_now.get(of.poll_id, 0))
    came: dict[str, int] = {}
    for claim in claims:
        poll_id = claim.finding.poll_id
        if claim.before and poll_id in by_now:
            came[poll_id] = max(by_now[poll_id] - claim.votes_before, came.get(poll_id, 0))
    scripted = sum(suspects[poll_id].high for poll_id in came)
    return scripted < sum(came.values()) * (ALONE_ABOVE if before == "mixed" else MIXED_BELOW)


def severity(verdict: Verdict, polls: Sequence[PollImpact]) -> Severity:
    """Return how much it matters: a crowd never pages, a script does most where it makes the result."""
    if verdict == "organic":
        return "info"
    made = any(poll.outcome.flips == "yes" or poll.suspect.share >= _CRITICAL_SHARE for poll in polls)
    return "critical" if made and verdict in ACCUSING else "warning"


def worst_outcome(polls: Sequence[PollImpact]) -> tuple[str, Outcome]:
    """Return the poll whose result is most in doubt, the first of equals."""
    doubt = {"no": 0, "uncertain": 1, "yes": 2}
    worst = max(polls, key=lambda poll: doubt[poll.outcome.flips])
    return worst.poll_id, worst.outcome


def _chance(table: Sequence[tuple[float, float]], at: float) -> float:
    """Return the probability at a point of a table, linear in the logarithm between its rows."""
    log_at = [math.log1p(point) for point, _ in table]
    return rounded(float(np.interp(math.log1p(max(0.0, at)), log_at, [chance for _, chance in table])))
