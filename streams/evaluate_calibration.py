"""Whether confidence means what it says: of cases that are 0.8 sure, eight in ten should be right. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from streams.evaluate_files import CaseSaid, Trial

BINS = 10


class Bin(msgspec.Struct, frozen=True):
    """Cases of one tenth of confidence: how sure they were on average, and how many of them were right."""

    cases: int
    confidence: float
    right: float


class Calibration(msgspec.Struct, frozen=True):
    """The expected calibration error over final revisions of cases; null where no case claims anything.

    An `insufficient` of confidence 0 claims nothing. `verdicts` counts all final revisions. `error_by_poll` takes organic
    for wrong wherever the poll was attacked at any time.
    """

    cases: int
    error: float | None
    error_by_poll: float | None
    bins: list[Bin]
    verdicts: dict[str, int]


def calibration(trials: Sequence[Trial]) -> Calibration:
    """Score the confidence of the last revision of each case; merged cases are part of the one they went into.

    The error is that of Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
    AAAI 2015: the mean over equal bins of |right - confidence|, weighed by their cases.
    """
    final = [(trial, case) for trial in trials for case in _final(trial)]
    claiming = [(trial, case) for trial, case in final if _claims(case)]
    bins = _bins([(case.confidence, _is_right(trial, case)) for trial, case in claiming])
    by_poll = _bins([(case.confidence, _is_right(trial, case, always=True)) for trial, case in claiming])
    verdicts = Counter(case.verdict for _, case in final)
    return Calibration(len(claiming), _error(bins), _error(by_poll), bins, dict(sorted(verdicts.items())))


def _error(bins: Sequence[Bin]) -> float | None:
    cases = sum(one.cases for one in bins)
    return sum(one.cases * abs(one.right - one.confidence) for one in bins) / cases if cases else None


def _final(trial: Trial) -> list[CaseSaid]:
    last: dict[str, CaseSaid] = {}
    for said in trial.alerts:
        if said.case_id not in last or said.revision >= last[said.case_id].revision:
            last[said.case_id] = said
    return [said for said in last.values() if said.merged_into is None]


def _claims(case: CaseSaid) -> bool:
    return case.verdict != "insufficient" or case.confidence > 0


def _is_right(trial: Trial, case: CaseSaid, always: bool = False) -> bool:
    """Whether a case says the truth of its polls.

    Coordinated and mixed are right if every poll is attacked. Organic is right if no poll was worked during the case's
    window (`always`: at any time), and insufficient if nothing could have told an attack there.
    """
    attacks = [[one for one in trial.labels.attacks if poll_id in one.poll_ids] for poll_id in case.poll_ids]
    if case.verdict in ("coordinated", "mixed"):
        return all(attacks)
    spans = [(one, one.span(poll_id)) for poll_id, found in zip(case.poll_ids, attacks, strict=True) for one in found]
    meant = [
        attack
        for attack, span in spans
        if always or (span.start_ms < case.window.end_ms and case.window.start_ms <= span.end_ms)
    ]
    return all(attack.spacing == "random" for attack in meant) if case.verdict == "insufficient" else not meant


def _bins(claims: Sequence[tuple[float, bool]]) -> list[Bin]:
    held: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in claims:
        held.setdefault(min(int(confidence * BINS), BINS - 1), []).append((confidence, right))
    return [
        Bin(len(found), sum(one[0] for one in found) / len(found), sum(one[1] for one in found) / len(found))
        for _, found in sorted(held.items())
    ]
