"""Sudden spikes: the votes of trailing spans, tick by tick, against what the baseline expects of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Int32s, Int64s
from detectors.rate_baseline import Outlook
from detectors.rate_params import RateParams
from detectors.rate_recent import Run
from detectors.rate_tails import SpikeBudget, at_least

_WORTH_A_TAIL = 16.0
"""Squared deviations below which no tail is computed: a skewed count exceeds 4 of them far more often than any budget."""
_BELOW_THE_FLOOR = 0.69
"""Highest score of a span with fewer votes above expectation than the floor asks: it neither opens nor keeps open."""


@dataclass(frozen=True, slots=True)
class Levels:
    """What is expected of some series, arrays of one length; votes in a whole window."""

    mean: Floats
    spread: Floats
    clumping: Floats
    option: Int32s

    def take(self, index: Int64s) -> Levels:
        """Return the levels at these places."""
        return Levels(self.mean[index], self.spread[index], self.clumping[index], self.option[index])


def levels_of(seen: Outlook) -> Floats:
    """Return mean, spread and clumping of an outlook; no finite mean for a poll in its first window: nothing to compare."""
    return np.stack([np.where(seen.age > 0, seen.mean, np.inf), seen.dispersion + seen.doubt, seen.clumping])


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


class SpikeTests:
    """The tests of all spans. Holds no state."""

    def __init__(self, params: RateParams) -> None:
        self._params = params
        self._budget = SpikeBudget(params)

    def alarming(self, runs: list[Run], asked: Run, group: Int64s, levels: Levels) -> Spans:
        """Return every span that ends with an entry of `asked` and scores above 1, the highest for each tick.

        `runs` hold the votes, `group` the place of each entry's series in `levels`.
        """
        found = [self._alarming(runs, asked, group, levels, span_ms) for span_ms in self._params.spans_ms]
        spans = _joined(found)
        order = np.lexsort((-spans.score, spans.entry))
        first = np.flatnonzero(np.diff(spans.entry[order], prepend=-1))
        return spans.take(order[first])

    def _alarming(self, runs: list[Run], asked: Run, group: Int64s, levels: Levels, span_ms: int) -> Spans:
        votes = self._trailing(runs, asked.key, span_ms)
        part = span_ms / self._params.window_ms
        mean, spread, clumping = levels.mean * part, levels.spread, levels.clumping
        variance = np.where(np.isfinite(mean), clumping * mean + spread * mean * mean, np.inf)
        bar = mean + np.maximum(self._params.min_excess_votes, np.sqrt(_WORTH_A_TAIL * variance))
        entry = np.flatnonzero(votes >= bar[group])
        spans = self._judged(entry, votes[entry], levels.take(group[entry]), span_ms)
        return spans.take(np.flatnonzero(spans.score > 1))

    def highest(self, runs: list[Run], asked: Run, first: Int64s, levels: Levels) -> Spans:
        """Return the highest scoring span of each group of entries; `first` is the place where each group begins."""
        last = len(asked.key) - 1
        entries = np.arange(len(asked.key))
        found = []
        for span_ms in self._params.spans_ms:
            most = np.maximum.reduceat(self._trailing(runs, asked.key, span_ms) << 32 | (last - entries), first)
            found.append(self._judged(last - (most & 0xFFFFFFFF), most >> 32, levels, span_ms))
        best = np.argmax(np.stack([spans.score for spans in found]), axis=0)
        return _joined(found).take(best * len(first) + np.arange(len(first)))

    def _trailing(self, runs: list[Run], key: Int64s, span_ms: int) -> Int64s:
        votes = np.zeros(len(key), np.int64)
        for run in runs:
            votes += run.trailing(key, span_ms // self._params.tick_ms)
        return votes

    def _judged(self, entry: Int64s, votes: Int64s, levels: Levels, span_ms: int) -> Spans:
        told = np.isfinite(levels.mean)
        mean = np.where(told, levels.mean, 1.0) * (span_ms / self._params.window_ms)
        excess = votes - mean
        p_value = at_least(votes.astype(np.float64), mean, levels.clumping * mean + levels.spread * mean * mean)
        score = self._budget.score(p_value, span_ms, excess, levels.option)
        score = np.where(excess < self._params.min_excess_votes, np.minimum(score, _BELOW_THE_FLOOR), score)
        length = np.full(len(entry), span_ms, np.int64)
        return Spans(entry, length, votes, mean, np.where(told, p_value, 1.0), np.where(told, score, 0.0))


def _joined(parts: list[Spans]) -> Spans:
    return Spans(*(np.concatenate([getattr(part, name) for part in parts]) for name in Spans.__slots__))
