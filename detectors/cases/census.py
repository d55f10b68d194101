"""What operators are shown of all cases at once: counts, never a case. It judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from detectors.alert import Severity, Verdict
from detectors.cases.case import Case
from detectors.cases.verdict import ACCUSING


def _no_verdicts() -> dict[Verdict, int]:
    return {"organic": 0, "coordinated": 0, "mixed": 0, "insufficient": 0}


def _no_severities() -> dict[Severity, int]:
    return {"info": 0, "warning": 0, "critical": 0}


@dataclass
class Census:
    """Open cases by what was last said of them, and the names that all cases hold as a share of those they may hold.

    From a fullness of 1 on further accounts are counted and not named. `undecided_since_ms` is when the oldest case that accuses,
    open or over, and that nobody decided, was opened; 0 where there is none.
    """

    fullness: float = 0.0
    undecided_since_ms: int = 0
    verdicts: dict[Verdict, int] = field(default_factory=_no_verdicts)
    severities: dict[Severity, int] = field(default_factory=_no_severities)


def census(cases: Iterable[Case], fullness: float) -> Census:
    """Count cases."""
    known = list(cases)
    waiting = (case.opened_ms for case in known if case.said_verdict in ACCUSING and not case.decided and case.merged_into is None)
    counted = Census(fullness, min(waiting, default=0))
    for case in known:
        counted.verdicts[case.said_verdict] += case.is_open
        counted.severities[case.said_severity] += case.is_open
    return counted
