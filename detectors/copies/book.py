"""The swarms that were spoken of: what was said of each, so that only changes are said again. It judges nothing.

A swarm keeps its cluster as long as most of its accounts are the same. The score of each account is remembered, about 100
bytes an account, for `MOST_SWARMS` swarms at most: the one that was silent longest goes first. Accounts are cleared, and a
swarm withdrawn, only as long as nothing was forgotten since it was found: what isn't there then never was.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from detectors.copies.findings import evidence, named
from detectors.copies.memory import Memory
from detectors.copies.trial import Swarm
from detectors.erasure import Erasure
from detectors.findings import Member, Phase, rounded
from detectors.watcher import MOST_MEMBERS, Sighting, Suspected

CALM_MS = 3_600_000
"""Without a copy for so long a swarm is over."""
MOST_SWARMS = 64
_SPEAKS = 1.0
_WITHDRAWN = 0.7
_NEVER_MS = 1 << 62


@dataclass(slots=True)
class _Known:
    cluster: str
    last_ms: int
    losses: int
    over: bool = False
    votes: dict[int, float] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)


class SwarmBook:
    """What is known of each swarm, in the order in which they were found."""

    def __init__(self) -> None:
        self._known: list[_Known] = []

    @property
    def due_ms(self) -> int:
        """When a swarm may be over next: it has to be judged then even if nothing happens."""
        return min((known.last_ms + CALM_MS for known in self._known if not known.over), default=_NEVER_MS)

    def take(
        self, found: list[tuple[Swarm, tuple[Suspected, ...]]], memory: Memory, at_ms: int, arrived_ms: int
    ) -> list[Sighting]:
        """Return what is new of the swarms, and what they make suspect, as they stand at `at_ms`."""
        said: list[Sighting] = []
        for swarm, suspected in sorted(found, key=lambda one: (-one[0].score, int(one[0].texts[0]))):
            known = self._recognised(swarm, memory.losses)
            if known is not None and not (swarm.score <= _WITHDRAWN and memory.losses > known.losses):
                said += self._said(known, swarm, suspected, memory, at_ms, arrived_ms)
        for known in self._known:
            known.over |= at_ms - known.last_ms >= CALM_MS
        self._known = [known for known in self._known if known.scores]
        self._known = sorted(self._known, key=lambda known: known.last_ms)[-MOST_SWARMS:]
        return said

    def _recognised(self, swarm: Swarm, losses: int) -> _Known | None:
        """Return the swarm that most of these accounts, or most of whose accounts, are of; a new one if it may speak."""
        accounts = set(np.unique(swarm.copies.account).tolist())
        for known in self._known:
            if 2 * len(accounts & known.scores.keys()) >= min(len(accounts), len(known.scores)) > 0:
                return known
        if swarm.score <= _SPEAKS:
            return None
        cluster = f"copies-{int(swarm.copies.at_ms[0])}-{int(swarm.texts[0])}"
        self._known.append(_Known(cluster, last_ms=0, losses=losses))
        return self._known[-1]

    def _said(
        self,
        known: _Known,
        swarm: Swarm,
        suspected: tuple[Suspected, ...],
        memory: Memory,
        at_ms: int,
        arrived_ms: int,
    ) -> list[Sighting]:
        scores = named(swarm) if swarm.score > _WITHDRAWN else {}
        changed = {account: score for account, score in scores.items() if known.scores.get(account) != score}
        cleared = known.scores.keys() - scores.keys() if memory.losses == known.losses else set()
        phase = _phase(known, swarm, at_ms)
        known.last_ms = int(swarm.copies.at_ms[-1])
        votes = {one.poll: one.votes for one in suspected}
        if not changed and not cleared and votes == known.votes and phase == "update":
            return []
        known.over, known.votes, known.scores = phase == "calm", votes, scores
        sighting = _sighting(known.cluster, swarm, suspected, phase, at_ms, arrived_ms)
        return _in_parts(sighting, _members(changed, memory), memory.names(sorted(cleared)))

    def forget_polls(self, polls: list[int]) -> None:
        """Forget what was said of these polls."""
        for known in self._known:
            known.votes = {poll: votes for poll, votes in known.votes.items() if poll not in polls}

    def erase(self, erasure: Erasure) -> None:
        """Forget an account; of the swarms it was in nobody is cleared, and none withdrawn, for its not being there."""
        for known in self._known:
            if known.scores.pop(erasure.account, None) is not None:
                known.losses = -1

    def snapshot(self) -> list[dict[str, Any]]:
        """Return everything as plain data."""
        return [asdict(known) for known in self._known]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Take over what `snapshot` returned."""
        self._known = [_Known(**known) for known in state]


def _phase(known: _Known, swarm: Swarm, at_ms: int) -> Phase:
    if at_ms - int(swarm.copies.at_ms[-1]) >= CALM_MS and not known.over:
        return "calm"
    return "update" if known.scores and not known.over else "opened"


def _members(scores: dict[int, float], memory: Memory) -> list[Member]:
    accounts = sorted(scores)
    return [
        Member(account_id, scores[account], ["copied_text"])
        for account, account_id in zip(accounts, memory.names(accounts), strict=True)
    ]


def _sighting(
    cluster: str, swarm: Swarm, suspected: tuple[Suspected, ...], phase: Phase, at_ms: int, arrived_ms: int
) -> Sighting:
    return Sighting(
        at_ms=at_ms,
        poll=suspected[0].poll if suspected else int(swarm.copies.poll[0]),
        detector="copies",
        kind="copied_replies",
        phase=phase,
        cluster=cluster,
        lean="coordinated",
        score=rounded(swarm.score),
        p_value=rounded(swarm.p_value),
        observed=float(swarm.again),
        expected=rounded(swarm.expected),
        start_ms=int(swarm.copies.at_ms[0]),
        end_ms=int(swarm.copies.at_ms[-1]) + 1,
        evidence=evidence(swarm, suspected),
        suspects=suspected,
        arrived_ms=arrived_ms,
    )


def _in_parts(sighting: Sighting, members: list[Member], cleared: list[str]) -> list[Sighting]:
    """Return the sighting as often as it takes to name everybody, `MOST_MEMBERS` at a time."""
    starts = range(0, max(len(members), len(cleared), 1), MOST_MEMBERS)
    return [
        replace(
            sighting,
            members=tuple(members[start : start + MOST_MEMBERS]),
            cleared=tuple(cleared[start : start + MOST_MEMBERS]),
        )
        for start in starts
    ]
