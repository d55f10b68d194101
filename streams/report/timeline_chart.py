"""A poll over time, drawn: votes as counted, the suspect part of them, what was expected, and when the case was."""

from __future__ import annotations

from detectors.alert import Window
from detectors.cases.sentences import span
from streams.report.bars import Bar, Bars
from streams.report.drawing import CROWD, EXPECTED, SUSPECT, Spec, drawing, times
from streams.report.words import clock

_HEIGHT = 165
_STEPS = {"interpolate": "step-after"}
_BAND = "var(--band)"
_MOST_MARKED = 0.8
_HEADROOM = 1.15


def timeline_chart(bars: Bars, case: Window, title: str) -> str:
    """Return the drawing; the case's window is a band behind the bars."""
    last = bars.bars[-1]
    closed = [*bars.bars, Bar(bars.end_ms, last.crowd, last.suspect, last.expected)]
    top = _HEADROOM * max(1.0, *(bar.votes for bar in closed))
    # what was expected is no news where it is far above what came, and would flatten it
    values = [
        {"at": b.start_ms, "suspect": b.suspect, "all": b.votes, "expected": None if (b.expected or 0) > top else b.expected}
        for b in closed
    ]
    layers = [_area("all", CROWD, bars)]
    if has_suspects(bars):
        layers.append(_area("suspect", SUSPECT, bars))
    if shows_window(bars, case):
        layers.insert(0, _band(bars, case))
    spec = {"height": _HEIGHT, "data": {"values": values}, "layer": [*layers, _expected(bars)]}
    return drawing(spec, title, described(bars))


def has_suspects(bars: Bars) -> bool:
    """Tell whether there is anything red in the drawing."""
    return any(bar.suspect for bar in bars.bars)


def shows_window(bars: Bars, case: Window) -> bool:
    """Tell whether the case's time is marked: not where it is nearly all that is drawn."""
    inside_ms = min(bars.end_ms, case.end_ms) - max(bars.start_ms, case.start_ms)
    return 0 < inside_ms < _MOST_MARKED * (bars.end_ms - bars.start_ms)


def described(bars: Bars) -> str:
    """Return in words what the drawing shows."""
    most = max(bars.bars, key=lambda bar: bar.votes)
    votes, suspect = (sum(getattr(bar, name) for bar in bars.bars) for name in ("votes", "suspect"))
    return (
        f"{votes:,.0f} votes from {clock(bars.start_ms)} to {clock(bars.end_ms)}, {suspect:,.0f} of them suspect; "
        f"the most in {span(0, bars.span_ms)} were {most.votes:,.0f} at {clock(most.start_ms)}"
    )


def _area(field: str, colour: str, bars: Bars) -> Spec:
    """Return an area down to zero; the suspect votes lie before all of them, so that their own shape shows."""
    axis = {"title": f"votes in {span(0, bars.span_ms)}", "tickCount": 4, "domain": False, "ticks": False}
    y = {"field": field, "type": "quantitative", "axis": axis}
    encoding = {"x": _time(bars, "at"), "y": y, "color": {"value": colour}}
    return {"mark": {"type": "area", **_STEPS}, "encoding": encoding}


def _expected(bars: Bars) -> Spec:
    line = {"type": "line", "strokeDash": [4, 3], "strokeWidth": 1.5, **_STEPS}
    y = {"field": "expected", "type": "quantitative"}
    return {"mark": line, "encoding": {"x": _time(bars, "at"), "y": y, "color": {"value": EXPECTED}}}


def _band(bars: Bars, case: Window) -> Spec:
    band = {"from": max(bars.start_ms, case.start_ms), "to": min(bars.end_ms, case.end_ms)}
    encoding = {"x": _time(bars, "from"), "x2": {"field": "to"}, "color": {"value": _BAND}}
    return {"data": {"values": [band]}, "mark": {"type": "rect"}, "encoding": encoding}


def _time(bars: Bars, field: str) -> Spec:
    return {"field": field, **times(bars.start_ms, bars.end_ms)}
