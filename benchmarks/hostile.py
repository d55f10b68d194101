"""`python -m benchmarks.hostile`: what traffic costs that was made to cost much, in a scan with everything on.

Of each sort a quarter and the whole is scanned, by a process of its own. Time is linear when the whole takes four times as
long; a table says how often it does, and what the largest process of the scan held at most. 1 when something grows faster.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hostile_traffic import SORTS
from benchmarks.scan_speed import ScanRun, scan

_PARTS = 4
MOST_EXPONENT = 1.3
"""Time that grows with this power of the number of lines is still taken for linear: n log n is 1.1 here, what is quadratic 2."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a quarter of the lines and all of them cost."""

    sort: str
    quarter: ScanRun
    whole: ScanRun

    @property
    def exponent(self) -> float:
        """The power of the number of lines with which CPU time grows."""
        return math.log(self.whole.cpu_s / self.quarter.cpu_s, self.whole.events / self.quarter.events)


def cost(sort: str, count: int, folder: Path) -> Cost:
    """Scan a quarter of `count` lines, then all."""
    quarter, whole = (_scan(sort, number, folder) for number in (count // _PARTS, count))
    return Cost(sort, quarter, whole)


def _scan(sort: str, count: int, folder: Path) -> ScanRun:
    recording = folder / "recording.jsonl"
    # in a process of its own: what this one holds is counted as held by those it starts
    write = [sys.executable, "-m", "benchmarks.hostile_traffic", sort, str(count), str(recording)]
    subprocess.run(write, check=True)
    return scan(recording, folder / "out")


def table(costs: list[Cost]) -> str:
    """Return the costs in Markdown."""
    head = "| traffic | lines | CPU s | lines per CPU s | grows with power | peak MB, a quarter | peak MB | cases |"
    rows = [
        f"| {one.sort} | {one.whole.events:,} | {one.whole.cpu_s:.1f} | {one.whole.events / one.whole.cpu_s:,.0f} "
        f"| {one.exponent:.2f} | {one.quarter.peak_rss_bytes / 1e6:,.0f} | {one.whole.peak_rss_bytes / 1e6:,.0f} | {one.whole.cases} |"
        for one in costs
    ]
    return "\n".join([head, "|---|--:|--:|--:|--:|--:|--:|--:|", *rows])


def main() -> int:
    """Return 0 when no sort of traffic makes time grow faster than it should."""
    parser = argparse.ArgumentParser("python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000, help="of each sort")
    parser.add_argument("--only", action="append", choices=SORTS, help="one sort; may be given again")
    given = parser.parse_args()
    costs = []
    with tempfile.TemporaryDirectory(prefix="pollwatch-hostile-") as folder:
        for sort in given.only or SORTS:
            costs.append(cost(sort, given.lines, Path(folder)))
            print(table(costs[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    print(table(costs))
    return 0 if all(one.exponent <= MOST_EXPONENT for one in costs) else 1


if __name__ == "__main__":
    sys.exit(main())
