"""The curves as one picture, a panel each, on logarithmic axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import vl_convert

from benchmarks.growth.run import Measured
from benchmarks.growth.table import COLUMNS

_VEGA_LITE = "6.4"
_SHOWN = ("CPU s per million", "peak RSS MB", "delay p99 s")
_COLOURS = ("#0b6e99", "#b3541e")


def picture(curves: Sequence[Sequence[Measured]]) -> str:
    """Return an SVG: a row for each curve, a panel for CPU, memory or delay where it has them."""
    rows = [{"hconcat": [_panel(found, name) for name in _SHOWN if _values(found, name)]} for found in curves]
    spec: dict[str, Any] = {"vconcat": rows, "config": {"font": "Arial, Liberation Sans, sans-serif", "background": "white"}}
    svg: str = vl_convert.vegalite_to_svg(spec, _VEGA_LITE, allowed_base_urls=[])
    return svg


def _values(found: Sequence[Measured], name: str) -> list[dict[str, float]]:
    of = next(of for column, of, _ in COLUMNS if column == name)
    values = [(one.point.x, of(one)) for one in found]
    return [{"x": x, "y": y} for x, y in values if y is not None]


def _panel(found: Sequence[Measured], name: str) -> dict[str, Any]:
    return {
        "width": 260,
        "height": 130,
        "data": {"values": _values(found, name)},
        "mark": {"type": "line", "point": True, "color": _COLOURS[_SHOWN.index(name) % 2]},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "scale": {"type": "log", "nice": False}, "title": str(found[0].point.curve),
                  "axis": {"values": [one.point.x for one in found], "format": "~s"}},
            "y": {"field": "y", "type": "quantitative", "scale": {"type": "log", "zero": False}, "title": name,
                  "axis": {"format": "~s", "tickCount": 4}},
        },
    }  # fmt: skip
