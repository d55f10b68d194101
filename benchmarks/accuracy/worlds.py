"""`python -m benchmarks.accuracy.worlds`: worlds simulated, scanned and scored, pooled; 1 when a floor was missed.

Thresholds are chosen on seeds below 1000, and what is reported uses seeds from 1000 on. Only numbers are kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.accuracy.floors import judge, judge_bare
from benchmarks.promises import Verdict
from config import load
from lab.worlds import SCENARIOS, world
from streams.evaluate import Scores, score
from streams.evaluate_files import Trial, read_trial
from streams.evaluate_table import page
from streams.scan import scan

JUDGED: dict[str, Callable[[Scores], list[Verdict]]] = {"as promised": judge, "bare": judge_bare}
"""Nothing is promised of attacks in disguise, nor of those that cross crowds; their scores are shown all the same."""
FIRST_SEED = 1000
_LINES_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Ran:
    """One world that was scanned, and how fast."""

    scenario: str
    seed: int
    trial: Trial
    events: int
    scan_s: float


def main() -> int:
    """Return 0 when every floor was reached."""
    given = _parser().parse_args()
    asked = [(scenario, seed) for seed in given.seeds for scenario in given.scenario or ["world", "organic"]]
    ran = list(_told(_run(asked, given.processes)))
    console, verdicts = Console(highlight=False), list[Verdict]()
    for scenario in dict.fromkeys(one.scenario for one in ran):
        scores = score([one.trial for one in ran if one.scenario == scenario])
        console.print(f"\n=== {scenario} ===\n")
        console.print(page(scores), soft_wrap=True)
    for name, judged in JUDGED.items():
        of_group = [one.trial for one in ran if group_of(one.scenario) == name]
        if of_group:
            scores = score(of_group)
            verdicts += judged(scores)
            console.print(f"\n=== {name}, pooled over {scores.worlds} worlds ===\n")
            console.print(_floors(judged(scores)))
            _keep(given.out, name, scores)
    return 0 if all(verdict.reached for verdict in verdicts) else 1


def group_of(scenario: str) -> str:
    """Return with which others a scenario is judged."""
    return scenario if scenario in ("bare", "crossed", "disguised") else "as promised"


def run_one(asked: tuple[str, int]) -> Ran:
    """Simulate, scan and read what was found; nothing is left on the disk."""
    scenario, seed = asked
    with tempfile.TemporaryDirectory(prefix="pollwatch-accuracy-") as folder:
        recording, labels = Path(folder, "world.jsonl"), Path(folder, "labels.json")
        made = world(SCENARIOS[scenario], seed)
        events = len(made.events)
        with recording.open("wb") as file:
            for start in range(0, events, _LINES_AT_ONCE):
                file.write(msgspec.json.Encoder().encode_lines(made.events[start : start + _LINES_AT_ONCE]))
        labels.write_bytes(msgspec.json.encode(made.labels))
        del made
        started = time.perf_counter()
        try:
            scan([recording], load(None, {}), Path(folder, "found"), keep_scores=False, tell=lambda _: None)
        except Exception as error:
            error.add_note(f"in scenario {scenario}, seed {seed}")
            raise
        scan_s = time.perf_counter() - started
        return Ran(scenario, seed, read_trial(Path(folder, "found"), labels), events, scan_s)


def _run(asked: list[tuple[str, int]], processes: int) -> Iterator[Ran]:
    if processes == 1:
        yield from map(run_one, asked)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(run_one, asked)


def _told(ran: Iterator[Ran]) -> Iterator[Ran]:
    """Say of each world what was missed in it, so that it can be looked at alone."""
    say = partial(print, file=sys.stderr, flush=True)
    for one in ran:
        found = score([one.trial])
        recalls = " ".join(f"{kind} {of.recall:.2f}" for kind, of in found.kinds.items() if of.recall is not None)
        called = f", called: {' '.join(found.organic_called)}" if found.organic_called else ""
        innocents = f", {found.accounts.innocents} innocents" if found.accounts.innocents else ""
        rate = one.events / max(one.scan_s, 1e-9)
        say(f"{one.scenario} {one.seed}: {one.events:,} events, {rate:,.0f}/s; {recalls or 'no attack'}{innocents}{called}")
        yield one


def _floors(verdicts: list[Verdict]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("what")
    for column in ("found", "floor", ""):
        table.add_column(column, justify="right")
    for one in verdicts:
        sign = "≤" if one.at_most else "≥"
        table.add_row(one.what, f"{one.found:.4g}", f"{sign} {one.floor:g}", "" if one.reached else "missed")
    return table


def _keep(out: Path | None, name: str, scores: Scores) -> None:
    if out is not None:
        with out.open("ab") as file:
            file.write(msgspec.json.encode({"group": name, "scores": scores}) + b"\n")


def seeds(text: str) -> range:
    """Read `1000-1019`, both included, or one seed."""
    first, _, last = text.partition("-")
    found = range(int(first), int(last or first) + 1)
    if not found:
        raise ValueError(text)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.accuracy.worlds", description=__doc__)
    parser.add_argument("--seeds", type=seeds, default=range(FIRST_SEED, FIRST_SEED + 20), metavar="1000-1019")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="may be given again; world and organic")
    parser.add_argument("--processes", type=int, choices=(1, 2), default=1, help="worlds at a time")
    parser.add_argument("--out", type=Path, metavar="FILE", help="add the pooled numbers here, as JSON lines")
    return parser


if __name__ == "__main__":
    sys.exit(main())
