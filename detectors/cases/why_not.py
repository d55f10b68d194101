"""Why a case has its verdict and no other: what each other verdict lacks, in sentences. Judges nothing; knows only what was published.

The rules are those of `detectors.cases.verdict` and `detectors.cases.vouching`; consoles and `pollwatch explain` show the sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detectors.alert import CaseData, Verdict
from detectors.cases.sentences import NO_SCRIPT
from detectors.cases.verdict import ACCUSING, ALONE_ABOVE, MIXED_BELOW
from detectors.cases.vouching import DISSENT, LITTLE
from detectors.findings import Evidence

VERDICTS: tuple[Verdict, ...] = ("coordinated", "mixed", "organic", "insufficient")
"""In the order in which they are told."""

_VOUCHERS = (
    "a post that sent it, a fade as of what people pass on, another detector that saw the crowd, "
    f"{DISSENT:.0%} of what came beyond the usual votes for another answer, or so little of it (at most {LITTLE:.0%} of the poll, "
    "and less than its leader is ahead by) that nothing is lost"
)


def why(data: CaseData) -> str:
    """Return why a revision has the verdict it has, in one sentence."""
    return _WHY[data.verdict](data)


def why_not(data: CaseData) -> list[tuple[Verdict, str]]:
    """Return each verdict that a revision does not have, and what was missing for it."""
    return [(verdict, _WHY_NOT[verdict](data)) for verdict in VERDICTS if verdict != data.verdict]


def _accusers(data: CaseData) -> list[str]:
    """Return the detectors that told a reason against somebody; the rate alone tells none."""
    against = {one.detector for one in data.evidence if one.direction == "coordinated" and one.sentence != NO_SCRIPT}
    return sorted(against - {"rate"})


def _seen_crowd(data: CaseData) -> list[Evidence]:
    return [one for one in data.evidence if one.direction == "organic" and one.observed is not None]


def _is_unseen(data: CaseData) -> bool:
    return any(one.detector == "overload" for one in data.evidence)


def _is_refuted(data: CaseData) -> bool:
    return data.review is not None and data.review.decision == "false_positive" and data.verdict not in ACCUSING


def _why_coordinated(data: CaseData) -> str:
    return f"{_claim(data)} Nothing says that a crowd voted beside it."


def _why_mixed(data: CaseData) -> str:
    return f"{_claim(data)} Others voted beside it: {_beside(data)}."


def _why_organic(data: CaseData) -> str:
    seen = _measured(len(_seen_crowd(data)))
    return f"Nobody is accused, {seen} a crowd, and something besides vouches for it."


def _why_insufficient(data: CaseData) -> str:
    if _is_refuted(data):
        return "A reviewer decided that it is a false positive, so nobody is accused; that does not prove a crowd."
    if _is_unseen(data):
        return "The rate is abnormal, and for a part of the time nobody looked at who voted."
    return "The rate is abnormal, nobody can be accused, and no crowd is vouched for."


def _not_coordinated(data: CaseData) -> str:
    if data.verdict == "mixed":
        return f"A script alone would leave nothing beside it; here {_beside(data)}."
    return _nobody_accused(data)


def _not_mixed(data: CaseData) -> str:
    if data.verdict != "coordinated":
        return _nobody_accused(data)
    if len(data.poll_ids) > 1:
        return (
            "No crowd was seen in the same poll at the same time. A campaign over several polls hides in no crowd by numbers, since "
            "when it was in which poll is not known."
        )
    return (
        "No crowd was seen in the same poll at the same time, and the suspect votes were at least "
        f"{MIXED_BELOW:.0%} of what came since the rate became abnormal."
    )


def _not_organic(data: CaseData) -> str:
    if data.verdict in ACCUSING:
        return (
            f"Somebody is accused, by {_names(_accusers(data))}: it is only called a crowd when no claim stands, that is when all "
            "scores are low again or everybody who was named is cleared."
        )
    if _is_unseen(data):
        return "For a part of the time nobody looked at who voted, so a crowd can't be told from what looks like one."
    seen = _seen_crowd(data)
    if not seen:
        return "Nothing was measured that speaks for a crowd: who voted was not looked at closely, or looks like no crowd before."
    return f"{_capital(_measured(len(seen)))} a crowd, but accounts that were taken over look alike; it lacks one of: {_VOUCHERS}."


def _not_insufficient(data: CaseData) -> str:
    if data.verdict in ACCUSING:
        return f"It is told apart: {_names(_accusers(data))} found what crowds do not do, with a score of {data.score:.3g} (above 1)."
    return "It is told apart: more than likeness to other crowds speaks for this one."


def _nobody_accused(data: CaseData) -> str:
    if data.review is not None and _is_refuted(data):
        return (
            f"{data.review.by!r} decided that it is a false positive. The same evidence accuses nobody until it is twice as strong, or "
            "its time is over; other evidence does."
        )
    against = _accusers(data)
    if not against:
        return (
            "Nobody is accused: that needs two independent signs against the same accounts, a rhythm that crowds do not have, accounts "
            "that meet again and again, or copied texts. There is only the rate."
        )
    return f"Nobody is accused now: what {_names(against)} said against somebody is too weak (a score of 1 or less), or was withdrawn."


def _claim(data: CaseData) -> str:
    return f"A claim against who voted stands (score {data.score:.3g}, above 1), told by {_names(_accusers(data))}."


def _beside(data: CaseData) -> str:
    crowd = len(_seen_crowd(data))
    if crowd:
        return f"{_measured(crowd)} a crowd in the same poll at the same time"
    return (
        f"the suspect votes are less than {MIXED_BELOW:.0%} of what came since the rate became abnormal "
        f"({ALONE_ABOVE:.0%} once it was called mixed)"
    )


def _measured(reasons: int) -> str:
    return "one measured reason speaks for" if reasons == 1 else f"{reasons} measured reasons speak for"


def _names(detectors: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(detectors[:-1]), *detectors[-1:]))) or "a detector"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


_WHY: dict[Verdict, Callable[[CaseData], str]] = {
    "coordinated": _why_coordinated,
    "mixed": _why_mixed,
    "organic": _why_organic,
    "insufficient": _why_insufficient,
}
_WHY_NOT: dict[Verdict, Callable[[CaseData], str]] = {
    "coordinated": _not_coordinated,
    "mixed": _not_mixed,
    "organic": _not_organic,
    "insufficient": _not_insufficient,
}
