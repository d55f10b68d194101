"""Sudden spikes: the votes of trailing spans, tick by tick, against what the baseline expects of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Int32s, Int64s
from detectors.rate_params import RateParams
from detectors.rate_recent import Run
from detectors.rate_tails import SpikeBudget, at_least

_BELOW_THE_FLOOR = 0.69
"""Highest score of a span with fewer votes above expectation than the floor asks: it neither opens nor keeps open."""


@dataclass(frozen=True, slots=True)
class Levels:
    """What is expected of some series in a window, arrays of one length.

    mean: votes in a whole window, not finite where there is nothing to compare with. spread: relative variance beyond
    Poisson, of a whole window. bunching: what is added to it for each span (series x spans).
    """

    mean: Floats
    spread: Floats
    bunching: Floats
    option: Int32s

    def take(self, index: Int64s) -> Levels:
        """Return the levels at these places."""
        return Levels(self.mean[index], self.spread[index], self.bunching[index], self.option[index])


@dataclass(frozen=True, slots=True)
class Spans:
    """Trailing spans that were judged, one for each entry. `entry` is the place of the tick in the run asked about."""

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


class SpikeTests:
    """The tests of all spans. Holds no state."""

    def __init__(self, params: RateParams) -> None:
        self._params = params
        self._budget = SpikeBudget(params)
        self.bar = self._budget.least_deviations(params.min_excess_votes, params.spans_ms[-1])

    def suspects(self, runs: list[Run], asked: Run, group: Int64s, levels: Levels) -> Suspects:
        """Return all spans that end with an entry of `asked` and might score above 1.

        `runs` hold the votes, `group` the place of each entry's series in `levels`.
        """
        entries, lengths, counts = [], [], []
        for number, span_ms in enumerate(self._params.spans_ms):
            votes = self._trailing(runs, asked.key, span_ms)
            entry = np.flatnonzero(votes >= self._least(levels, number)[group])
            entries.append(entry)
            lengths.append(np.full(len(entry), number))
            counts.append(votes[entry])
        return Suspects(np.concatenate(entries), np.concatenate(lengths), np.concatenate(counts))

    def _least(self, levels: Levels, number: int) -> Floats:
        mean = levels.mean * (self._params.spans_ms[number] / self._params.window_ms)
        far = self.bar * np.sqrt(mean * (1.0 + (levels.spread + levels.bunching[:, number]) * mean))
        least: Floats = mean + np.maximum(self._params.min_excess_votes, far)
        return least

    def judged(self, suspects: Suspects, chosen: Int64s, levels: Levels) -> Spans:
        """Return the chosen suspects with their exact tails; `levels` has one entry for each of them."""
        return self._judged(suspects.entry[chosen], suspects.votes[chosen], levels, suspects.number[chosen])

    def highest(self, runs: list[Run], asked: Run, first: Int64s, levels: Levels, places: Int64s) -> Spans:
        """Return the highest scoring span of each group of entries; `first` is where each group begins.

        The `entry` of the answer is taken from `places`, which has one for each entry of `asked`.
        """
        last = len(asked.key) - 1
        entries = np.arange(len(asked.key))
        found = []
        for number, span_ms in enumerate(self._params.spans_ms):
            most = np.maximum.reduceat(self._trailing(runs, asked.key, span_ms) << 32 | (last - entries), first)
            found.append(self._judged(places[last - (most & 0xFFFFFFFF)], most >> 32, levels, np.full(len(first), number)))
        best = np.argmax(np.stack([spans.score for spans in found]), axis=0)
        return _joined(found).take(best * len(first) + np.arange(len(first)))

    def _trailing(self, runs: list[Run], key: Int64s, span_ms: int) -> Int64s:
        votes = np.zeros(len(key), np.int64)
        for run in runs:
            votes += run.trailing(key, span_ms // self._params.tick_ms)
        return votes

    def _judged(self, entry: Int64s, votes: Int64s, levels: Levels, number: Int64s) -> Spans:
        span_ms = np.array(self._params.spans_ms)[number]
        told = np.isfinite(levels.mean)
        mean = np.where(told, levels.mean, 1.0) * (span_ms / self._params.window_ms)
        spread = levels.spread + levels.bunching[np.arange(len(number)), number]
        excess = votes - mean
        p_value = at_least(votes.astype(np.float64), mean, mean * (1.0 + spread * mean))
        score = self._budget.score(p_value, span_ms, excess, levels.option)
        score = np.where(excess < self._params.min_excess_votes, np.minimum(score, _BELOW_THE_FLOOR), score)
        return Spans(entry, span_ms, votes, mean, np.where(told, p_value, 1.0), np.where(told, score, 0.0))


def _joined(parts: list[Spans]) -> Spans:
    return Spans(*(np.concatenate([getattr(part, name) for part in parts]) for name in Spans.__slots__))
