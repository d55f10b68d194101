"""A case book that is told things by hand, and every alert it gives checked."""

from __future__ import annotations

from typing import Any, Literal

from alert_schema import valid_alert

from detectors.alert import MadeBy
from detectors.case import CaseParams
from detectors.case_news import CaseStep, Revision
from detectors.cases import CaseBook
from detectors.findings import Finding, Report, Standings
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
) -> Finding:
    at_ms = START_MS + round(at_s * 1000)
    return Finding(
        at_ms, poll, option, "rate", kind, phase, score, 1e-9, observed, 10.0, at_ms - 4000, at_ms, {"yes": 90, "no": 30}, 5
    )


def stands(at_s: float, **polls: dict[str, int]) -> Standings:
    """Return how the options of polls stand since `at_s`."""
    entries = [(poll, option, votes) for poll, tally in polls.items() for option, votes in tally.items()]
    at_ms = [START_MS + round(at_s * 1000)] * len(entries)
    return Standings([p for p, _, _ in entries], [o for _, o, _ in entries], [v for _, _, v in entries], at_ms)


class Told:
    """A case book of one shard (or more), told things, and what it said."""

    def __init__(self, shards: int = 1) -> None:
        self.book = CaseBook(shards, PARAMS, MADE_BY)
        self.marks = [UNKNOWN_MS] * shards
        self.said: list[Revision] = []

    def tell(self, until_s: float, *findings: Finding, shard: int = 0, **report: Any) -> CaseStep:
        """Report findings and that time has come to `until_s`."""
        to_ms = START_MS + round(until_s * 1000)
        standings = report.pop("standings", NO_STANDINGS)
        retired, ended = report.pop("retired", []), report.pop("ended", False)
        self.book.accept(Report(shard, self.marks[shard], to_ms, list(findings), standings, retired, ended))
        self.marks[shard] = to_ms
        step = self.book.advance()
        for revision in step.revisions:
            valid_alert(to_json(alert(revision, "/test")))
        self.said += step.revisions
        return step

    def open(self) -> int:
        """Return how many cases are open."""
        return sum(self.book.open_cases().values())

    def news(self) -> list[tuple[str, int, float]]:
        """Return (news, revision, seconds after the start) of all that was said."""
        return [(r.news, r.data.revision, (r.data.updated_ms - START_MS) / 1000) for r in self.said]
