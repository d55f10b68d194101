"""A shard fed with events by hand, for tests of what it counts and what it forgets."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from columns_by_hand import Event, block_of

from detectors.block import Standing
from detectors.columns import Floats, Int64s, VoteCells
from detectors.counted import Counted
from detectors.findings import Report
from detectors.rate.detector import RateDetector, RateFinding, RateParams, RateStep
from detectors.shard import Shard
from detectors.shard_params import ShardParams

START_MS = 1_664_812_800_000
HOUR_MS = 3_600_000
SOURCE = "poll.votes/0"


@dataclass
class Watcher:
    """Stands where the rate detector stands: writes down what it is told, finds what it is asked to find."""

    params: RateParams = field(default_factory=RateParams)
    asked: list[RateFinding] = field(default_factory=list)
    votes: int = 0
    until_ms: int = 0
    told: list[tuple[str, int, list[int]]] = field(default_factory=list)
    in_episode: list[int] = field(default_factory=list)

    def advance(self, cells: VoteCells, until_ms: int) -> RateStep:
        assert until_ms % self.params.tick_ms == 0
        assert until_ms >= self.until_ms, "time goes back"
        assert not len(cells) or self.until_ms <= cells.tick_ms[0] <= cells.tick_ms[-1] < until_ms
        found = [one for one in self.asked if self.until_ms < one.at_ms <= until_ms]
        self.votes += int(cells.votes.sum())
        self.until_ms = until_ms
        return RateStep(found, None, [])

    def suspected(self) -> Int64s:
        return np.array(self.in_episode, np.int64)

    def scores_of(self, polls: Int64s) -> Floats:
        return np.where(np.isin(polls, self.in_episode), 2.0, 0.0)

    def expected_per_s(self, polls: Int64s) -> Floats:
        return np.where(polls == 0, 0.5, np.nan)

    def forget(self, polls: Int64s) -> None:
        self.told.append(("forget", self.until_ms, polls.tolist()))

    def snapshot(self) -> dict[str, Any]:
        return {"votes": self.votes, "until_ms": self.until_ms}

    def restore(self, state: dict[str, Any]) -> None:
        self.votes, self.until_ms = state["votes"], state["until_ms"]


class Fed:
    """A shard with one source, fed with events; every block says that time has come so far."""

    def __init__(self, params: ShardParams | None = None, watcher: Any = None) -> None:
        self.watcher: Any = watcher or Watcher()
        self.shard = Shard(0, [SOURCE], params or ShardParams(), cast(RateDetector, self.watcher))
        self.offset = 0
        self.reports: list[Report] = []
        self.counted: list[Counted] = []

    def feed(self, until_ms: int, *events: Event, standing: Standing = Standing.OPEN) -> None:
        """Give events and, after them, the watermark `until_ms`."""
        placed = [at_offset(event, self.offset + n) for n, event in enumerate(events)]
        end = self.offset + len(events) + 1
        self.shard.accept(block_of(SOURCE, self.offset, end, placed, [(end, until_ms)], standing))
        self.offset = end
        advanced = self.shard.advance()
        if advanced is not None:
            self.reports.append(advanced[0])
            self.counted.append(advanced[1])

    def total(self, name: str) -> int:
        return sum(getattr(counted, name) for counted in self.counted)

    def standing(self) -> dict[str, dict[str, int]]:
        """Return how the reports say that the votes stand."""
        polls: dict[str, dict[str, int]] = {}
        for report in self.reports:
            for gone in report.retired:
                polls.pop(gone.poll_id, None)
            s = report.standings
            for poll, option, votes in zip(s.poll_ids, s.options, s.votes, strict=True):
                polls.setdefault(poll, {})[option] = votes
        return polls

    def retired(self) -> dict[str, dict[str, int]]:
        return {gone.poll_id: gone.votes for report in self.reports for gone in report.retired}


def at_offset(event: Event, offset: int) -> Event:
    return Event(offset, event.ts_ms, event.event, event.account, event.poll, event.option, event.arrived_ms)


_numbers = itertools.count(1)


def vote(at_s: float, poll: str = "p", account: int = 0, option: str | None = "yes", event: int = 0) -> Event:
    """Return a vote `at_s` seconds after the start; without an account or event, by somebody new."""
    number = next(_numbers)
    return Event(0, START_MS + round(at_s * 1000), event or number, account or number, poll, option)


def at(seconds: float) -> int:
    return START_MS + round(seconds * 1000)
