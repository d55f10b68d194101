"""What detectors of accounts and texts are given, and what they say: ballots in, sightings out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from detectors.columns import Bools, Hashes, Int32s, Int64s, hashes, int32s, int64s
from detectors.erasure import Erasure
from detectors.findings import Evidence, Kind, Lean, Member, Phase
from detectors.senders import NO_SENDERS, Senders


@dataclass(frozen=True, slots=True)
class Ballots:
    """n votes and replies of one shard in order of (`effective_ms`, event): no duplicates, each once.

    `poll` and `option` are the poll book's numbers, option -1 is a reply. `ts_ms` is when the person did it; it is
    before `effective_ms` only in rows that came late. `first` tells the first row of an account in a poll that
    counted as a vote; a vote that is not first is a revote. `arrived_ms` is for measuring latency only.
    """

    poll: Int32s
    option: Int32s
    effective_ms: Int64s
    ts_ms: Int64s
    account: Hashes
    first: Bools
    arrived_ms: Int64s
    sender: Senders

    def __len__(self) -> int:
        return len(self.poll)

    def take(self, rows: Any) -> Ballots:
        """Return the rows that a slice, a mask or an array of indices selects."""
        return Ballots(
            self.poll[rows],
            self.option[rows],
            self.effective_ms[rows],
            self.ts_ms[rows],
            self.account[rows],
            self.first[rows],
            self.arrived_ms[rows],
            self.sender.take(rows),
        )


NO_BALLOTS = Ballots(
    int32s(), int32s(), int64s(), int64s(), hashes(), np.zeros(0, np.bool_), int64s(), NO_SENDERS
)


@dataclass(frozen=True, slots=True)
class Suspected:
    """What a detector makes suspect in one poll, as it stands now (not the change).

    `votes` is the estimate, `low` and `high` its 95 % interval, `options` the estimate by option number.
    """

    poll: int
    votes: float
    low: float
    high: float
    options: dict[int, float]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a detector saw by `at_ms`; event time throughout, but `arrived_ms`.

    `cluster` names what it is about: a later sighting of the same detector and cluster replaces an earlier one, but
    `members` are only those new or changed since, at most `MOST_MEMBERS`, and `cleared` those no longer named.
    `score` is above 1 where the detector would speak by itself; `lean` is the side its evidence is on. `observed` and
    `expected` are the numbers the score is made of, in the unit that the first sentence of `evidence` tells.
    `poll` is the first one where `suspects` are several.
    """

    at_ms: int
    poll: int
    detector: str
    kind: Kind
    phase: Phase
    cluster: str
    lean: Lean
    score: float
    p_value: float
    observed: float
    expected: float
    start_ms: int
    end_ms: int
    evidence: tuple[Evidence, ...]
    suspects: tuple[Suspected, ...] = ()
    members: tuple[Member, ...] = ()
    cleared: tuple[str, ...] = ()
    option: int = -1
    arrived_ms: int = 0


MOST_MEMBERS = 2_000


class Watcher(Protocol):
    """A detector as a shard sees it. What it says must not depend on where its calls are cut."""

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        """Take all rows before `until_ms` that were not given before; return what was seen, in order of `at_ms`.

        `until_ms` is a whole tick; calls follow on each other without a gap, and may span minutes.
        """
        ...

    def skip(self, from_ms: int, until_ms: int) -> list[Sighting]:
        """Pass over [from_ms, until_ms), of which nobody was shown anything; `observe` and this follow on each other.

        Rows are missing there, so nothing that needs all rows of a time may be concluded from those beside it.
        """
        ...

    def forget(self, polls: Int64s) -> None:
        """Forget these polls' numbers: they left memory, and others will get their numbers."""
        ...

    def erase(self, erasure: Erasure) -> None:
        """Forget an account: nothing that is held says any more that there was one, and nobody is cleared for that."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data, columns as bytes."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        ...
