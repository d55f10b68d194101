"""Volumes of real services as recordings: counts by poll and window become votes without any optional field."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.columns import Floats, Int64s


@dataclass(frozen=True)
class Volume:
    """Votes of one poll in spans that follow one another: span i is [edges_ms[i], edges_ms[i + 1])."""

    poll: str
    edges_ms: Int64s
    votes: Int64s


@dataclass(frozen=True)
class Scored:
    """What `scores.csv` says of one poll, a row for each window."""

    start_ms: Int64s
    votes: Int64s
    score: Floats
    alarm: Int64s


def write(volumes: list[Volume], path: Path, seed: int = 0) -> int:
    """Write the votes, spread evenly at random within their spans, in order of time; returns how many they are."""
    rng = np.random.default_rng(seed)
    ts_ms = [_spread(rng, volume) for volume in volumes]
    poll = np.repeat(np.arange(len(volumes)), [len(times) for times in ts_ms])
    all_ms = np.concatenate(ts_ms)
    order = np.argsort(all_ms, kind="stable")
    with path.open("w", encoding="ascii") as file:
        file.writelines(_lines([volume.poll for volume in volumes], all_ms[order], poll[order]))
    return len(order)


def _spread(rng: np.random.Generator, volume: Volume) -> Int64s:
    start_ms, length_ms = volume.edges_ms[:-1], np.diff(volume.edges_ms)
    which = np.repeat(np.arange(len(volume.votes)), volume.votes)
    times: Int64s = np.sort(start_ms[which] + (rng.random(len(which)) * length_ms[which]).astype(np.int64))
    return times


def _lines(polls: list[str], ts_ms: Int64s, poll: Int64s) -> Iterator[str]:
    for number, (time_ms, which) in enumerate(zip(ts_ms.tolist(), poll.tolist(), strict=True)):
        ids = f'"event_id":"e{number}","poll_id":"{polls[which]}","account_id":"a{number}"'
        yield f'{{"type":"vote",{ids},"option":"yes","ts":{time_ms}}}\n'


def scan(recording: Path, out: Path, *given: str) -> str:
    """Run `pollwatch scan --scores` over a recording; returns the line it ends with.

    Raises CalledProcessError when it fails.
    """
    command = [sys.executable, "-m", "streams", "scan", str(recording), "--out", str(out), "--scores", *given]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def scores(out: Path) -> dict[str, Scored]:
    """Read `scores.csv` of a scan."""
    columns: dict[str, list[tuple[int, int, float, int]]] = {}
    with (out / "scores.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            seen = int(row["window_start_ms"]), int(row["votes"]), float(row["score"]), int(row["alarm"])
            columns.setdefault(row["poll_id"], []).append(seen)
    return {poll: _scored(rows) for poll, rows in columns.items()}


def _scored(rows: list[tuple[int, int, float, int]]) -> Scored:
    start_ms, votes, score, alarm = zip(*rows, strict=True)
    return Scored(np.array(start_ms), np.array(votes), np.array(score), np.array(alarm))
