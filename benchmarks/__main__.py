"""`python -m benchmarks`: everything that is promised, measured; a Markdown report; 1 when a ratio fell since it was recorded."""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import report
from benchmarks.cluster import cluster, create_topics
from benchmarks.latency import measure
from benchmarks.live_traffic import LiveTraffic
from benchmarks.load import load
from benchmarks.memory import measure as measure_memory
from benchmarks.memory import traffic_of
from benchmarks.promises import Verdict, judge_latency, judge_memory, judge_scan, judge_throughput
from benchmarks.recorded import fallen, recorded
from benchmarks.recording import Traffic, record
from benchmarks.runs import Run
from benchmarks.scan_speed import WORLD, ScanRun, repeat, scan, write_story
from benchmarks.throughput import Race

PARTS = ("throughput", "latency", "scan", "memory")


def main() -> int:
    """Return 1 when a ratio is far below what was recorded; what was promised and missed is told in the report."""
    given = _parser().parse_args()
    logs = Path(tempfile.mkdtemp(prefix="pollwatch-bench-"))
    measured = {"throughput": _throughput, "latency": _latency, "scan": _scan, "memory": _memory}
    sections, verdicts = [report.conditions()], list[Verdict]()
    for part in given.only or PARTS:
        _tell(f"{part} ...")
        text, found = measured[part](given, logs)
        sections.append(text)
        verdicts += found
    sections.append(report.verdicts(verdicts))
    text = "\n\n".join(sections)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")
    lost = fallen(verdicts, recorded())
    for line in lost:
        _tell(line)
    return 1 if lost else 0


def _throughput(given: argparse.Namespace, logs: Path) -> tuple[str, list[Verdict]]:
    recording = record(Traffic(votes=given.votes))
    gc.freeze()  # half a million account ids are not looked through while others are measured
    with cluster() as where:
        create_topics(where.settings("load"))
        loaded = load(recording, where.settings("load"), where.broker_pid)
        _tell(report.loading(loaded))
        runs = Race(where, recording, min(given.stock_votes, given.votes), logs).rounds(given.repeats, _tell_run)
    return report.throughput(runs, loaded), judge_throughput(runs)


def _latency(given: argparse.Namespace, logs: Path) -> tuple[str, list[Verdict]]:
    traffic = LiveTraffic(votes_per_s=given.offered, seconds=given.seconds)
    with cluster() as where:
        found = measure(where, traffic, logs)
    return report.latency(found), judge_latency(found)


def _scan(given: argparse.Namespace, logs: Path) -> tuple[str, list[Verdict]]:
    source, many = given.world, logs / "repeated.jsonl"
    if not source.exists():
        source = write_story(logs / "story.jsonl")
    repeat(source, given.events, many)
    runs = list(_scans(many, logs, given.repeats))
    many.unlink()
    return report.scans(runs, source.name), judge_scan(runs)


def _memory(given: argparse.Namespace, logs: Path) -> tuple[str, list[Verdict]]:
    recording = record(traffic_of(given.million_accounts))
    gc.freeze()
    with cluster() as where:
        create_topics(where.settings("load"))
        load(recording, where.settings("load"), where.broker_pid)
        found = measure_memory(where, recording, logs)
    return report.memory(found), judge_memory(found, given.million_accounts)


def _scans(recording: Path, logs: Path, repeats: int) -> Iterator[ScanRun]:
    for _ in range(repeats):
        run = scan(recording, logs / "scan")
        _tell(f"scan: {run.events_per_s:,.0f} events/s")
        yield run


def _tell_run(run: Run) -> None:
    _tell(f"{run.contestant}: {run.votes_per_s:,.0f} votes/s, {run.cpu_s_per_million:.2f} CPU s / million")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be given again")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each contestant, and of scan")
    parser.add_argument("--votes", type=int, default=2_000_000, help="in the recording")
    parser.add_argument("--stock-votes", type=int, default=300_000, help="of these given to the stock agent")
    parser.add_argument("--offered", type=int, default=50_000, metavar="VOTES_PER_S", help="for the latency")
    parser.add_argument("--seconds", type=int, default=60, help="for which latency is measured")
    parser.add_argument("--million-accounts", type=int, default=1, metavar="N", help="for the memory")
    parser.add_argument("--events", type=int, default=2_000_000, help="that are scanned")
    parser.add_argument("--world", type=Path, default=WORLD, metavar="FILE", help="recording to scan, else the lab's story")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the report goes there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
