"""A poll over time, drawn: votes as counted, the suspect part of them, what was expected, and when the case was."""

from __future__ import annotations

from typing import Any

from detectors.alert import Window
from detectors.sentences import span
from streams.report.bars import Bar, Bars
from streams.report.drawing import CROWD, EXPECTED, SUSPECT, Spec, drawing, times
from streams.report.words import clock

_WIDTH, _HEIGHT = 410, 170
_STEPS = {"interpolate": "step-after"}
_BAND = "var(--band)"


def timeline_chart(bars: Bars, case: Window, title: str) -> str:
    """Return the drawing; the case's window is a band behind the bars."""
    last = bars.bars[-1]
    closed = [*bars.bars, Bar(bars.end_ms, last.crowd, last.suspect, last.expected)]
    values = [{"at": b.start_ms, "crowd": b.crowd, "all": b.votes, "expected": b.expected} for b in closed]
    band = {"from": max(bars.start_ms, case.start_ms), "to": min(bars.end_ms, case.end_ms)}
    return drawing(_spec(values, band, bars), title, described(bars))


def described(bars: Bars) -> str:
    """Return in words what the drawing shows."""
    most = max(bars.bars, key=lambda bar: bar.votes)
    votes, suspect = (sum(getattr(bar, name) for bar in bars.bars) for name in ("votes", "suspect"))
    return (
        f"{votes:,.0f} votes from {clock(bars.start_ms)} to {clock(bars.end_ms)}, {suspect:,.0f} of them suspect; "
        f"the most in {span(0, bars.span_ms)} were {most.votes:,.0f} at {clock(most.start_ms)}"
    )


def _spec(values: list[dict[str, Any]], band: dict[str, int], bars: Bars) -> Spec:
    x = {"field": "at", **times(bars.start_ms, bars.end_ms)}
    axis = {"title": f"votes in {span(0, bars.span_ms)}", "tickCount": 4, "domain": False, "ticks": False}

    def area(low: str | None, high: str, colour: str) -> Spec:
        y = {"field": high, "type": "quantitative", "axis": axis}
        y2 = {"datum": 0} if low is None else {"field": low}
        return {"mark": {"type": "area", **_STEPS}, "encoding": {"x": x, "y": y, "y2": y2, "color": {"value": colour}}}

    window = {"x": x | {"field": "from"}, "x2": {"field": "to"}, "color": {"value": _BAND}}
    expected = {"x": x, "y": {"field": "expected", "type": "quantitative"}, "color": {"value": EXPECTED}}
    line = {"type": "line", "strokeDash": [4, 3], "strokeWidth": 1.5, **_STEPS}
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "data": {"values": values},
        "layer": [
            {"data": {"values": [band]}, "mark": {"type": "rect"}, "encoding": window},
            area(None, "crowd", CROWD),
            *([area("crowd", "all", SUSPECT)] if any(bar.suspect for bar in bars.bars) else []),
            {"mark": line, "encoding": expected},
        ],
    }
