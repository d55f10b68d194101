"""`python -m benchmarks.accuracy.mentions`: long windows on invented, labelled volumes, scored as the Numenta benchmark scores.

What is chosen for long windows is chosen by this and by `benchmarks.false_alarms`, on seeds 0 to 99.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks.accuracy.nab_scoring import PROFILES, Result, Series, judge, score
from detectors.rate.detector import RateDetector, RateParams
from lab.mentions import FAMILIES, label_windows, mentions
from lab.traffic import BEGIN_MS
from lab.volumes import WINDOW_MS, cells

_POLLS, _DAYS = 40, 55
_PARAMS = RateParams(window_ms=WINDOW_MS, tick_ms=WINDOW_MS)


def measure(family: str, seed: int) -> list[Result]:
    """Watch the polls of one family and judge what was said."""
    seen = mentions(FAMILIES[family], seed, _POLLS, _DAYS)
    windows = seen.votes.shape[1]
    found = RateDetector(_PARAMS).advance(cells(seen.votes), BEGIN_MS + windows * WINDOW_MS).findings
    alarm = np.zeros(seen.votes.shape, np.bool_)
    for one in found:
        if one.phase == "opened":
            alarm[one.poll, (one.at_ms - BEGIN_MS) // WINDOW_MS - 1] = True
    marked = [(poll, label_windows(labels, windows)) for poll, labels in enumerate(seen.labels) if labels]
    return [judge(Series(family, alarm[poll], spans)) for poll, spans in marked]


def _line(name: str, results: list[Result]) -> str:
    found, windows, false = (sum(getattr(one, what) for one in results) for what in ("found", "windows", "false_rows"))
    scores = " | ".join(f"{score(results, profile):.1f}" for profile in PROFILES)
    return f"| {name} | {scores} | {found:,} of {windows:,} | {false:,} |"


def main() -> int:
    """Print the scores."""
    parser = argparse.ArgumentParser("python -m benchmarks.accuracy.mentions", description=__doc__)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    cases = [(family, seed) for family in FAMILIES for seed in range(given.first_seed, given.first_seed + given.seeds)]
    with ProcessPoolExecutor(given.processes) as pool:
        results = [one for part in pool.map(measure, *zip(*cases, strict=True)) for one in part]
    print("| volumes | standard | low FP | low FN | labels found | false alarms |\n|---|---|---|---|---|---|")
    for family in FAMILIES:
        print(_line(family, [one for one in results if one.name == family]))
    print(_line("all", results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
