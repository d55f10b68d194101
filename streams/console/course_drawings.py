"""A poll over time as two drawings: votes against expected ones, and the suspect share with its interval. Slow: 30 ms each."""

from __future__ import annotations

from collections.abc import Sequence

from detectors.alert import Window
from streams.console.spans_of_course import SharePoint
from streams.report.bars import Bars
from streams.report.drawing import SUSPECT, Spec, drawing, times
from streams.report.timeline_chart import timeline_chart
from streams.report.words import clock, interval, percent

_HEIGHT = 110
_LEAST_TOP = 0.05


def votes_chart(bars: Bars, case: Window | None, title: str) -> str:
    """Return the drawing of votes; the case's window, if there is one, is a band behind them."""
    return timeline_chart(bars, case or Window(0, 0), title)


def share_chart(points: Sequence[SharePoint], from_ms: int, to_ms: int) -> str:
    """Return the drawing of the suspect share so far, from `from_ms` to `to_ms`; at least one point."""
    values = [{"at": one.at_ms, "share": one.share, "low": one.low, "high": one.high} for one in points]
    top = min(1.0, max(_LEAST_TOP, *(one.high for one in points)))
    x = {"field": "at", **times(from_ms, to_ms)}
    axis = {"title": "share of all votes", "format": "%", "tickCount": 4, "domain": False, "ticks": False}
    y: Spec = {"type": "quantitative", "axis": axis, "scale": {"domain": [0, top], "nice": True}}
    layers: list[Spec] = [
        {
            "mark": {"type": "area", "opacity": 0.3, "interpolate": "step-after"},
            "encoding": {"x": x, "y": y | {"field": "low"}, "y2": {"field": "high"}, "color": {"value": SUSPECT}},
        },
        {
            "mark": {"type": "line", "strokeWidth": 2, "interpolate": "step-after"},
            "encoding": {"x": x, "y": y | {"field": "share"}, "color": {"value": SUSPECT}},
        },
    ]
    last = points[-1]
    words = f"{percent(last.share)} ({interval(last.low, last.high)}) at {clock(last.at_ms)}, at most {percent(max(one.share for one in points))}"
    return drawing({"height": _HEIGHT, "data": {"values": values}, "layer": layers}, "Suspect share of all votes so far", words)
