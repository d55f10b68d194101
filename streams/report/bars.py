"""The bars of a timeline: which of a poll's votes are the crowd's and which are suspect. Knows no drawing."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.alert import Window
from streams.report.sample import Near
from streams.report.timelines import Timeline


@dataclass(frozen=True, slots=True)
class Bar:
    """Votes of one span of time: those of the crowd, the suspect ones, and how many were expected in all (or None)."""

    start_ms: int
    crowd: float
    suspect: float
    expected: float | None

    @property
    def votes(self) -> float:
        """All of them."""
        return self.crowd + self.suspect


@dataclass(frozen=True, slots=True)
class Bars:
    """One bar or more that follow on each other without a gap, each `span_ms` long."""

    span_ms: int
    bars: list[Bar]

    @property
    def start_ms(self) -> int:
        """Where the first bar begins."""
        return self.bars[0].start_ms

    @property
    def end_ms(self) -> int:
        """Where the last bar ends."""
        return self.bars[-1].start_ms + self.span_ms


def whole(timeline: Timeline, window: Window, suspect_votes: int, near: Near | None) -> Bars:
    """Return all of a timeline that has points; `window` and `suspect_votes` are the case's in this poll."""
    points = timeline.filled()
    if near is None or not any(near.named):
        plain = [Bar(at_ms, point.votes, 0.0, point.expected) for at_ms, point in points]
        return _laid_on(Bars(timeline.span_ms, plain), window, suspect_votes)
    named = _named_by_span(near, timeline.span_ms)
    bars = []
    for at_ms, point in points:
        suspect = min(point.votes, named.get(at_ms, 0.0))
        bars.append(Bar(at_ms, point.votes - suspect, suspect, point.expected))
    return Bars(timeline.span_ms, bars)


def around(near: Near, timeline: Timeline | None, window: Window, suspect_votes: int) -> Bars:
    """Return the votes about the time of a case."""
    expected = {} if timeline is None else {at_ms: point.expected for at_ms, point in timeline.filled()}
    span_ms = near.span_ms if timeline is None else timeline.span_ms
    bars = []
    for number, (named, others) in enumerate(zip(near.named, near.others, strict=True)):
        at_ms = near.start_ms + number * near.span_ms
        level = expected.get(at_ms // span_ms * span_ms)
        bars.append(Bar(at_ms, others, named, None if level is None else level * near.span_ms / span_ms))
    found = Bars(near.span_ms, bars)
    return found if any(near.named) else _laid_on(found, window, suspect_votes)


def _laid_on(plain: Bars, window: Window, suspect_votes: int) -> Bars:
    """Where nobody is named, lay the suspect votes evenly on those beyond the expected ones in the case's window."""

    def beyond(bar: Bar) -> float:
        inside = bar.start_ms < window.end_ms and window.start_ms < bar.start_ms + plain.span_ms
        return max(0.0, bar.crowd - (bar.expected or 0.0)) if inside else 0.0

    excess = sum(map(beyond, plain.bars))
    share = min(1.0, suspect_votes / excess) if excess else 0.0
    laid = [Bar(b.start_ms, b.crowd - share * beyond(b), share * beyond(b), b.expected) for b in plain.bars]
    return Bars(plain.span_ms, laid)


def _named_by_span(near: Near, span_ms: int) -> dict[int, float]:
    found: dict[int, float] = {}
    for number, votes in enumerate(near.named):
        start_ms = (near.start_ms + number * near.span_ms) // span_ms * span_ms
        found[start_ms] = found.get(start_ms, 0.0) + votes
    return found
