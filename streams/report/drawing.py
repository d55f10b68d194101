"""How charts are drawn: Vega-Lite, in the colours of the page. Knows no poll."""

from __future__ import annotations

from typing import Any

import vl_convert

from streams.report.inline_svg import inline

Spec = dict[str, Any]

SUSPECT, CROWD, EXPECTED = "var(--suspect)", "var(--crowd)", "var(--expected)"

WIDTH = 420
"""Of every drawing, its labels included, so that letters have one size."""

_VEGA_LITE = "6.4"
_SHORT_MS = 300_000
_AXIS = {
    "labelColor": "var(--quiet)",
    "titleColor": "var(--quiet)",
    "titleFontWeight": "normal",
    "labelFontSize": 12,
    "titleFontSize": 12,
    "gridColor": "var(--rule)",
    "domainColor": "var(--quiet)",
    "tickColor": "var(--quiet)",
    # to cut labels off they are measured once more, a fifth of all a drawing costs: only names are cut
    "labelLimit": 0,
}
_CONFIG = {
    "background": None,
    "aria": False,
    "font": "Arial, Liberation Sans, Helvetica, sans-serif",
    "view": {"stroke": None},
    "axis": _AXIS,
    "legend": {"disable": True},
}


def drawing(spec: Spec, title: str, description: str) -> str:
    """Return a chart as `<svg>` with a title and a description for those who can't see it.

    Colours are the page's own (`var(--…)`), so that the chart follows it into the dark and onto paper. No address
    in a spec is ever fetched.
    """
    fitted: Spec = {"background": None, "width": WIDTH, "autosize": {"type": "fit-x", "contains": "padding"}}
    svg = vl_convert.vegalite_to_svg(spec | fitted, _VEGA_LITE, _CONFIG, allowed_base_urls=[])
    return inline(svg, title, description)


def times(start_ms: int, end_ms: int) -> Spec:
    """Return an axis of event time from `start_ms` to `end_ms`, UTC."""
    form = "%H:%M:%S" if end_ms - start_ms < _SHORT_MS else "%H:%M"
    return {
        "type": "temporal",
        "scale": {"type": "utc", "nice": False, "domain": [start_ms, end_ms]},
        "axis": {"title": None, "grid": False, "tickCount": 5, "format": form, "labelOverlap": True, "labelFlush": False},
    }
