"""`python -m benchmarks.growth`: every curve, a point after the other; 1 when something grows faster than n log n."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.growth.curves import VOTES, Curve, points
from benchmarks.growth.picture import picture
from benchmarks.growth.run import Measured, measure
from benchmarks.growth.table import section, too_steep
from benchmarks.report import conditions


def main() -> int:
    """Return 0 when nothing grows faster than n log n."""
    given = _parser().parse_args()
    logs = Path(tempfile.mkdtemp(prefix="pollwatch-growth-"))
    curves = []
    for curve in [Curve[name] for name in given.only] or list(Curve):
        found = []
        for point in points(curve, given.votes):
            found.append(measure(point, logs))
            print(f"{curve}: {point.x:,}: {_figures(found[-1])}", file=sys.stderr, flush=True)
        curves.append(found)
        print(section(found) + "\n", flush=True)
    print(conditions())
    if given.picture:
        given.picture.write_text(picture(curves))
    steep = [line for found in curves for line in too_steep(found)]
    print("\n".join(steep) or "Nothing grows faster than n log n.")
    return 1 if steep else 0


def _figures(found: Measured) -> str:
    named = (("CPU s per million", found.cpu_s_per_million), ("p99 s", found.p99_s))
    return ", ".join(f"{name} {value:.2f}" for name, value in named if value is not None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.growth", description=__doc__)
    names = [curve.name for curve in Curve]
    parser.add_argument("--only", action="append", default=[], choices=names, help="one curve; may be given again")
    parser.add_argument("--votes", type=int, default=VOTES, help="at each point")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="the curves as SVG go there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
