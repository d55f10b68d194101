"""A case book that is told things by hand, and every alert it gives checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from alert_schema import valid_alert, valid_item

from detectors.alert import DecisionKind, MadeBy
from detectors.cases.book import CaseBook
from detectors.cases.case import CaseParams
from detectors.cases.decision import Decision, DecisionParams
from detectors.cases.moderation import ModerationItem
from detectors.cases.news import CaseStep, Revision
from detectors.cases.rulings import Ruling
from detectors.findings import (
    Evidence,
    Finding,
    Kind,
    Lean,
    Member,
    Phase,
    PollSuspects,
    Rates,
    Reason,
    Report,
    Standings,
)
from detectors.watermark import UNKNOWN_MS
from streams.publish import alert, to_json

START_MS = 1_664_812_800_000
PARAMS = CaseParams()
CLOSE_MS, REOPEN_MS = PARAMS.close_after_ms, PARAMS.reopen_ms
NO_STANDINGS = Standings([], [], [], [])
MADE_BY = MadeBy("test", "0" * 12, "live")


def finding(
    at_s: float,
    score: float = 2.0,
    poll: str = "p",
    kind: Literal["vote_spike", "slow_drip"] = "vote_spike",
    option: str | None = None,
    phase: Literal["opened", "update", "calm"] = "opened",
    observed: float = 60.0,
    tally: dict[str, int] | None = None,
) -> Finding:
    at_ms = START_MS + round(at_s * 1000)
    return Finding(
        at_ms, poll, option, "rate", kind, phase, score, 1e-9, observed, 10.0, at_ms - 4000, at_ms,
        {"yes": 700, "no": 300} if tally is None else tally, 5,
    )  # fmt: skip


def sighting(
    at_s: float,
    *polls: str,
    votes: float = 100,
    accounts: Iterable[str] = (),
    cleared: Iterable[str] = (),
    score: float = 3.0,
    lean: Lean = "coordinated",
    phase: Phase = "update",
    detector: str = "lockstep",
    kind: Kind = "account_cluster",
    cluster: str = "c",
    reasons: list[Reason] | None = None,
    tally: dict[str, int] | None = None,
    options: dict[str, float] | None = None,
    end_s: float | None = None,
    named: float = 0.9,
) -> Finding:
    """Return what a detector of accounts says of some polls, `votes` suspect ones in each, five more or less."""
    at_ms = START_MS + round(at_s * 1000)
    end_ms = at_ms if end_s is None else START_MS + round(end_s * 1000)
    stand = tally or {"yes": 700, "no": 300}
    suspects = [PollSuspects(poll, votes, votes - 5, votes + 5, options or {}, stand) for poll in polls]
    members = [Member(account, named, reasons or ["lockstep"]) for account in accounts]
    side: Literal["coordinated", "organic"] = "organic" if lean == "organic" else "coordinated"
    evidence = [Evidence(detector, side, f"{detector} saw {cluster} by {at_s} s", 1.0, 0.1, 1e-6)]
    return Finding(
        at_ms, polls[0], None, detector, kind, phase, score, 1e-9, votes, 1.0, end_ms - 4000, end_ms, stand, 5,
        cluster, lean, evidence, suspects if votes else [], members, list(cleared),
    )  # fmt: skip


def crowd(at_s: float, poll: str, reasons: int = 2, cluster: str = "surge", **said: Any) -> Finding:
    """Return what the detector of crowds says of one: its people look like others and, where there are two reasons, a post sent it."""
    seen = sighting(at_s, poll, votes=0, lean="organic", score=0.2, detector="crowd", cluster=cluster, **said)
    texts = ["The clients of 40 votes are like those of other polls.", "40% of 40 votes came through one post."]
    evidence = [Evidence("crowd", "organic", text, 0.4, None, None) for text in texts[:reasons]]
    return msgspec.structs.replace(seen, evidence=evidence)


def people(count: int, prefix: str = "a") -> list[str]:
    """Return that many account ids."""
    return [f"{prefix}{number}" for number in range(count)]


def stands(at_s: float, **polls: dict[str, int]) -> Standings:
    """Return how the options of polls stand since `at_s`."""
    entries = [(poll, option, votes) for poll, tally in polls.items() for option, votes in tally.items()]
    at_ms = [START_MS + round(at_s * 1000)] * len(entries)
    return Standings([p for p, _, _ in entries], [o for _, o, _ in entries], [v for _, _, v in entries], at_ms)


class Told:
    """A case book of one shard (or more), told things, and what it said."""

    def __init__(self, shards: int = 1, params: CaseParams = PARAMS, decisions: DecisionParams = DecisionParams()) -> None:  # noqa: B008
        self.book = CaseBook(shards, params, MADE_BY, decisions)
        self.marks = [UNKNOWN_MS] * shards
        self.said: list[Revision] = []
        self.items: list[ModerationItem] = []

    def tell(self, until_s: float, *findings: Finding, shard: int = 0, **report: Any) -> CaseStep:
        """Report findings and that time has come to `until_s`."""
        to_ms = START_MS + round(until_s * 1000)
        standings = report.pop("standings", NO_STANDINGS)
        retired, ended = report.pop("retired", []), report.pop("ended", False)
        shed = [(START_MS + round(start_s * 1000), START_MS + round(end_s * 1000)) for start_s, end_s in report.pop("shed", [])]
        rates = report.pop("rates", Rates([], [], []))
        self.book.accept(
            Report(shard, self.marks[shard], to_ms, list(findings), standings, retired, ended, shed, rates=rates)
        )
        self.marks[shard] = to_ms
        return self._heard(self.book.advance())

    def decide(
        self,
        decision: DecisionKind,
        by: str = "anna",
        at_s: float = 0.0,
        case_id: str | None = None,
        accounts: list[str] | None = None,
        note: str | None = "why",
    ) -> Ruling:
        """Decide on a case, the one that spoke last if none is named."""
        about = case_id or self.said[-1].data.case_id
        decided = Decision(about, decision, by, START_MS + round(at_s * 1000), accounts, note)
        ruling, step = self.book.decide(decided, START_MS + 10**9)
        self._heard(step)
        return ruling

    def _heard(self, step: CaseStep) -> CaseStep:
        for revision in step.revisions:
            valid_alert(to_json(alert(revision, "/test")))
        for item in step.items:
            valid_item(to_json(item))
        self.said += step.revisions
        self.items += step.items
        return step

    def open(self) -> int:
        """Return how many cases are open."""
        return sum(self.book.census().verdicts.values())

    def verdicts(self) -> list[tuple[str, str]]:
        """Return (news, verdict) of all that was said."""
        return [(r.news, r.data.verdict) for r in self.said]

    def named(self, case_id: str | None = None) -> set[str]:
        """Return whom the last revision of each case's items names."""
        last = {item.case_id: item.revision for item in self.items}
        return {
            account.account_id
            for item in self.items
            if last[item.case_id] == item.revision and case_id in (None, item.case_id)
            for account in item.accounts
        }

    def news(self) -> list[tuple[str, int, float]]:
        """Return (news, revision, seconds after the start) of all that was said."""
        return [(r.news, r.data.revision, (r.data.updated_ms - START_MS) / 1000) for r in self.said]
