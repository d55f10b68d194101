"""Sudden spikes: the votes of trailing spans, tick by tick, against what the baseline expects of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Int32s, Int64s
from detectors.rate.params import RateParams
from detectors.rate.recent import Run, trailing
from detectors.rate.tails import STAYS_OPEN, SpikeBudget, at_least, surprise
from detectors.rate.windows import Groups

_BELOW_THE_FLOOR = 0.69
"""Highest score of a span with fewer votes above expectation than the floor asks: it neither opens nor keeps open."""


@dataclass(frozen=True, slots=True)
class Levels:
    """What is expected of some series in a window, arrays of one length.

    mean: votes in a whole window, not finite where there is nothing to compare with. spread: relative variance beyond
    Poisson, of a whole window. bunching: what is added to it for each span (series x spans).
    tail: see rate_columns.
    """

    mean: Floats
    spread: Floats
    bunching: Floats
    tail: Floats
    option: Int32s

    def take(self, index: Int64s) -> Levels:
        """Return the levels at these places."""
        return Levels(self.mean[index], self.spread[index], self.bunching[index], self.tail[index], self.option[index])


@dataclass(frozen=True, slots=True)
class Spans:
    """Trailing spans that were judged. `entry` is the place of their last tick in the run asked about."""

    entry: Int64s
    span_ms: Int64s
    votes: Int64s
    expected: Floats
    p_value: Floats
    score: Floats

    def take(self, index: Int64s) -> Spans:
        """Return the spans at these places."""
        return Spans(*(getattr(self, name)[index] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Suspects:
    """Trailing spans far enough above expectation to be worth an exact tail; `entry` as in Spans, `number` that of the span."""

    entry: Int64s
    number: Int64s
    votes: Int64s

    def take(self, index: Int64s) -> Suspects:
        """Return the suspects at these places."""
        return Suspects(self.entry[index], self.number[index], self.votes[index])


def together(parts: list[Suspects]) -> Suspects:
    """Return the suspects of all parts, one part after the other."""
    return Suspects(*(np.concatenate([getattr(part, name) for part in parts]) for name in Suspects.__slots__))


class SpikeTests:
    """The tests of all spans. Holds no state."""

    def __init__(self, params: RateParams) -> None:
        self.params = params
        self._budget = SpikeBudget(params)
        self.bar = self._budget.least_deviations(STAYS_OPEN, params.min_excess_votes, params.spans_ms[-1])

    def suspects(self, runs: list[Run], asked: Run, groups: Groups, levels: Levels) -> Suspects:
        """Return all spans that end with one of the entries of `asked` and might keep an episode open.

        `runs` hold the votes, `levels` has one entry for each group of `asked`.
        """
        each = ((bound, self.least(levels, number)) for number, bound in enumerate(self._bounds(groups)))
        least = [np.where(bound >= least, least, np.inf)[groups.of_entry] for bound, least in each]
        return self.far(runs, asked.key, least, np.full(len(asked.key), np.iinfo(np.int64).max))

    def far(self, runs: list[Run], key: Int64s, least: Sequence[Floats] | Floats, most: Int64s) -> Suspects:
        """Return the spans that end with these keys and have `least` votes or more, where none has more than `most`.

        `least` has a column for each length of span, `most` is for all of them.
        """
        most, found = most.copy(), list[Suspects]()
        # no span has more votes than a longer one with the same end, so the longest are counted first
        for number in reversed(range(len(least))):
            entry = (most >= least[number]).nonzero()[0]
            votes = trailing(runs, key[entry], self.params.spans_ms[number] // self.params.tick_ms)
            most[entry] = votes
            far = (votes >= least[number][entry]).nonzero()[0]
            found.append(Suspects(entry[far], np.full(len(far), number), votes[far]))
        return together(found[::-1])

    def _bounds(self, groups: Groups) -> list[Floats]:
        """Return for each span how many votes the fullest one that ends in each group may have at most.

        A trailing span lies in two neighbours of those its windows are cut into; what came before the first window is not
        known here.
        """
        first = groups.window == (groups.window.min() if len(groups.window) else 0)
        follows = np.zeros(len(first), np.bool_)
        follows[1:] = groups.key[1:] == groups.key[:-1] + 1
        bounds = []
        for most in (*groups.most.T, groups.votes):
            before = np.zeros(len(most))
            before[1:] = most[:-1]
            bounds.append(np.where(first, np.inf, most + np.maximum(most, before * follows)))
        return bounds

    def least(self, levels: Levels, number: int) -> Floats:
        """Return how many votes a span must have to be worth an exact tail."""
        mean = levels.mean * (self.params.spans_ms[number] / self.params.window_ms)
        far = self.bar * np.sqrt(mean * (1.0 + (levels.spread + levels.bunching[:, number]) * mean))
        least: Floats = mean + np.maximum(self.params.min_excess_votes, far)
        return least

    def judged(self, suspects: Suspects, levels: Levels) -> Spans:
        """Return suspects with their exact tails; `levels` has one entry for each of them."""
        span_ms = np.array(self.params.spans_ms)[suspects.number]
        told = np.isfinite(levels.mean)
        mean = np.where(told, levels.mean, 1.0) * (span_ms / self.params.window_ms)
        spread = levels.spread + levels.bunching[np.arange(len(span_ms)), suspects.number]
        excess = suspects.votes - mean
        p_value = at_least(suspects.votes.astype(np.float64), mean, mean * (1.0 + spread * mean))
        nats = surprise(p_value, levels.tail)
        score = self._budget.score(nats, span_ms, excess, levels.option)
        score = np.where(excess < self.params.min_excess_votes, np.minimum(score, _BELOW_THE_FLOOR), score)
        p_value, score = np.where(told, np.exp(-nats), 1.0), np.where(told, score, 0.0)
        return Spans(suspects.entry, span_ms, suspects.votes, mean, p_value, score)
