"""What operators are shown of all cases at once: counts, never a case. It judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from detectors.alert import Severity, Verdict
from detectors.cases.case import Case


def _no_verdicts() -> dict[Verdict, int]:
    return {"organic": 0, "coordinated": 0, "mixed": 0, "insufficient": 0}


def _no_severities() -> dict[Severity, int]:
    return {"info": 0, "warning": 0, "critical": 0}


@dataclass
class Census:
    """Open cases by what was last said of them, and the names that all cases hold as a share of those they may hold.

    From a fullness of 1 on further accounts are counted and not named.
    """

    fullness: float = 0.0
    verdicts: dict[Verdict, int] = field(default_factory=_no_verdicts)
    severities: dict[Severity, int] = field(default_factory=_no_severities)


def census(cases: Iterable[Case], fullness: float) -> Census:
    """Count cases."""
    counted = Census(fullness)
    for case in cases:
        counted.verdicts[case.said_verdict] += case.is_open
        counted.severities[case.said_severity] += case.is_open
    return counted
