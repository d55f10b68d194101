"""Counts votes in fine bins over the time of a case, and afterwards shows those about the votes of named accounts."""

from __future__ import annotations

from array import array

from streams.report.sample import MOST_BARS, Near

_MOST_BINS = 8_192
_MINUTE_MS = 60_000
_LEAST_MARGIN_MS = 2 * _MINUTE_MS
_LEAST_PAD_MS, _MOST_PAD_MS = 30_000, 15 * _MINUTE_MS
_EDGE_SHARE, _BULK = 0.005, 0.75
_SPANS_MS = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, _MINUTE_MS)


class Bins:
    """Votes of one poll in a case's time and half as long before and after; 64 kB at most."""

    def __init__(self, start_ms: int, end_ms: int) -> None:
        margin_ms = max(_LEAST_MARGIN_MS, (end_ms - start_ms) // 2)
        self.end_ms = end_ms + margin_ms
        self._span_ms = _span_ms((end_ms - start_ms + 2 * margin_ms) / _MOST_BINS, 1)
        self._start_ms = (start_ms - margin_ms) // self._span_ms * self._span_ms
        size = (self.end_ms - self._start_ms) // self._span_ms + 1
        self._named, self._others = array("I", bytes(4 * size)), array("I", bytes(4 * size))

    def add(self, at_ms: int, is_named: bool) -> bool:
        """Count a vote; tell whether it lies in the time of the bins."""
        if not self._start_ms <= at_ms < self.end_ms:
            return False
        (self._named if is_named else self._others)[(at_ms - self._start_ms) // self._span_ms] += 1
        return True

    def near(self) -> Near:
        """Return the bars about the named votes, or where most votes are where nobody is named."""
        first, last = self._extent()
        pad_ms = _pad_ms((last - first) * self._span_ms)
        start_ms = max(self._start_ms, self._start_ms + first * self._span_ms - pad_ms)
        end_ms = min(self.end_ms, self._start_ms + (last + 1) * self._span_ms + pad_ms)
        span_ms = _span_ms((end_ms - start_ms) / (MOST_BARS - 2), self._span_ms)
        start_ms = start_ms // span_ms * span_ms
        size = -(-(end_ms - start_ms) // span_ms)
        return Near(start_ms, span_ms, *(self._bars(bins, start_ms, span_ms, size) for bins in (self._named, self._others)))

    def _bars(self, bins: array[int], start_ms: int, span_ms: int, size: int) -> list[int]:
        each, first = span_ms // self._span_ms, (start_ms - self._start_ms) // self._span_ms
        return [sum(bins[max(0, first + k * each) : max(0, first + (k + 1) * each)]) for k in range(size)]

    def _extent(self) -> tuple[int, int]:
        """Return the bins between which all but a few of the named votes are, or most of all votes where none is."""
        total, seen, first = sum(self._named), 0, 0
        if not total:
            return _densest(self._others, _BULK)
        for number, votes in enumerate(self._named):
            if seen <= _EDGE_SHARE * total:
                first = number
            seen += votes
            if seen >= (1 - _EDGE_SHARE) * total:
                return first, number
        return first, len(self._named) - 1


def _densest(votes: array[int], share: float) -> tuple[int, int]:
    """Return the first and last of the fewest bins in a row that hold a share of the votes."""
    enough, held, first, best = share * sum(votes), 0, 0, (0, len(votes) - 1)
    for last, count in enumerate(votes):
        held += count
        while held - votes[first] >= enough and first < last:
            held -= votes[first]
            first += 1
        if held >= enough and last - first < best[1] - best[0]:
            best = first, last
    return best


def _pad_ms(length_ms: int) -> int:
    """Return how much to show on either side: half as long again, of long times less."""
    return max(_LEAST_PAD_MS, min(length_ms // 2, _MOST_PAD_MS), length_ms // 20)


def _span_ms(least_ms: float, multiple_of_ms: int) -> int:
    """Return a length of time a person would choose, that is not below `least_ms`."""
    for span_ms in _SPANS_MS:
        if span_ms >= least_ms and span_ms % multiple_of_ms == 0:
            return span_ms
    span_ms = max(_MINUTE_MS, multiple_of_ms)
    while span_ms < least_ms:
        span_ms *= 2
    return span_ms
