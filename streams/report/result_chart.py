"""A poll's result, drawn: each option's share as counted, and without the suspect votes with its 95 % interval."""

from __future__ import annotations

from detectors.alert import Integrity
from streams.report.drawing import CROWD, EXPECTED, Spec, drawing
from streams.report.words import percent
from streams.terminal import visible

MOST_OPTIONS = 6
_ROW_HEIGHT = 34
_OPTION_CHARS = 18


def ranked(estimate: Integrity) -> list[str]:
    """Return the options by votes, most first."""
    return sorted(estimate.options, key=lambda option: (-estimate.options[option], option))


def result_chart(estimate: Integrity) -> str:
    """Return the drawing; the options with the most votes are in it, at most MOST_OPTIONS."""
    shown = ranked(estimate)[:MOST_OPTIONS]
    labels = [f"{number}. {visible(option, _OPTION_CHARS)}" for number, option in enumerate(shown, 1)]
    total = max(1, estimate.votes)
    values: list[dict[str, float | str]] = []
    for label, option in zip(labels, shown, strict=True):
        without = estimate.adjusted[option]
        raw = estimate.options[option] / total
        values.append({"option": label, "raw": raw, "share": without.share, "low": without.low, "high": without.high})
    raw = estimate.options[shown[0]] / total
    words = f"{shown[0]}: {percent(raw)} as counted, {percent(estimate.adjusted[shown[0]].share)} without suspect votes"
    return drawing(_spec(values, labels), "Result as counted and without suspect votes", words)


def _spec(values: list[dict[str, float | str]], labels: list[str]) -> Spec:
    axis = {"title": None, "format": ".0%", "tickCount": 5}
    x: Spec = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": axis}
    y: Spec = {
        "field": "option",
        "type": "nominal",
        "sort": labels,
        "axis": {"title": None, "domain": False, "ticks": False, "labelLimit": 120},
    }
    own = {"value": EXPECTED}
    return {
        "height": {"step": _ROW_HEIGHT},
        "data": {"values": values},
        "encoding": {"y": y},
        "layer": [
            {
                "mark": {"type": "bar", "height": 16},
                "encoding": {"x": x | {"field": "raw"}, "color": {"value": CROWD}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 3},
                "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}, "color": own},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {"x": x | {"field": "share"}, "color": own},
            },
        ],
    }
