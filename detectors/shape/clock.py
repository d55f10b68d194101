"""One episode of clockwork in a poll: since when, how many votes it is, and what is said of it. No columns of votes."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import numpy as np

from detectors.cases.sentences import clock
from detectors.columns import Floats, Int32s, Int64s
from detectors.findings import Evidence, Phase
from detectors.shape.among import Spread, by_chance
from detectors.shape.level import Usual
from detectors.shape.params import SLOTS, TICK_MS
from detectors.watcher import Sighting, Suspected

DETECTOR = "shape"
_CROWD_PRIOR = 4.0
_BURSTS = 1.5
"""Variance of a crowd's counts, over that of chance."""

_STILL_THERE = 0.4
_CLEARLY = 2.5
_MANY = 6.0
_MATTERS = 0.1
_LATE_MS = 4_000.0
"""Standard error of the time at which a clock began that was found late."""

UNEVEN = 1000.0
"""More than any evenness."""


@dataclass
class Clock:
    """An open episode. `votes`, `usual_votes` and `usual_frames` are by slot; `slot` is the one that shows it best.

    `votes` are those of frames [start_frame, start_frame + frames); `quiet` holds the frames since without a clock.
    `surged`: many more votes than usual came before it began. `spread` is how the votes of `slot` vary since
    `measured_ms`, `quiet_spread` that of quiet frames that are not counted. Of the episode, `missed_ms` milliseconds
    were not measured; `unseen_ms` before it, in the same surge, may hold a clock or not.
    """

    poll: int
    slot: int
    start_tick: int
    start_frame: int
    end_ms: int
    votes: list[int]
    usual_votes: list[float]
    usual_frames: list[float]
    height: float = 0.0
    score: float = 0.0
    frames: int = 0
    quiet: list[list[int]] = field(default_factory=list)
    evenness: float = UNEVEN
    surged: bool = False
    measured_ms: int = 0
    missed_ms: int = 0
    unseen_ms: int = 0
    spread: Spread = field(default_factory=Spread)
    quiet_spread: Spread = field(default_factory=Spread)

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Clock:
        """Return an episode from its fields as plain data."""
        spreads = {name: Spread(**state[name]) for name in ("spread", "quiet_spread")}
        return cls(**{**state, **spreads})

    @property
    def cluster(self) -> str:
        """The name of what it is about."""
        return f"clock-{self.start_tick * TICK_MS}"

    def holds(self, votes: int) -> bool:
        """Tell whether a frame's votes are as many as those of the frames before, rather than the usual number."""
        usually = self.usual_votes[self.slot] / max(self.usual_frames[self.slot], 1.0)
        mean = self.votes[self.slot] / max(self.frames, 1)
        return votes >= usually + _STILL_THERE * (mean - usually)

    def pass_frame(self, votes: Int64s, spread: Spread, ticking: bool, end_ms: int) -> None:
        """Count a frame; the first one without a clock still holds its end."""
        self.quiet.append(votes.tolist())
        began = len(self.quiet) == 1
        self.quiet_spread.add(spread)
        if began or ticking:
            self.spread.add(self.quiet_spread)
            self.quiet_spread = Spread()
        counted = self.quiet[0 if began else 1 :] if began or ticking else []
        for frame in counted:
            self.votes = [a + b for a, b in zip(self.votes, frame, strict=True)]
        self.frames += len(counted)
        if ticking:
            self.quiet, self.end_ms = [], end_ms


@dataclass(frozen=True, slots=True)
class Estimate:
    """Votes of the clock with their 95 % interval, and by slot; `crowd` are the others.

    `by_chance`: the crowd was told by how much numbers vary, not by what the poll brought before.
    """

    votes: float
    low: float
    high: float
    crowd: float
    by_slot: Floats
    by_chance: bool = False


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Votes of a slot, and how many of them are the crowd's, with the variance of that number."""

    votes: float
    crowd: float
    variance: float
    unseen: float = 0.0
    """Votes of the clock that may have come before, at most."""


def estimate(votes: Floats, usual: Usual, frames: float, of: Clock, spread: Spread) -> Estimate:
    """Return how many of `votes` (by slot) in so many frames came by a clock that shows in the episode's slot.

    `spread` tells how that slot's votes vary. It is noisy, and believed only where the clock came in a surge, or is
    clearly smaller than past and other options let expect, or nothing is known of either.
    """
    usually = usual.per_frame * frames
    told = _told_by_level(votes, usual, usually, of.slot)
    seen = _told_by_spread(spread, of)
    if seen is not None and _is_believed(seen, told, of, usual.frames[0] < 2):
        return _estimated(seen, votes, usually, of.slot, True)
    return _estimated(told, votes, usually, of.slot, False)


def surged_frames(before: Int32s, usually: float, now: float) -> int:
    """Return how many frames ago a surge of such size began that levels are no guide; 0 for none.

    `before` are the votes of the last frames, oldest first, -1 if unknown; `now` is the mean of the episode's.
    """
    quiet = float(min(usually, before[before >= 0].min(initial=np.iinfo(np.int32).max)))
    high = before > quiet + max(_MANY * sqrt(_BURSTS * quiet + 1), _MATTERS * now)
    return len(before) - int(np.argmax(high)) if high.any() else 0


def _is_believed(seen: _Crowd, told: _Crowd, of: Clock, is_new: bool) -> bool:
    fewer = (told.votes - told.crowd) - (seen.votes - seen.crowd)
    clearly = fewer > _CLEARLY * sqrt(seen.variance + told.variance)
    return of.surged or clearly or (is_new and seen.variance < told.variance)


def _estimated(now: _Crowd, votes: Floats, usually: Floats, slot: int, by_chance: bool) -> Estimate:
    clocked, half = max(0.0, now.votes - now.crowd), 1.96 * sqrt(now.variance + 1)
    low, high = max(0.0, clocked - half), min(now.votes, clocked + half) + now.unseen
    by_slot = _by_slot(votes, usually, clocked, slot)
    return Estimate(clocked, low, high, min(now.crowd, now.votes), by_slot, by_chance)


def _told_by_spread(spread: Spread, of: Clock) -> _Crowd | None:
    """Return the crowd that numbers vary by; a clock's rate in the time that was missed is that of the time after."""
    chance = by_chance(spread)
    if chance is None:
        return None
    longer = 1 + of.missed_ms / spread.ms
    per_ms = (spread.votes - chance.votes) / spread.ms
    late = per_ms * _LATE_MS if of.missed_ms else 0.0
    variance = (chance.error * longer) ** 2 + late**2
    return _Crowd(spread.votes * longer, chance.votes * longer, variance, per_ms * of.unseen_ms)


def _told_by_level(votes: Floats, usual: Usual, usually: Floats, slot: int) -> _Crowd:
    """Return the crowd that the past lets expect and, where the clock is in one option only, what others bring now.

    The variance of a quotient of counts is that of the delta method.
    """
    if slot == 0:
        crowd = usually[0]
        variance = _BURSTS * crowd + crowd**2 / (usual.votes[0] + 1)
    else:
        others, usual_others = votes[0] - votes[slot], usually[0] - usually[slot]
        crowd = usually[slot] * (others + _CROWD_PRIOR) / (usual_others + _CROWD_PRIOR)
        variance = _BURSTS * crowd + crowd**2 * (1 / (usual.votes[slot] + 1) + 1 / (others + _CROWD_PRIOR))
    if usual.frames[0] < 2:
        crowd, variance = _unknown_crowd(votes, slot)
    return _Crowd(float(votes[slot]), float(crowd), float(variance))


def _unknown_crowd(votes: Floats, slot: int) -> tuple[float, float]:
    """Return the mean and the variance of a crowd of which nothing is known but that it chose other options too."""
    crowd = 0.5 * float(votes[0] - votes[slot]) if slot else 0.1 * float(votes[0])
    return crowd, crowd**2


def _by_slot(votes: Floats, usually: Floats, clocked: float, slot: int) -> Floats:
    if slot:
        return np.where(np.arange(SLOTS) == slot, clocked, 0.0)
    above = np.where(np.arange(SLOTS) > 0, np.maximum(0.0, votes - usually), 0.0)
    shared: Floats = above * clocked / max(float(above.sum()), 1.0)
    return shared


def sighting(
    of: Clock, now: Estimate, phase: Phase, at_ms: int, score: float, p_value: float, arrived_ms: int
) -> Sighting:
    """Say how an episode stands."""
    options = {slot - 1: votes for slot, votes in enumerate(now.by_slot.tolist()) if slot and votes > 0}
    return Sighting(
        at_ms=at_ms,
        poll=of.poll,
        detector=DETECTOR,
        kind="rate_shape",
        phase=phase,
        cluster=of.cluster,
        lean="coordinated",
        score=score,
        p_value=p_value,
        observed=of.evenness,
        expected=1.0,
        start_ms=of.start_tick * TICK_MS,
        end_ms=of.end_ms,
        evidence=(_for(of, now, p_value), *_against(now)),
        suspects=(Suspected(of.poll, now.votes, now.low, now.high, options),),
        option=of.slot - 1,
        arrived_ms=arrived_ms,
    )


def _for(of: Clock, now: Estimate, p_value: float) -> Evidence:
    what = "votes for one answer" if of.slot else "votes"
    sentence = (
        f"About {now.votes:,.0f} {what} came like clockwork from {clock(of.start_tick * TICK_MS)} to {clock(of.end_ms)}: "
        "equal spans hold more equal numbers than people's votes ever do. "
        f"At their most even, numbers vary {of.evenness:.2g} times as much as by chance."
    )
    return Evidence(DETECTOR, "coordinated", sentence, of.evenness, 1.0, p_value)


def _against(now: Estimate) -> tuple[Evidence, ...]:
    own = (
        f"About {now.crowd:,.0f} votes among them came one by one as people's do: by so much the numbers vary."
        if now.by_chance
        else f"About {now.crowd:,.0f} votes in that time are what the poll brings by itself."
    )
    whose = "The accounts may be real people's that were taken over: rhythm names nobody."
    return (
        Evidence(DETECTOR, "organic", own, round(now.crowd, 1), None, None),
        Evidence(DETECTOR, "organic", whose, None, None, None),
    )


def evenness(times_ms: Int64s, from_ms: int, until_ms: int) -> float:
    """Return variance over mean of counts in equal spans of about eight votes; 1 for chance, less for a clock.

    >>> evenness(np.arange(0, 32_000, 100), 0, 32_000)
    0.0
    """
    spans = min(32, max(2, len(times_ms) // 8))
    counts = np.bincount((times_ms - from_ms) * spans // (until_ms - from_ms), minlength=spans)
    return float(counts.var(ddof=1) / max(counts.mean(), 1e-9))
