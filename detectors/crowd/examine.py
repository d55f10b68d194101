"""One look at one poll: seeds, split, judgement. Pure: votes and their past in, the groups found out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.crowd.births import Births, densest
from detectors.crowd.judgement import Judgement, judge
from detectors.crowd.mixture import Dimension, Split, split
from detectors.crowd.namesakes import Namesakes
from detectors.crowd.platform import Platform
from detectors.crowd.profile import Profile, profile
from detectors.crowd.seeds import Seed, seeds
from detectors.crowd.window import Votes, dimensions, namesakes_among
from detectors.senders import NO_TIME_MS

_MOST_FITTED = 800
_MOST_SEEDS = 2
_SAME = 0.1
_ALIKE = 0.5


@dataclass(frozen=True)
class Fit:
    """A group in a part of a window's votes: what it was split by, and what is thought of it."""

    judgement: Judgement
    sides: list[Dimension]
    split: Split
    births: Births | None
    namesakes: Namesakes | None
    rows: Int64s

    def spread(self, votes: Votes) -> Found:
        """Return the group in all votes of the window."""
        tables = profile(self.sides, self.split, self.births, self.namesakes, self.rows)
        return Found(self.judgement, tables, tables.weights(votes))


@dataclass(frozen=True)
class Found:
    """A group in n votes: its judgement, its tables, and each vote's weight."""

    judgement: Judgement
    profile: Profile
    weight: Floats


def best_group(votes: Votes, past: Votes, platform: Platform, budget: float, looks: int) -> Fit | None:
    """Return the first group that is a script, else that with the highest score, or None where nothing sticks out."""
    found: list[Fit] = []
    for seed in _different(seeds(votes, platform)):
        found.append(fitted(votes, past, seed, platform, budget, looks))
        if found[-1].judgement.score > 1:
            return found[-1]
    return max(found, key=lambda one: one.judgement.score, default=None)


def _different(found: list[Seed]) -> list[Seed]:
    """Return the first seeds of those that are not nearly the same votes."""
    chosen: list[Seed] = []
    for seed in found:
        inside = seed.core > 0.5
        others = [other.core > 0.5 for other in chosen]
        if all(
            np.count_nonzero(inside & other) < _ALIKE * np.count_nonzero(inside | other) for other in others
        ):
            chosen.append(seed)
        if len(chosen) == _MOST_SEEDS:
            break
    return chosen


def refitted(
    votes: Votes, past: Votes, weight: Floats, platform: Platform, budget: float, looks: int
) -> Found:
    """Fit a group anew that is known already, beginning from its weights."""
    members = weight >= 0.5
    aged = members & (votes.created_ms != NO_TIME_MS)
    births = densest(votes.created_ms[aged], int(votes.time_ms[-1]), platform)
    namesakes = namesakes_among(votes.take(members), platform)
    part, every = _part(votes)
    sides = dimensions(part, past, platform, births, namesakes)
    found = split(sides, np.clip(weight, 0.01, 0.99)[::every])
    judgement = judge(part, past, found, births, namesakes, platform, budget, looks, known=True)
    return Fit(judgement, sides, found, births, namesakes, part.rows).spread(votes)


def fitted(votes: Votes, past: Votes, seed: Seed, platform: Platform, budget: float, looks: int) -> Fit:
    """Fit a group from a seed; of many votes a part, evenly chosen, is fitted."""
    part, every = _part(votes)
    sides = dimensions(part, past, platform, seed.births, seed.namesakes)
    found = split(sides, seed.core[::every])
    births = _reborn(part, found, seed.births, platform)
    namesakes = namesakes_among(part.take(found.without("handle") >= 0.5), platform)
    if births is not seed.births or namesakes != seed.namesakes:
        sides = dimensions(part, past, platform, births, namesakes)
        found = split(sides, found.weight)
    judgement = judge(part, past, found, births, namesakes, platform, budget, looks)
    return Fit(judgement, sides, found, births, namesakes, part.rows)


def _part(votes: Votes) -> tuple[Votes, int]:
    every = -(-len(votes) // _MOST_FITTED)
    return votes.take(slice(None, None, every)), every


def _reborn(votes: Votes, found: Split, births: Births | None, platform: Platform) -> Births | None:
    """Return the birth window of votes that belong whatever their account's age; the same one if it is much the same."""
    if births is None:
        return None
    members = (found.without("born") >= 0.5) & (votes.created_ms != NO_TIME_MS)
    better = densest(votes.created_ms[members], int(votes.time_ms[-1]), platform)
    if better is None or abs(better.days - births.days) < _SAME * births.days:
        return births
    return better
