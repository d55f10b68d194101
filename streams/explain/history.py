"""The history of a case, put together from what was published of it, in any order and any number of times. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from detectors.alert import Alert, CaseData, Review, Verdict
from detectors.cases.changes import changes
from detectors.cases.decision import Decision
from detectors.cases.moderation import ModerationItem
from detectors.cases.news import News
from detectors.cases.verdict import ACCUSING
from detectors.cases.why_not import why, why_not
from detectors.findings import Evidence

_NEWS: dict[str, News] = {f"pollwatch.alert.{news}.v1": news for news in ("opened", "updated", "resolved", "retracted")}


@dataclass(frozen=True, slots=True)
class Step:
    """One revision: when (event time), what kind of news, its verdict, and what it says otherwise than the one before."""

    revision: int
    time: str
    news: News
    verdict: Verdict
    confidence: float
    changes: list[str]


@dataclass(frozen=True, slots=True)
class Accounts:
    """Whom the last revision of the items names: how many, why (an account may have several reasons), and whom it clears."""

    named: int
    taken_over: int
    reasons: dict[str, int]
    cleared: list[str]


@dataclass(frozen=True, slots=True)
class History:
    """A case as its last revision says it is, and how it came to that. `review` is the decision that stands, `decisions` are all
    that were sent, refused ones too."""

    case_id: str
    verdict: Verdict
    confidence: float
    severity: str
    summary: str
    poll_ids: list[str]
    is_over: bool
    merged_into: str | None
    why: str
    why_not: list[tuple[Verdict, str]]
    evidence: list[Evidence]
    accounts: Accounts
    undo: list[str]
    review: Review | None
    decisions: list[Decision]
    steps: list[Step]


@dataclass
class Told:
    """What was read of a case so far; whatever comes again is the same."""

    case_id: str
    alerts: dict[str, Alert] = field(default_factory=dict)
    items: dict[tuple[str, int], ModerationItem] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)

    def hear(self, one: Alert | ModerationItem | Decision) -> None:
        """Take an alert, an item or a decision, if it is about this case."""
        if isinstance(one, Alert):
            if one.data.case_id == self.case_id:
                self.alerts[one.id] = one
        elif one.case_id != self.case_id:
            pass
        elif isinstance(one, ModerationItem):
            self.items[one.item_id, one.revision] = one
        elif one not in self.decisions:
            self.decisions.append(one)

    def history(self) -> History | None:
        """Return the history; None where there is no alert of this case."""
        alerts = sorted(self.alerts.values(), key=lambda one: one.data.revision)
        if not alerts:
            return None
        last = alerts[-1].data
        accounts = accounts_of(self.items.values())
        return History(
            case_id=self.case_id,
            verdict=last.verdict,
            confidence=last.confidence,
            severity=last.severity,
            summary=last.summary,
            poll_ids=last.poll_ids,
            is_over=_NEWS[alerts[-1].type] in ("resolved", "retracted"),
            merged_into=last.merged_into,
            why=why(last),
            why_not=why_not(last),
            evidence=last.evidence,
            accounts=accounts,
            undo=undo([one.data for one in alerts], accounts),
            review=last.review,
            decisions=sorted(self.decisions, key=lambda one: one.ts),
            steps=steps(alerts),
        )


def steps(alerts: Sequence[Alert]) -> list[Step]:
    """Return the revisions of a case, in order, each with what changed; of the first there that it is the first."""
    told = []
    for number, alert in enumerate(alerts):
        data = alert.data
        new = changes(alerts[number - 1].data, data) if number else [data.summary]
        told.append(Step(data.revision, alert.time, _NEWS[alert.type], data.verdict, data.confidence, new))
    return told


def accounts_of(items: Iterable[ModerationItem]) -> Accounts:
    """Return whom the last revision among these items of one case names and clears."""
    every = list(items)
    newest = max((item.revision for item in every), default=0)
    last = sorted((item for item in every if item.revision == newest), key=lambda item: item.part)
    named = [account for item in last for account in item.accounts]
    reasons = Counter(reason for account in named for reason in account.reasons)
    victims = sum("taken_over" in account.reasons for account in named)
    return Accounts(len(named), victims, dict(reasons.most_common()), [one for item in last for one in item.cleared])


def undo(revisions: Sequence[CaseData], accounts: Accounts) -> list[str]:
    """Return what a person who followed earlier revisions has to take back, as the last one stands."""
    last, told = revisions[-1], []
    if any(one.verdict in ACCUSING for one in revisions) and last.verdict not in ACCUSING:
        told.append("It accused somebody and no longer does: take back what was done about it.")
    if any(one.recommended.action == "review" for one in revisions) and last.recommended.action == "none" and not last.merged_into:
        told.append("What was recommended is withdrawn: nothing is left to review.")
    if accounts.cleared:
        told.append(f"{len(accounts.cleared):,} accounts were named and are cleared: take back what was done to them.")
    flipped = [poll.poll_id for one in revisions for poll in one.polls if poll.outcome.flips == "yes"]
    still = {poll.poll_id for poll in last.polls if poll.outcome.flips == "yes"}
    gone = [poll_id for poll_id in dict.fromkeys(flipped) if poll_id not in still and not last.merged_into]
    return [*told, *(f"It said that another option would lead in {poll_id!r}, and no longer does." for poll_id in gone)]
