"""The curves as Markdown, each with its exponents."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.growth.fit import exponent, n_log_n
from benchmarks.growth.run import Measured

Column = tuple[str, Callable[[Measured], float | None], str]
COLUMNS: tuple[Column, ...] = (
    ("votes/s", lambda found: found.votes_per_s, ",.0f"),
    ("CPU s per million", lambda found: found.cpu_s_per_million, ".2f"),
    ("broker CPU s per million", lambda found: found.broker_cpu_s_per_million, ".2f"),
    ("peak RSS MB", lambda found: None if found.peak_rss_bytes is None else found.peak_rss_bytes / 1e6, ",.0f"),
    ("delay p50 s", lambda found: found.p50_s, ".2f"),
    ("delay p99 s", lambda found: found.p99_s, ".2f"),
)


def section(found: Sequence[Measured]) -> str:
    """Return the table of one curve; the last row has the exponent of each column."""
    columns = [column for column in COLUMNS if all(column[1](one) is not None for one in found)]
    lines = [f"### {found[0].point.curve}", "", _row([str(found[0].point.curve), *(name for name, _, _ in columns)])]
    lines.append("|---" * (len(columns) + 1) + "|")
    lines += [_row([f"{one.point.x:,}", *(format(of(one), form) for _, of, form in columns)]) for one in found]
    x = [one.point.x for one in found]
    slopes = [exponent(x, [of(one) or 0.0 for one in found]) for _, of, _ in columns]
    lines.append(_row(["exponent", *(f"{slope:+.2f}" for slope in slopes)]))
    return "\n".join(lines)


def too_steep(found: Sequence[Measured]) -> list[str]:
    """Return what grows faster than n log n."""
    x = [one.point.x for one in found]
    columns = [(name, [of(one) for one in found]) for name, of, _ in COLUMNS[1:]]
    steep = [name for name, values in columns if None not in values and exponent(x, [v or 0.0 for v in values]) > n_log_n(x)]
    return [f"{name} grows faster than n log n by {found[0].point.curve}" for name in steep]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
