"""The reasons a case gives for both sides: those of its claims, each once, the weightiest first. It judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from detectors.cases.claim import Claim
from detectors.cases.sentences import COUNTED, NO_CROWD, NO_SCRIPT, SURGE_AGAINST, surge_for, unseen
from detectors.findings import Evidence
from detectors.spans import Span

_MOST_A_SIDE = 8
_NO_NUMBERS = str.maketrans("", "", "0123456789.,:%")


def told(claims: Sequence[Claim], spans: Sequence[Span] = ()) -> list[Evidence]:
    """Return the reasons of both sides, of claims in their order, and the spans in which nobody looked at who voted."""
    reasons = list({evidence.sentence: evidence for evidence in _fused(claims)}.values())
    fallback = claims[0].finding.detector
    coordinated = [one for one in reasons if one.direction == "coordinated"][:_MOST_A_SIDE]
    organic = [one for one in reasons if one.direction == "organic"][:_MOST_A_SIDE]
    return [
        *(coordinated or [Evidence(fallback, "coordinated", NO_SCRIPT, None, None, None)]),
        *([Evidence("overload", "organic", f"{unseen(spans)} {COUNTED}", None, None, None)] if spans else []),
        *(organic or [Evidence(fallback, "organic", NO_CROWD, None, None, None)]),
    ]


def _fused(claims: Iterable[Claim]) -> list[Evidence]:
    """Return the reasons of claims; what was said of several surges of a poll in the same words is said once, of the strongest.

    Claims that stand are about groups of their own, and what is said of one is not said of another.
    """
    alike: dict[tuple[str, ...], list[Evidence]] = {}
    for number, claim in enumerate(claims):
        about = str(number) if claim.standing else f"{claim.finding.poll_id} {claim.finding.option}"
        for one in _reasons(claim):
            words = one.sentence if claim.standing else one.sentence.translate(_NO_NUMBERS)
            alike.setdefault((about, one.detector, one.direction, words), []).append(one)
    return [several[0] if len(several) == 1 else _said_once(several) for several in alike.values()]


def _said_once(alike: Sequence[Evidence]) -> Evidence:
    strongest = max(alike, key=lambda one: one.observed or 0.0)
    surges = len({one.sentence for one in alike})
    if surges == 1 or strongest.observed is None:
        return strongest
    return msgspec.structs.replace(strongest, sentence=f"{strongest.sentence} It was so in {surges} surges, most of all in this one.")


def _reasons(claim: Claim) -> Sequence[Evidence]:
    finding = claim.finding
    if finding.evidence or finding.detector != "rate":
        return finding.evidence
    return [
        Evidence("rate", "coordinated", surge_for(finding), finding.observed, finding.expected, finding.p_value),
        Evidence("rate", "organic", SURGE_AGAINST, None, None, None),
    ]
