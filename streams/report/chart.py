"""A timeline as an SVG drawing: a bar for the votes of each span, a line for what was expected. Pure text in and out."""

from __future__ import annotations

from datetime import UTC, datetime

from detectors.alert import Window
from detectors.sentences import span
from streams.report.timelines import Timeline

_WIDTH, _HEIGHT = 720, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 8, 10, 24
_GAP = 0.15


def chart(timeline: Timeline, case: Window) -> str:
    """Return the drawing as `<svg>`; bars that overlap the case's window are marked. All its texts are numbers and times."""
    points = timeline.filled()
    if not points:
        return ""
    highest = max(max(point.votes, point.expected) for _, point in points) or 1.0
    step = (_WIDTH - _LEFT - _RIGHT) / len(points)
    bars, line = [], []
    for index, (start_ms, point) in enumerate(points):
        x, top = _LEFT + index * step, _y(point.votes, highest)
        inside = start_ms < case.end_ms and case.start_ms < start_ms + timeline.span_ms
        bars.append(
            f'<rect class="{"surge" if inside else "votes"}" x="{x + step * _GAP / 2:.1f}" y="{top:.1f}" '
            f'width="{step * (1 - _GAP):.1f}" height="{_HEIGHT - _BOTTOM - top:.1f}">'
            f"<title>{_time(start_ms)}: {point.votes:,.0f} votes, {point.expected:,.3g} expected</title></rect>"
        )
        level = _y(point.expected, highest)
        line += [f"{x:.1f},{level:.1f}", f"{x + step:.1f},{level:.1f}"]
    description = f"Votes in each {span(0, timeline.span_ms)} from {_time(points[0][0])}, at most {highest:,.0f}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{description}">{_axes(highest)}{"".join(bars)}'
        f'<polyline class="expected" points="{" ".join(line)}"/>{_times(points[0][0], points[-1][0] + timeline.span_ms)}</svg>'
    )


def caption(timeline: Timeline) -> str:
    """Return what the drawing shows, as text."""
    return f"Votes in each {span(0, timeline.span_ms)}; the line is what was expected. Times are UTC."


def _y(value: float, highest: float) -> float:
    return _HEIGHT - _BOTTOM - value / highest * (_HEIGHT - _TOP - _BOTTOM)


def _axes(highest: float) -> str:
    base, top, end = _HEIGHT - _BOTTOM, _TOP, _WIDTH - _RIGHT
    return (
        f'<line class="axis" x1="{_LEFT}" y1="{base}" x2="{end}" y2="{base}"/>'
        f'<line class="grid" x1="{_LEFT}" y1="{top}" x2="{end}" y2="{top}"/>'
        f'<text x="{_LEFT - 6}" y="{top + 4}" text-anchor="end">{highest:,.0f}</text>'
        f'<text x="{_LEFT - 6}" y="{base}" text-anchor="end">0</text>'
    )


def _times(start_ms: int, end_ms: int) -> str:
    y = _HEIGHT - 8
    return (
        f'<text x="{_LEFT}" y="{y}">{_time(start_ms)}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{y}" text-anchor="end">{_time(end_ms)}</text>'
    )


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
