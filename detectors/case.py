"""One case: what is remembered of it, and what it says of itself when it is published."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from detectors.alert import CaseData, MadeBy, Recommended, Window
from detectors.findings import Evidence, Finding, Kind
from detectors.impact import SuspectVotes, poll_impact, surge_suspects
from detectors.sentences import summary, surge_against, surge_for


@dataclass(frozen=True)
class CaseParams:
    """When cases close and speak again.

    close_below: a case is over when every score stays below this, 0 to 1.
    close_after_ms: for so long (event time).
    reopen_ms: a case resolved less than this ago (event time) opens again instead of a new one.
    revise_every_ms: shortest time (event time) between two revisions that say nothing of a new kind.
    revise_growth: how much higher the score must have become for such a revision, as a factor above 1.
    recommendation_ms: how long a recommendation holds (event time).
    """

    close_below: float = 0.7
    close_after_ms: int = 300_000
    reopen_ms: int = 900_000
    revise_every_ms: int = 60_000
    revise_growth: float = 1.5
    recommendation_ms: int = 7 * 24 * 3_600_000

    def __post_init__(self) -> None:
        if not 0 < self.close_below <= 1:
            raise ValueError(f"close_below must be above 0 and at most 1, not {self.close_below}")
        if self.revise_growth <= 1:
            raise ValueError(f"revise_growth must be above 1, not {self.revise_growth}")
        for name in ("close_after_ms", "reopen_ms", "revise_every_ms", "recommendation_ms"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")


class Case(msgspec.Struct):
    """What is remembered of a case; `latest` is the heaviest finding on each topic."""

    case_id: str
    poll_id: str
    opened_ms: int
    start_ms: int
    hot_ms: int
    score: float
    latest: dict[str, Finding]
    tally: dict[str, int]
    updated_ms: int
    revision: int = 0
    said_score: float = 0.0
    said_ms: int = 0
    resolved_ms: int | None = None


def topic(finding: Finding) -> str:
    """Return what a finding is about; of two on one topic a case keeps the heavier."""
    return f"{finding.kind}:{finding.option or ''}"


def suspects(case: Case) -> SuspectVotes:
    """Return the votes a case makes suspect: those beyond the expected in its widest surge."""
    return max((surge_suspects(f.observed, f.expected) for f in case.latest.values()), key=lambda s: s.high)


def case_data(case: Case, params: CaseParams, made_by: MadeBy) -> CaseData:
    """Return the revision of a case that is to be published now."""
    heaviest = max(case.latest.values(), key=lambda f: (f.score, topic(f)))
    return CaseData(
        case_id=case.case_id,
        revision=case.revision,
        poll_ids=[case.poll_id],
        kinds=_kinds(case),
        verdict="insufficient",
        confidence=0.0,
        score=case.score,
        severity="warning",
        opened_ms=case.opened_ms,
        updated_ms=case.updated_ms,
        window=Window(case.start_ms, max(f.end_ms for f in case.latest.values())),
        polls=[poll_impact(case.poll_id, case.tally, suspects(case))],
        evidence=_evidence(case),
        members_ref=None,
        merged_into=None,
        made_by=made_by,
        recommended=Recommended(
            "review",
            "shadow" if made_by.mode == "shadow" else "needs_human",
            True,
            case.updated_ms + params.recommendation_ms,
        ),
        summary=summary(heaviest),
    )


def _kinds(case: Case) -> list[Kind]:
    kinds: set[Kind] = {finding.kind for finding in case.latest.values()}
    return sorted(kinds)


def _evidence(case: Case) -> list[Evidence]:
    ranked = sorted(case.latest.values(), key=lambda f: (-f.score, topic(f)))
    both = [Evidence(f.detector, "coordinated", surge_for(f), f.observed, f.expected, f.p_value) for f in ranked]
    return [*both, Evidence(ranked[0].detector, "organic", surge_against(ranked[0]), None, None, None)]
