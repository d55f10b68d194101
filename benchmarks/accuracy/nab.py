"""`python -m benchmarks.accuracy.nab --data DIR`: `pollwatch scan --window 5m` on the tweet volumes of the Numenta benchmark.

DIR holds `realTweets/*.csv` (timestamp, value) and `combined_windows_realTweets.json`. A detection is a row of `scores.csv`
with `alarm` 1: the detector's own threshold, 1.0, and its own restraint. Nothing here looks for a better threshold.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.accuracy import volumes
from benchmarks.accuracy.nab_scoring import PROFILES, Result, Series, judge, score
from benchmarks.accuracy.volumes import Scored, Volume

FLOOR, WINDOW_MS = 75.0, 300_000
_SERIES = 10


def _clock_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def volume(path: Path) -> Volume:
    """Return a series as votes; its windows begin at odd seconds, and are moved back to whole ones."""
    with path.open(newline="") as file:
        rows = [(_clock_ms(row["timestamp"]), int(row["value"])) for row in csv.DictReader(file)]
    start_ms = np.array([time_ms // WINDOW_MS * WINDOW_MS for time_ms, _ in rows])
    return Volume(path.stem, np.append(start_ms, start_ms[-1] + WINDOW_MS), np.array([votes for _, votes in rows]))


def series(of: Volume, labelled: list[list[str]], seen: Scored) -> Series:
    """Return the detections of a series by its rows; rows before its first vote have none."""
    alarm = np.isin(of.edges_ms[:-1], seen.start_ms[seen.alarm > 0])
    edges = [tuple(_clock_ms(edge) // WINDOW_MS * WINDOW_MS for edge in window) for window in labelled]
    rows = [tuple(np.searchsorted(of.edges_ms, edge).tolist()) for edge in sorted(edges)]
    return Series(of.poll, alarm, [(first, last) for first, last in rows])


def _report(results: list[Result]) -> str:
    lines = ["| series | windows found | false alarms |", "|---|---|---|"]
    lines += [f"| {one.name.removeprefix('Twitter_volume_')} | {one.found} of {one.windows} | {one.false_rows} |" for one in results]
    found, windows = sum(one.found for one in results), sum(one.windows for one in results)
    lines.append(f"| all | {found} of {windows} | {sum(one.false_rows for one in results)} |")
    scores = ", ".join(f"{profile.name} {score(results, profile):.1f}" for profile in PROFILES)
    return "\n".join([*lines, "", f"Score: {scores} (0: silent, 100: perfect)"])


def measure(data: Path, work: Path) -> list[Result]:
    """Scan the ten series as one recording and judge them."""
    labels = json.loads((data / "combined_windows_realTweets.json").read_text())
    every = [volume(path) for path in sorted((data / "realTweets").glob("*.csv"))]
    if len(every) != _SERIES:
        raise SystemExit(f"{data}/realTweets has {len(every)} series, not {_SERIES}: give the folder of the benchmark's data")
    volumes.write(every, work / "tweets.jsonl")
    print(volumes.scan(work / "tweets.jsonl", work / "out", "--window", "5m"), file=sys.stderr)
    seen = volumes.scores(work / "out")
    return [judge(series(one, labels[f"realTweets/{one.poll}.csv"], seen[one.poll])) for one in every]


def main() -> int:
    """Return 0 when the standard score reaches its floor."""
    parser = argparse.ArgumentParser("python -m benchmarks.accuracy.nab", description=__doc__)
    default = os.environ.get("NAB_DATA")
    parser.add_argument("--data", type=Path, default=default, required=default is None, help="or NAB_DATA")
    with tempfile.TemporaryDirectory() as work:
        results = measure(parser.parse_args().data, Path(work))
    print(_report(results))
    return 0 if score(results, PROFILES[0]) >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())
