"""A small sound detector, and copies of it that break the contract on purpose, each in one way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from detectors.columns import Int64s
from detectors.erasure import Erasure
from detectors.findings import Evidence, Member
from detectors.senders import NO_CODE
from detectors.watcher import NO_BALLOTS, Ballots, Sighting, Suspected

STEP_MS = 60_000


class Busy:
    """A small detector that keeps the contract: it accuses those of one known client who fill a minute of a poll."""

    needed: ClassVar[int] = 100

    def __init__(self) -> None:
        self.minute = -1
        self.polls: list[int] = []
        self.ids: list[str] = []

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        """See `Watcher`."""
        seen: list[Sighting] = []
        if self.minute < 0 and len(ballots):
            self.minute = int(ballots.effective_ms[0]) // STEP_MS
        while 0 <= self.minute < until_ms // STEP_MS:
            ends = int(np.searchsorted(ballots.effective_ms, (self.minute + 1) * STEP_MS))
            self.take(ballots.take(slice(0, ends)))
            ballots = ballots.take(slice(ends, None))
            seen += self.step((self.minute + 1) * STEP_MS)
            self.minute += 1
        self.take(ballots)
        return seen

    def skip(self, from_ms: int, until_ms: int) -> list[Sighting]:
        """See `Watcher`: what was seen of a minute of which not all is seen counts for nothing."""
        self.polls, self.ids = [], []
        return self.observe(NO_BALLOTS, until_ms)

    def take(self, ballots: Ballots) -> None:
        """Remember the votes from one client."""
        of = np.flatnonzero((ballots.option >= 0) & ballots.first & (ballots.sender.client == 3))
        self.polls += ballots.poll[of].tolist()
        self.ids += ballots.sender.account_ids.take(of).texts()

    def step(self, at_ms: int) -> list[Sighting]:
        """Speak at the end of a minute, and begin anew."""
        seen = [
            self.accuse(poll, at_ms)
            for poll in sorted(set(self.polls))
            if self.polls.count(poll) >= self.needed
        ]
        self.polls, self.ids = [], []
        return seen

    def accuse(self, poll: int, at_ms: int) -> Sighting:
        """Say what is to be said of a poll."""
        ids = sorted(name for of, name in zip(self.polls, self.ids, strict=True) if of == poll)
        return Sighting(
            at_ms=at_ms,
            poll=poll,
            detector="busy",
            kind="composition",
            phase="opened",
            cluster=f"busy-{at_ms}",
            lean="coordinated",
            score=len(ids) / (self.needed - 1),
            p_value=0.001,
            observed=len(ids),
            expected=1.0,
            start_ms=at_ms - STEP_MS,
            end_ms=at_ms,
            evidence=(
                Evidence("busy", "coordinated", f"{len(ids)} came in a minute.", len(ids), 1, 0.001),
                Evidence("busy", "organic", "A crowd might.", None, None, None),
            ),
            suspects=(Suspected(poll, len(ids), 0.5 * len(ids), len(ids), {0: float(len(ids))}),),
            members=tuple(Member(name, 0.9, ["one_client"]) for name in ids),
        )

    def forget(self, polls: Int64s) -> None:
        """See `Watcher`."""
        kept = [at for at, poll in enumerate(self.polls) if poll not in set(polls.tolist())]
        self.polls, self.ids = [self.polls[at] for at in kept], [self.ids[at] for at in kept]

    def erase(self, erasure: Erasure) -> None:
        """See `Watcher`."""
        kept = [at for at, account_id in enumerate(self.ids) if account_id != erasure.account_id]
        self.polls, self.ids = [self.polls[at] for at in kept], [self.ids[at] for at in kept]

    def snapshot(self) -> dict[str, Any]:
        """See `Watcher`."""
        return {"minute": self.minute, "polls": list(self.polls), "ids": list(self.ids)}

    def restore(self, state: dict[str, Any]) -> None:
        """See `Watcher`."""
        self.minute, self.polls, self.ids = state["minute"], list(state["polls"]), list(state["ids"])


class DependsOnCuts(Busy):
    """Begins a new minute with each call."""

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        """See `Watcher`."""
        seen = super().observe(ballots, until_ms)
        self.polls, self.ids = [], []
        return seen


class ForgetsInSnapshots(Busy):
    """Leaves out of its snapshot whom it waits for."""

    def snapshot(self) -> dict[str, Any]:
        """See `Watcher`."""
        return super().snapshot() | {"polls": [], "ids": []}


class SharesItsState(Busy):
    """Hands out its own lists."""

    def snapshot(self) -> dict[str, Any]:
        """See `Watcher`."""
        return {"minute": self.minute, "polls": self.polls, "ids": self.ids}


class TakesStateAsItsOwn(Busy):
    """Goes on in the lists that it was restored from."""

    def restore(self, state: dict[str, Any]) -> None:
        """See `Watcher`."""
        self.minute, self.polls, self.ids = state["minute"], state["polls"], state["ids"]


class NeverForgets(Busy):
    """Takes a new poll for the one that had its number."""

    def forget(self, polls: Int64s) -> None:
        """See `Watcher`."""


class NeverErases(Busy):
    """Keeps an account that is to be forgotten."""

    def erase(self, erasure: Erasure) -> None:
        """See `Watcher`."""


class ForgetsAllForOne(Busy):
    """Begins anew where one account is to be forgotten."""

    def erase(self, erasure: Erasure) -> None:
        """See `Watcher`."""
        self.polls, self.ids = [], []


class Hoards(Busy):
    """Keeps whom it ever saw."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[str] = []

    def take(self, ballots: Ballots) -> None:
        """See `Busy`."""
        super().take(ballots)
        self.all += ballots.sender.account_ids.texts()


class WritesToItsInput(Busy):
    """Marks replies in the columns it was given."""

    def take(self, ballots: Ballots) -> None:
        """See `Busy`."""
        ballots.first[ballots.option < 0] = True
        super().take(ballots)


class GoesBeyondOne(Busy):
    """Is surer than sure."""

    def accuse(self, poll: int, at_ms: int) -> Sighting:
        """See `Busy`."""
        return replace(super().accuse(poll, at_ms), p_value=1.5)


class HasItsIntervalBeside(Busy):
    """Gives an interval that its estimate is not in."""

    def accuse(self, poll: int, at_ms: int) -> Sighting:
        """See `Busy`."""
        said = super().accuse(poll, at_ms)
        return replace(said, suspects=(replace(said.suspects[0], low=said.suspects[0].votes + 1),))


class TellsOneSide(Busy):
    """Says nothing for those it accuses."""

    def accuse(self, poll: int, at_ms: int) -> Sighting:
        """See `Busy`."""
        said = super().accuse(poll, at_ms)
        return replace(said, evidence=said.evidence[:1])


class NamesStrangers(Busy):
    """Names an account that never voted."""

    def accuse(self, poll: int, at_ms: int) -> Sighting:
        """See `Busy`."""
        said = super().accuse(poll, at_ms)
        return replace(said, members=(*said.members, Member("nobody", 0.9, ["one_client"])))


class AccusesTheUnknown(Busy):
    """Takes a missing client for the same client."""

    def take(self, ballots: Ballots) -> None:
        """See `Busy`."""
        client = np.where(ballots.sender.client == NO_CODE, 3, ballots.sender.client)
        super().take(replace(ballots, sender=replace(ballots.sender, client=client)))


class AccusesCrowds(Busy):
    """Needs too few."""

    needed = 12


class SpeaksOfNothing(Busy):
    """Says something every minute."""

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        """See `Watcher`."""
        return super().observe(ballots, until_ms) or [self.accuse(0, until_ms)]


class LikesADay(Busy):
    """Believes in dates."""

    def step(self, at_ms: int) -> list[Sighting]:
        """See `Busy`."""
        return super().step(at_ms) if at_ms // 86_400_000 == 1_664_800_000 // 86_400 else []


class LooksIntoTheFuture(Busy):
    """Dates what it says later than what it was told."""

    def accuse(self, poll: int, at_ms: int) -> Sighting:
        """See `Busy`."""
        return replace(super().accuse(poll, at_ms), at_ms=at_ms + STEP_MS)


class JudgesByNames(Busy):
    """Passes over accounts whose id it does not like."""

    def take(self, ballots: Ballots) -> None:
        """See `Busy`."""
        super().take(ballots.take(ballots.account % np.uint64(2) == 0))


class IsMute(Busy):
    """Never says anything."""

    def step(self, at_ms: int) -> list[Sighting]:
        """See `Busy`."""
        return []


class CountsCallsInTheDark(Busy):
    """Says something whenever it is told that time is skipped."""

    def skip(self, from_ms: int, until_ms: int) -> list[Sighting]:
        """See `Watcher`."""
        return [*super().skip(from_ms, until_ms), replace(self.accuse(0, until_ms), lean="none")]


class SuspectsTheDark(Busy):
    """Takes it for a sign that it was shown nothing."""

    def skip(self, from_ms: int, until_ms: int) -> list[Sighting]:
        """See `Watcher`."""
        return [*super().skip(from_ms, until_ms), replace(self.accuse(0, until_ms), score=2.0)]
