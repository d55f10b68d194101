"""A poll's last minutes in the space of a word: votes, and the suspect ones among them, for the list. Fast; no library."""

from __future__ import annotations

from streams.report.bars import Bars
from streams.report.markup import text
from streams.report.timeline_chart import described

_WIDTH, _HEIGHT = 120, 28


def sparkline(bars: Bars) -> str:
    """Return the drawing as `<svg>`."""
    top = max(1.0, *(bar.votes for bar in bars.bars))
    crowd = _path([bar.votes / top for bar in bars.bars])
    suspect = _path([bar.suspect / top for bar in bars.bars])
    red = f'<path d="{suspect}" fill="var(--suspect)"></path>' if any(bar.suspect for bar in bars.bars) else ""
    return (
        f'<svg class="spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{text(described(bars))}">'
        f'<path d="{crowd}" fill="var(--crowd)"></path>{red}</svg>'
    )


def _path(heights: list[float]) -> str:
    step = _WIDTH / len(heights)
    tops = "".join(f"V{_HEIGHT * (1 - high):.1f}H{(number + 1) * step:.1f}" for number, high in enumerate(heights))
    return f"M0,{_HEIGHT}{tops}V{_HEIGHT}Z"
