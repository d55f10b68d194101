"""`python -m benchmarks.accuracy.calibration`: how often verdicts were right, for the tables of `detectors/cases/verdict.py`.

Worlds are simulated from seeds below 1000, on which thresholds may be chosen. A row counts the last verdicts of cases.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.accuracy.worlds import seeds
from config import load
from detectors.alert import Alert, CaseData
from detectors.cases.verdict import ACCUSING, measured
from lab.worlds import SCENARIOS, world
from streams.evaluate_calibration import calibration
from streams.evaluate_files import Trial, read_trial
from streams.scan import scan

_SCORES = (1.0, 2.0, 5.0, 20.0)


@dataclass(frozen=True, slots=True)
class Told:
    """The last verdict of a case that claims something: on how much it stands, how sure it was, and if it was right."""

    verdict: str
    weight: float
    confidence: float
    right: bool


def main() -> int:
    """Print how often verdicts were right, by what they stand on."""
    parser = argparse.ArgumentParser("python -m benchmarks.accuracy.calibration", description=__doc__)
    parser.add_argument("--seeds", type=seeds, default=range(1, 9), metavar="1-8")
    parser.add_argument("--scenario", choices=SCENARIOS, default="world")
    given = parser.parse_args()
    if max(given.seeds) >= 1000:
        parser.error("seeds from 1000 on are for reporting: choose below")
    told = [one for seed in given.seeds for one in _tell(given.scenario, seed)]
    console = Console(highlight=False)
    console.print(_table("coordinated or mixed, by score", [one for one in told if one.verdict in ACCUSING], _SCORES))
    console.print(_table("organic, by measured reasons", [one for one in told if one.verdict == "organic"], (0, 1, 2, 3, 4)))
    return 0


def _tell(scenario: str, seed: int) -> Iterator[Told]:
    with tempfile.TemporaryDirectory(prefix="pollwatch-calibration-") as folder:
        recording, labels, found = (Path(folder, name) for name in ("world.jsonl", "labels.json", "found"))
        made = world(SCENARIOS[scenario], seed)
        recording.write_bytes(msgspec.json.Encoder().encode_lines(made.events))
        labels.write_bytes(msgspec.json.encode(made.labels))
        del made
        scan([recording], load(None, {}), found, keep_scores=False, tell=lambda _: None)
        last = {}
        for alert in msgspec.json.Decoder(Alert).decode_lines((found / "alerts.jsonl").read_bytes()):
            last[alert.data.case_id] = alert.data
        trial = read_trial(found, labels)
        for data in last.values():
            if data.verdict != "insufficient" and data.merged_into is None:
                yield Told(data.verdict, _weight(data), data.confidence, _is_right(trial, data))


def _weight(data: CaseData) -> float:
    return data.score if data.verdict in ACCUSING else float(measured(data.evidence))


def _is_right(trial: Trial, data: CaseData) -> bool:
    said = [one for one in trial.alerts if one.case_id == data.case_id]
    return calibration([msgspec.structs.replace(trial, alerts=said)]).bins[0].right == 1


def _table(title: str, told: list[Told], bounds: tuple[float, ...]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("from", "cases", "right", "said"):
        table.add_column(column, justify="right")
    rows: dict[float, list[Told]] = defaultdict(list)
    for one in told:
        rows[max((bound for bound in bounds if one.weight >= bound), default=bounds[0])].append(one)
    for bound, group in sorted(rows.items()):
        right, said = (sum(values) / len(group) for values in zip(*((one.right, one.confidence) for one in group), strict=True))
        table.add_row(f"{bound:g}", f"{len(group)}", f"{right:.3f}", f"{said:.3f}")
    return table


if __name__ == "__main__":
    raise SystemExit(main())
