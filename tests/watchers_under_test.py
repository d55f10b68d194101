"""Every detector that must keep the contract, as it is run and with a small memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from broken_watchers import Busy

from detectors.columns import Int64s, VoteCells
from detectors.copies.detector import CopiedReplies
from detectors.copies.params import CopiesParams
from detectors.crowd.detector import Crowd
from detectors.crowd.params import CrowdParams
from detectors.erasure import Erasure
from detectors.lockstep.detector import Lockstep
from detectors.lockstep.params import LockstepParams
from detectors.rate.detector import RateDetector, RateFinding, RateParams
from detectors.shape.detector import Shape, ShapeParams
from detectors.watcher import NO_BALLOTS, Ballots, Sighting, Watcher

RATE_TICK_MS = 250


class Rate:
    """The rate detector as a watcher: it gets the cells that a shard would make of the rows."""

    def __init__(self) -> None:
        self._rate = RateDetector(RateParams())

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        """Count the votes that came in time by (tick, poll, option), and hand them over."""
        votes = ballots.take((ballots.option >= 0) & (ballots.ts_ms == ballots.effective_ms))
        tick_ms = votes.effective_ms // RATE_TICK_MS * RATE_TICK_MS
        places, counts = np.unique(np.stack([tick_ms, votes.poll, votes.option]), axis=1, return_counts=True)
        arrived_ms = np.zeros(len(counts), np.int64)
        cells = VoteCells(
            places[0],
            places[1].astype(np.int32),
            places[2].astype(np.int32),
            counts.astype(np.int64),
            arrived_ms,
        )
        return [_said_by_rate(found) for found in self._rate.advance(cells, until_ms).findings]

    def skip(self, _from_ms: int, until_ms: int) -> list[Sighting]:
        """See `Watcher`: a shard shows the rate all votes, at all times."""
        return self.observe(NO_BALLOTS, until_ms)

    def forget(self, polls: Int64s) -> None:
        """See `Watcher`."""
        self._rate.forget(polls)

    def erase(self, _erasure: Erasure) -> None:
        """See `Watcher`: no account is known here."""

    def snapshot(self) -> dict[str, Any]:
        """See `Watcher`."""
        return {"rate": self._rate.snapshot()}

    def restore(self, state: dict[str, Any]) -> None:
        """See `Watcher`."""
        self._rate.restore(state["rate"])


def _said_by_rate(found: RateFinding) -> Sighting:
    values = {name: getattr(found, name) for name in RateFinding.__slots__}
    return Sighting(detector="rate", cluster="", lean="none", evidence=(), **values)


@dataclass(frozen=True)
class Subject:
    """A detector: `make` gives one as it is run, `small` one whose memory is bounded at `most_bytes`."""

    make: Callable[[], Watcher]
    small: Callable[[], Watcher]
    most_bytes: int
    accuses: bool = True
    holds_accounts: bool = True


SUBJECTS: dict[str, Subject] = {
    "rate": Subject(Rate, Rate, 3_000_000, accuses=False, holds_accounts=False),
    "shape": Subject(lambda: Shape(ShapeParams()), lambda: Shape(ShapeParams()), 1_000_000, holds_accounts=False),
    "crowd": Subject(lambda: Crowd(CrowdParams()), lambda: Crowd(CrowdParams(log_votes=1_000)), 3_000_000),
    "lockstep": Subject(
        lambda: Lockstep(LockstepParams()), lambda: Lockstep(LockstepParams(max_votes=1_000)), 3_000_000
    ),
    "copies": Subject(
        lambda: CopiedReplies(CopiesParams()),
        lambda: CopiedReplies(CopiesParams(keep_replies=1_000)),
        3_000_000,
    ),
    "busy": Subject(Busy, Busy, 100_000),
}
