"""One case: what is remembered of it, how it is judged, and what it says of itself when it is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import msgspec

from detectors.alert import CaseData, MadeBy, PollImpact, Recommended, Review, Severity, Verdict, Window
from detectors.cases.claim import Claim, polls_of
from detectors.cases.decision import Heard, without
from detectors.cases.impact import NONE_SUSPECT, SuspectVotes, poll_impact
from detectors.cases.moderation import ModerationItem, named_by, parts_of
from detectors.cases.reasons import told
from detectors.cases.sentences import Story, reviewed, summary
from detectors.cases.suspects import suspects_in
from detectors.cases.verdict import ACCUSING, UNJUDGED, Judgement, judge, severity, worst_outcome
from detectors.cases.vouching import is_vouched_for
from detectors.findings import Kind, Reason
from detectors.spans import Span, Spans

MOST_LISTED = 100_000
"""Accounts of a case that its items name or clear; beyond it those cleared first are no longer told."""

MOST_UNSEEN = 16
UNSEEN_KEPT_MS = 24 * 3_600_000
"""So long (event time) is remembered when nobody looked at who voted: a case that hears of it later does not tell."""

_ASKED_FOR_REASONS = 200
"""Accounts of each claim whose reasons the summary tells: those of the others are alike, and it is made often."""


class RecommendedMode(StrEnum):
    """What alerts and moderation items recommend: that a person decides, or (shadow) that they are only looked at."""

    NEEDS_HUMAN = "needs_human"
    SHADOW = "shadow"


@dataclass(frozen=True)
class CaseParams:
    """When cases close and speak again.

    close_below: a case is over when every score stays below this, 0 to 1.
    close_after_ms: for so long (event time).
    reopen_ms: a case resolved less than this ago (event time) opens again instead of a new one.
    revise_every_ms: shortest time (event time) between two revisions that say nothing of a new kind.
    revise_growth: how much higher the score must have become for such a revision, as a factor above 1.
    remember_ms: a resolved case that named accounts remembers them for so long (event time) after `reopen_ms` or its end.
    recommendation_ms: how long a recommendation holds (event time).
    recommended_mode: what is recommended where the worker's mode is live.
    """

    close_below: float = 0.7
    close_after_ms: int = 300_000
    reopen_ms: int = 900_000
    revise_every_ms: int = 60_000
    revise_growth: float = 1.5
    remember_ms: int = 24 * 3_600_000
    recommendation_ms: int = 7 * 24 * 3_600_000
    recommended_mode: RecommendedMode = RecommendedMode.NEEDS_HUMAN

    def __post_init__(self) -> None:
        if not 0 < self.close_below <= 1:
            raise ValueError(f"close_below must be above 0 and at most 1, not {self.close_below}")
        if self.revise_growth <= 1:
            raise ValueError(f"revise_growth must be above 1, not {self.revise_growth}")
        for name in ("close_after_ms", "reopen_ms", "revise_every_ms", "remember_ms", "recommendation_ms"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")


class Case(msgspec.Struct):
    """What is remembered of a case. `homes` are the polls whose surges are told here; `listed` are all accounts that
    an item ever named, in that order; `fresh` and `opening` say that there is news that does not wait;
    `items_changed` counts accounts of which the items sent last don't say what is known now; `unseen` are the spans, the last
    `MOST_UNSEEN`, in which nobody looked at who voted. `decisions` are the latest of `decided` ones in order; `overruled` says that
    more was found than the last of them was about; `decided_before` are the digests of those on cases that were merged into it.
    """

    case_id: str
    poll_id: str
    opened_ms: int
    start_ms: int
    hot_ms: int
    touched_ms: int
    score: float = 0.0
    claims: list[Claim] = []
    homes: list[str] = []
    tallies: dict[str, dict[str, int]] = {}
    estimates: dict[str, SuspectVotes] = {}
    judged: Judgement = UNJUDGED
    resolved_ms: int | None = None
    merged_into: str | None = None
    opening: bool = True
    fresh: bool = False
    arrived_ms: int = 0
    revision: int = 0
    said_ms: int = 0
    said_score: float = 0.0
    said_verdict: Verdict = "insufficient"
    said_severity: Severity = "warning"
    said_votes: dict[str, int] = {}
    item_revision: int = 0
    items_said_ms: int = 0
    items_changed: int = 0
    listed: dict[str, None] = {}
    unseen: list[Span] = []
    decisions: list[Heard] = []
    decided: int = 0
    overruled: bool = False
    decided_before: list[str] = []

    @property
    def standing_decision(self) -> Heard | None:
        """Return the decision that stands."""
        return self.decisions[-1] if self.decisions and not self.overruled else None

    @property
    def is_refuted(self) -> bool:
        """Tell whether all that was found was called a false positive."""
        return bool(self.claims) and all(claim.dismissal is not None for claim in self.claims)

    @property
    def refuted_until_ms(self) -> int:
        """Return until when (event time) what was called a false positive opens nothing; 0 where nothing was."""
        return max((claim.dismissal.until_ms for claim in self.claims if claim.dismissal is not None), default=0)

    @property
    def sort_key(self) -> tuple[int, str]:
        """Of two cases that turn out to be one, the smaller survives."""
        return (self.opened_ms, self.case_id)

    @property
    def is_open(self) -> bool:
        """Tell whether it is not resolved."""
        return self.resolved_ms is None

    @property
    def names(self) -> int:
        """Return how many names its claims tell, standing ones or not."""
        return sum(len(claim.named) for claim in self.claims)

    @property
    def held(self) -> int:
        """Return how many names its claims hold, those that a reviewer cleared too."""
        return sum(claim.held for claim in self.claims)

    def poll_ids(self) -> list[str]:
        """Return the polls it is about: those it accuses, or, when it accuses none, all; the first one first."""
        accusing = [claim for claim in self.claims if claim.standing]
        told = dict.fromkeys(poll_id for claim in accusing or self.claims for poll_id in polls_of(claim.finding))
        return sorted(told, key=lambda poll_id: poll_id != self.poll_id)

    def look_past(self, shed: Spans, at_ms: int) -> None:
        """Note the parts of its time up to now, of the last day, that are among the spans in which nobody looked at who voted."""
        until_ms = max(max(claim.finding.end_ms, claim.until_ms) for claim in self.claims) if self.claims else at_ms
        parts = shed.within(max(self.start_ms, at_ms - UNSEEN_KEPT_MS), min(until_ms, at_ms))
        if parts:
            self.fresh |= not self.unseen and self.judged.verdict not in ACCUSING
            self.unseen = list(Spans([*self.unseen, *parts]))[-MOST_UNSEEN:]

    def _is_seen(self) -> bool:
        """Tell whether a crowd may be called one: its people were looked at, or were before they were not, at its height."""
        if not self.unseen:
            return True
        heights = [claim.finding for claim in self.claims if claim.before]
        unseen = Spans(self.unseen)
        return self.judged.verdict == "organic" and not any(unseen.within(one.start_ms, one.end_ms) for one in heights)

    def erase(self, account_id: str) -> int:
        """Forget an account; return how many claims named it. What it makes suspect stays as counted until the next word on it."""
        self.listed.pop(account_id, None)
        self.decisions = [without(one, account_id) for one in self.decisions]
        return sum(claim.erase(account_id) for claim in self.claims)

    def rejudge(self) -> list[str]:
        """Work out the estimates and the verdict anew from the claims; return the polls whose estimate changed."""
        polls = dict.fromkeys(poll_id for claim in self.claims for poll_id in polls_of(claim.finding))
        vouched = self._is_seen() and is_vouched_for(self.claims, self.tallies, self.judged.verdict == "organic")
        before = self.estimates
        self.estimates = {poll_id: suspects_in(poll_id, self.claims, vouched) for poll_id in polls}
        self.judged = judge(self.claims, self.estimates, vouched, self.judged.verdict)
        return [poll_id for poll_id in before | self.estimates if before.get(poll_id) != self.estimates.get(poll_id)]


def case_data(case: Case, params: CaseParams, made_by: MadeBy, confidence: float) -> CaseData:
    """Return the revision of a case that is to be published now."""
    claims = sorted(case.claims, key=lambda claim: (not claim.standing, *claim.rank))
    kinds: set[Kind] = {claim.finding.kind for claim in claims}
    polls = [_impact(case, poll_id) for poll_id in case.poll_ids()]
    return CaseData(
        case_id=case.case_id,
        revision=case.revision,
        poll_ids=[poll.poll_id for poll in polls],
        kinds=sorted(kinds),
        verdict=case.judged.verdict,
        confidence=confidence,
        score=case.score,
        severity="info" if case.is_refuted else severity(case.judged.verdict, polls),
        opened_ms=case.opened_ms,
        updated_ms=case.said_ms,
        window=Window(case.start_ms, max(claim.finding.end_ms for claim in claims)),
        polls=polls,
        evidence=told(claims, case.unseen),
        members_ref=f"{case.case_id}:1" if case.item_revision else None,
        merged_into=case.merged_into,
        made_by=made_by,
        recommended=_recommended(case, case.said_ms, params, made_by),
        summary=reviewed(summary(case.judged.verdict, _story(claims, polls, case.unseen)), case.is_refuted, case.overruled),
        review=_review(case),
    )


def case_items(case: Case, params: CaseParams, made_by: MadeBy) -> list[ModerationItem]:
    """Return the moderation items of a case as they are to be published now; none for a case that was merged."""
    named = {} if case.merged_into else named_by(case.claims)
    case.listed.update(dict.fromkeys(named))
    for account_id in [one for one in case.listed if one not in named][: max(0, len(case.listed) - MOST_LISTED)]:
        del case.listed[account_id]
    listed = [] if case.merged_into else list(case.listed)
    claims = sorted(case.claims, key=lambda claim: (not claim.standing, *claim.rank))
    heading = {
        "case_id": case.case_id,
        "revision": case.item_revision,
        "poll_ids": case.poll_ids(),
        "evidence": told(claims, case.unseen),
        "merged_into": case.merged_into,
        "created_ms": case.items_said_ms,
    }
    return parts_of(heading, named, listed, _recommended(case, case.items_said_ms, params, made_by))


def _review(case: Case) -> Review | None:
    stands = case.standing_decision
    if stands is None:
        return None
    return Review(stands.decision, stands.by, stands.decided_ms, stands.note, case.decided)


def _impact(case: Case, poll_id: str) -> PollImpact:
    return poll_impact(poll_id, case.tallies.get(poll_id, {}), case.estimates.get(poll_id, NONE_SUSPECT))


def _recommended(case: Case, at_ms: int, params: CaseParams, made_by: MadeBy) -> Recommended:
    is_shadow = made_by.mode == "shadow" or params.recommended_mode == RecommendedMode.SHADOW
    is_idle = case.judged.verdict == "organic" or case.merged_into is not None or case.is_refuted
    return Recommended(
        "none" if is_idle else "review",
        "shadow" if is_shadow else "needs_human",
        True,
        at_ms + params.recommendation_ms,
    )


def _story(claims: Sequence[Claim], polls: Sequence[PollImpact], unseen: Sequence[Span]) -> Story:
    reasons: Counter[Reason] = Counter()
    for claim in claims:
        asked = islice(claim.named.values(), _ASKED_FOR_REASONS if claim.standing else 0)
        for given, accounts in Counter(tuple(member.reasons) for member in asked).items():
            reasons.update(dict.fromkeys(given, accounts))
    hit = [poll.poll_id for poll in polls if poll.suspect.votes] or [poll.poll_id for poll in polls]
    alike = any(claim.finding.lean == "organic" for claim in claims)
    votes = sum(poll.suspect.votes for poll in polls)
    return Story(claims[0].finding, hit, votes, reasons, worst_outcome(polls), alike, unseen)


