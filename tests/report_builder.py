"""Puts cases together by hand, with what a scan would know of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from detectors.alert import (
    AdjustedShare,
    Alert,
    CaseData,
    Flips,
    Integrity,
    MadeBy,
    Outcome,
    PollImpact,
    Recommended,
    Suspect,
    Verdict,
    Window,
)
from detectors.cases.sentences import timestamp
from detectors.counted import ScoredWindows
from detectors.findings import Evidence, Kind
from streams.report import Named, Report, Sample, Timelines
from streams.report.sample import Near, Quote, Vote

START_MS = 1_664_812_800_000
END_MS = START_MS + 4 * 3_600_000
DAY_MS = 86_400_000
TOTALS = {
    "events": 106_451,
    "votes": 100_412,
    "replies": 6_013,
    "rejected": 3,
    "duplicates": 26,
    "late": 411,
    "polls": 70,
    "seconds": 2.41,
    "peak_rss_bytes": 231e6,
}

Rename = Callable[[str], str]


def same(name: str) -> str:
    """Leave a name as it is."""
    return name


class Examples:
    """Examples of cases; `rename` makes every id and text from outside another one."""

    def __init__(self, rename: Rename = same, seed: int = 1) -> None:
        self._rename = rename
        self.random = np.random.default_rng(seed)
        self.timelines = Timelines(60_000)
        self.alerts: list[Alert] = []
        self.samples: dict[str, Sample] = {}
        self.named: dict[str, Named] = {}
        self.estimates: dict[str, Integrity] = {}

    def report(self) -> Report:
        """Return what was put together so far."""
        return Report(TOTALS, self.alerts, self.timelines, self.estimates, self.samples, self.named)

    def case(
        self,
        number: int,
        verdict: Verdict,
        polls: list[tuple[str, int, int, Flips]],
        minutes: tuple[float, float],
        summary: str,
        reasons: tuple[str, ...],
        against: tuple[str, ...],
        kinds: tuple[Kind, ...] = ("vote_spike", "account_cluster"),
        news: Literal["opened", "updated", "resolved", "retracted"] = "updated",
        merged_into: str | None = None,
    ) -> str:
        """Add a case of polls (id, votes, suspect votes, flips); return its id."""
        case_id = f"{number:016x}"
        start_ms, end_ms = (START_MS + round(minute * 60_000) for minute in minutes)
        evidence = [Evidence("composition", "coordinated", self._rename(one), 1.0, 0.5, 1e-9) for one in reasons]
        evidence += [Evidence("rate", "organic", self._rename(one), None, None, None) for one in against]
        impacts = [self._impact(*poll) for poll in polls]
        data = CaseData(
            case_id, 3, [poll.poll_id for poll in impacts], list(kinds), verdict, 0.97, 12.5,
            "info" if verdict == "organic" else "critical", start_ms + 9_000, end_ms, Window(start_ms, end_ms), impacts,
            evidence, f"{case_id}:1", merged_into, MadeBy("0.1.0", "3f2a9c1b7e50", "replay"),
            Recommended("review", "needs_human", True, end_ms + 7 * DAY_MS), self._rename(summary),
        )  # fmt: skip
        kind: Literal["pollwatch.alert.updated.v1", "pollwatch.alert.retracted.v1"] = (
            "pollwatch.alert.retracted.v1" if news == "retracted" else "pollwatch.alert.updated.v1"
        )
        at = timestamp(end_ms)
        self.alerts.append(Alert("1.0", f"{case_id}:3", "/test", kind, data.poll_ids[0], at, "application/json", data))
        return case_id

    def _impact(self, poll: str, votes: int, suspect: int, flips: Flips) -> PollImpact:
        name, share = self._rename(poll), suspect / votes
        low, high = max(0.0, share - 0.015), min(1.0, share + 0.015) if suspect else 0.0
        yes, no = self._rename("yes"), self._rename("no")
        adjusted = {"yes": yes, "no": no, "uncertain": no}[flips]
        outcome = Outcome(no, adjusted, flips)
        organic = votes - suspect
        left = round(organic * 0.56) if flips == "yes" else round(organic * 0.41)
        tally = {yes: left, no: votes - left - 12, self._rename("don't know"): 12}
        rest = {option: count / max(1, organic) for option, count in tally.items()} | {no: 1 - (left + 12) / max(1, organic)}
        shares = {option: AdjustedShare(s, max(0.0, s - 0.02), min(1.0, s + 0.02)) for option, s in rest.items()}
        self.estimates[name] = Integrity(name, votes, tally, suspect, low, high, shares, outcome, END_MS)
        return PollImpact(name, Suspect(suspect, suspect, share, low, high), outcome)

    def traffic(self, poll: str, base: float, surges: list[tuple[float, np.ndarray]]) -> None:
        """Give a poll a timeline: a base rate for each minute, and surges (first minute, votes of each minute)."""
        level = self.random.poisson(base, 240)
        votes = level.astype(np.int64)
        for minute, more in surges:
            votes[int(minute) : int(minute) + len(more)] += more.astype(np.int64)[: 240 - int(minute)]
        name = self._rename(poll)
        for number, count in enumerate(votes.tolist()):
            at_ms = np.array([START_MS + number * 60_000])
            windows = ScoredWindows(
                [name], at_ms, np.array([count]), np.array([base]), np.array([0.1]), np.array([False])
            )
            self.timelines.add(windows)
        self.timelines.follow(name)

    def people(
        self, poll: str, named: bool, at_ms: np.ndarray, days: np.ndarray, options: tuple[str, float], script: bool
    ) -> list[Vote]:
        """Return votes at these times by accounts so many days old; `script` for few machines and no links."""
        option, share = options
        votes = []
        for when, age in zip(at_ms.tolist(), days.tolist(), strict=True):
            chosen = option if self.random.random() < share else ("yes" if option == "no" else "no")
            client = "android" if script else str(self.random.choice(["ios", "android", "web"], p=[0.47, 0.38, 0.15]))
            network = f"n{self.random.integers(60)}" if script else f"n{int(self.random.zipf(1.3)) % 9000}"
            referrer = None if script or self.random.random() < 0.6 else "post-1"
            followers = int(self.random.lognormal(1.4 if script else 4.5, 1))
            country = str(self.random.choice(["US", "DE", "UA"]))
            votes.append(
                Vote(
                    self._rename(poll), int(when), named, self._rename(chosen), int(when - age * DAY_MS), followers,
                    self._rename(client), self._rename(network), country, referrer,
                )
            )  # fmt: skip
        return votes

    def crowd_ages(self, size: int) -> np.ndarray:
        """Return ages in days of people: four years in the middle."""
        return np.clip(self.random.lognormal(7.25, 0.9, size), 0.02, 6000)

    def near(self, poll: str, minutes: tuple[float, float], named: np.ndarray, others: np.ndarray) -> dict[str, Near]:
        """Return bars about a case; the times are in ms."""
        start_ms, end_ms = (START_MS + round(minute * 60_000) for minute in minutes)
        span_ms = max(1_000, (end_ms - start_ms) // 120)
        edges = np.arange(start_ms, end_ms + 1, span_ms)
        count = [np.histogram(times, edges)[0].tolist() for times in (named, others)]
        return {self._rename(poll): Near(start_ms, span_ms, *count)}

    def quotes(self, texts: list[str]) -> list[Quote]:
        """Return replies of accounts, a minute after each other."""
        return [
            Quote(self._rename(f"u{7 * number:06x}"), START_MS + number * 60_000, self._rename(one))
            for number, one in enumerate(texts)
        ]

    def at(self, low_minute: float, high_minute: float, size: int) -> np.ndarray:
        """Return times, evenly spread, in order."""
        return np.sort(self.random.uniform(low_minute, high_minute, size) * 60_000).astype(np.int64) + START_MS

    def decay(self, minute: float, size: int) -> np.ndarray:
        """Return times of a crowd that was sent at a minute: heavy-tailed."""
        after = self.random.pareto(0.9, size) * 45_000
        times = START_MS + minute * 60_000 + after
        return np.sort(times[times < END_MS]).astype(np.int64)
